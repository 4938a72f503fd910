"""The `captions` stage: each track in words, with the tempo and key that were measured."""

import json
from functools import partial

import numpy as np

from assets.captions.descriptors import facts_of
from assets.captions.heard import hear, prompt
from assets.captions.sentence import measured_caption
from assets.captions.settings import CaptionSettings
from assets.captions.spectra import RATE_HZ, Audio
from assets.captions.windows import Span, windows_to_hear
from assets.stage import Process, Stage
from assets.tables import Row
from resources import captioners
from resources.captioners import MEASURED, Listener, captioner_of, open_captioner
from resources.devices import crew_of
from resources.engines import ALONE
from resources.ffmpeg import decode_mono, local_path
from resources.models import LocalModel, ModelSpec
from resources.stores import Store, open_store

CHOICES = {"captioner"}  # settings that say which model; what they come to is in the model's own spec


def captions_stage(settings: CaptionSettings, store_root: str, threads: int, *, fetch: bool = False) -> Stage:
    """With `fetch` its captioner is on this machine afterwards.

    Raises:
        ModelUnavailable: it cannot be had (`fetch` only).
    """
    captioner = captioner_of(settings.captioner, fetch=fetch)
    listens = settings.captioner.listens
    # The artist is looked up only so that nobody who writes freely names them.
    artist = ("artist",) if listens else ()
    return Stage(
        table="captions",
        version="2",
        reads={
            "tracks": ("uri", "sha256", "duration_s", "integrated_lufs", "genre", *artist),
            "stems": ("vocals_uri", "gain_db", "vocal_segments", "vocal_to_mix_db"),
        },
        parameters={
            "settings": settings.model_dump(mode="json", exclude=CHOICES),
            "captioner": captioner.spec.as_json(),
            "prompt": prompt() if listens else None,
        },
        open=partial(_open, settings, captioner, store_root, threads),
        timeout_s=1800.0 if listens else 600.0,
        crew=crew_of(captioner) if fetch else ALONE,
    )


def _open(settings: CaptionSettings, captioner: LocalModel, store_root: str, threads: int) -> Process:
    listener = open_captioner(captioner, threads)
    return partial(captions_of, settings, captioner.spec, open_store(store_root), listener)


def captions_of(
    settings: CaptionSettings, spec: ModelSpec, store: Store, listener: Listener | None, track: Row
) -> list[Row]:
    """The one row of a track. Tempo and key are null where there is none, and in the caption only where they are sure.

    Where a listener says nothing usable, the caption is what was measured, and the row says so.

    Raises:
        DecodeError: the file no longer decodes.
    """
    mix, vocals = heard_of(settings, store, track)
    facts, tempo, key = facts_of(track, mix, vocals)
    caption, origin, evidence = measured_caption(facts), "measured", None
    models = [MEASURED.as_row("captioner")]
    if listener is not None:
        spans = spans_of(settings, track)
        heard = hear(listener, [window_of(track, span) for span in spans], facts, track["artist"])
        evidence = json.dumps({"windows": [[round(t, 3) for t in span] for span in spans], **heard.evidence})
        if heard.caption:
            caption, origin, models = heard.caption, "heard", [spec.as_row("captioner")]
        else:
            models.append(spec.as_row("listener"))
    return [
        {
            "caption": caption.text,
            "short_caption": caption.short,
            "tags": list(caption.tags),
            "tempo_bpm": round(tempo.bpm, 1) if tempo else None,
            "key": key.name if key else None,
            "origin": origin,
            "evidence": evidence,
            "models": models,
        }
    ]


def spans_of(settings: CaptionSettings, track: Row) -> list[Span]:
    """The stretches of a track that a listener hears."""
    sung = [(segment["start_s"], segment["end_s"]) for segment in track["vocal_segments"] or ()]
    return windows_to_hear(track["duration_s"], sung, settings.captioner.windows, settings.captioner.window_s)


def window_of(track: Row, span: Span) -> Audio:
    """A stretch of a track as a listener hears it: mono at 16 kHz.

    Raises:
        DecodeError: the file no longer decodes.
    """
    heard = {"start_s": span[0], "duration_s": span[1] - span[0]}
    return decode_mono(local_path(track["uri"]), captioners.RATE_HZ, **heard, sha256=track["sha256"])


def heard_of(settings: CaptionSettings, store: Store, track: Row) -> tuple[Audio, Audio]:
    """What is measured of a track: its mix and its vocals, mono at 22.05 kHz, as long as each other.

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
