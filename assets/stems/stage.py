"""The `stems` stage: from a track to its vocals and all the rest."""

from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from assets.stage import Process, Stage
from assets.stems.segments import vocal_segments
from assets.stems.separate import HEADROOM_DB, HOP_S, Levels, Write, separate
from assets.stems.settings import StemSettings
from assets.tables import Row
from resources.devices import crew_of
from resources.engines import ALONE
from resources.ffmpeg import decode, encode, local_path
from resources.models import LocalModel, ModelSpec
from resources.separators import Separator, open_separator, separator_of
from resources.stores import Store, open_store

STEMS = ("vocals", "accompaniment")


def stems_stage(settings: StemSettings, store_root: str, threads: int, *, fetch: bool = False) -> Stage:
    """With `fetch` its separator is on this machine afterwards.

    Raises:
        ModelUnavailable: it cannot be had (`fetch` only).
    """
    separator = separator_of(settings.separator, fetch=fetch)
    return Stage(
        table="stems",
        version="2",
        # Of the catalogue nothing is read but that the track is no duplicate: that is not worth separating twice.
        reads={
            "tracks": ("uri", "sha256", "duration_s", "integrated_lufs", "true_peak_dbtp"),
            "catalogue": (),
        },
        parameters={"codec": settings.codec, "separator": separator.spec.as_json()},
        open=partial(_open, settings, separator, store_root, threads),
        crew=crew_of(separator) if fetch else ALONE,
    )


def _open(settings: StemSettings, model: LocalModel, store_root: str, threads: int) -> Process:
    return partial(stems_of, settings, model.spec, open_store(store_root), open_separator(model, threads))


def stems_of(settings: StemSettings, spec: ModelSpec, store: Store, separator: Separator, track: Row) -> list[Row]:
    """Puts a track's stems into the store.

    Loudness and peak are those of `tracks`, measured over the same decode, so that the track is decoded once here, or
    twice for a separator that hears twice.

    Raises:
        DecodeError: the file has changed since it became a track, or is gone.
    """
    gain_db = min(0.0, HEADROOM_DB - track["true_peak_dbtp"])
    keys = {stem: f"stems/{track['key'][:2]}/{track['key']}.{stem}.{settings.codec}" for stem in STEMS}
    with store.scratch() as folder:
        files = {stem: folder / f"{stem}.flac" for stem in STEMS}
        levels = _write_stems(track, gain_db, separator, files)
        for stem in STEMS:
            store.put(keys[stem], files[stem] if settings.codec == "flac" else _opus(files[stem], separator.rate_hz))
    return [
        {
            "vocals_uri": keys["vocals"],
            "accompaniment_uri": keys["accompaniment"],
            "gain_db": gain_db,
            "vocal_to_mix_db": levels.vocal_to_mix_db,
            "vocal_segments": [
                {"start_s": segment.start_s, "end_s": segment.end_s}
                for segment in vocal_segments(levels.vocals, levels.mix, HOP_S, track["duration_s"])
            ],
            "models": [spec.as_row("separator")],
        }
    ]


def _write_stems(track: Row, gain_db: float, separator: Separator, files: dict[str, Path]) -> Levels:
    rate_hz = separator.rate_hz
    form = {"mode": "w", "samplerate": rate_hz, "channels": 2, "format": "FLAC", "subtype": "PCM_24"}
    with (
        soundfile.SoundFile(files["vocals"], **form) as vocals,
        soundfile.SoundFile(files["accompaniment"], **form) as accompaniment,
    ):
        return separate(
            partial(decode, local_path(track["uri"]), rate_hz, 2, sha256=track["sha256"]),
            separator,
            _writer(vocals),
            _writer(accompaniment),
            loudness_db=track["integrated_lufs"],
            gain_db=gain_db,
        )


def _writer(file: soundfile.SoundFile) -> Write:
    def write(samples: np.ndarray) -> None:
        file.write(samples << 8)  # libsndfile wants them at the top of 32 bits

    return write


def _opus(flac: Path, rate_hz: int) -> Path:
    opus = flac.with_suffix(".opus")
    encode(opus, decode(flac, rate_hz, 2), rate_hz, "opus")
    return opus
