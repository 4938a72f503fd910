"""The `captions` stage: each track in words, with the tempo and key that were measured."""

from collections.abc import Callable
from functools import partial

import numpy as np

from assets.captions.descriptors import facts_of
from assets.captions.sentence import SentenceWriter
from assets.captions.settings import CaptionSettings
from assets.captions.spectra import RATE_HZ, Audio
from assets.stage import Process, Stage
from assets.tables import Row
from resources.captioners import MEASURED, Captioner
from resources.ffmpeg import decode_mono, local_path
from resources.models import ModelSpec
from resources.stores import Store, open_store

CAPTIONERS: dict[str, tuple[ModelSpec, Callable[[int], Captioner]]] = {
    MEASURED.name: (MEASURED, lambda threads: SentenceWriter()),
}


def captions_stage(settings: CaptionSettings, store_root: str, threads: int) -> Stage:
    """Raises ValueError where there is no such captioner."""
    spec, _ = captioner_named(settings.captioner)
    return Stage(
        table="captions",
        version="1",
        reads={
            "tracks": ("uri", "sha256", "duration_s", "integrated_lufs", "genre"),
            "stems": ("vocals_uri", "gain_db", "vocal_segments", "vocal_to_mix_db"),
        },
        parameters={**settings.model_dump(mode="json"), "model": spec.as_json()},
        open=partial(_open, settings, store_root, threads),
        timeout_s=600.0,
    )


def captioner_named(name: str) -> tuple[ModelSpec, Callable[[int], Captioner]]:
    """What a captioner is, and what opens it with a number of threads."""
    if name not in CAPTIONERS:
        raise ValueError(f"no captioner is called {name!r}; there is {', '.join(map(repr, CAPTIONERS))}")
    return CAPTIONERS[name]


def _open(settings: CaptionSettings, store_root: str, threads: int) -> Process:
    _, open_captioner = captioner_named(settings.captioner)
    return partial(captions_of, settings, open_store(store_root), open_captioner(threads))


def captions_of(settings: CaptionSettings, store: Store, captioner: Captioner, track: Row) -> list[Row]:
    """The one row of a track. Tempo and key are null where there is none, and in the caption only where they are sure.

    Raises:
        DecodeError: the file no longer decodes.
    """
    mix, vocals = heard_of(settings, store, track)
    facts, tempo, key = facts_of(track, mix, vocals)
    caption = captioner.caption(mix, RATE_HZ, facts)
    return [
        {
            "caption": caption.text,
            "short_caption": caption.short,
            "tags": list(caption.tags),
            "tempo_bpm": round(tempo.bpm, 1) if tempo else None,
            "key": key.name if key else None,
            "models": [MEASURED.as_row("captioner")],
        }
    ]


def heard_of(settings: CaptionSettings, store: Store, track: Row) -> tuple[Audio, Audio]:
    """What is listened to of a track: its mix and its vocals, mono at 22.05 kHz, as long as each other.

    Raises:
        DecodeError: the file no longer decodes.
    """
    start_s = max(0.0, (track["duration_s"] - settings.heard_s) / 2)
    heard = {"start_s": start_s, "duration_s": settings.heard_s}
    gain = np.float32(10 ** (track["gain_db"] / 20))
    mix = gain * decode_mono(local_path(track["uri"]), RATE_HZ, **heard, sha256=track["sha256"])
    with store.local(track["vocals_uri"]) as path:
        vocals = decode_mono(path, RATE_HZ, **heard)
    length = min(len(mix), len(vocals))  # a sample of rounding may lie between them
    return mix[:length], vocals[:length]
