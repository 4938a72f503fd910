"""What people are asked to rate: songs of runs, and the real windows beside them, all made equally loud."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resources.child import DecodeError
from resources.ffmpeg import decode, encode
from resources.ledger import digest

RATE_HZ = 44_100
LEVEL_DB = -23.0  # RMS of a clip as it is played
PEAK_DB = -1.0
FADE_S = 0.02  # at both ends, so that no cut clicks
REAL = "real"


class NoClips(ValueError):
    """There is nothing to rate; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RatedClip:
    """A song that answers a request. `system` is the run that made it, or real; it is never told to who listens."""

    system: str
    item: str
    prompt: str
    lyrics: str
    file: Path

    @property
    def key(self) -> str:
        """Names it for good, whatever else is rated beside it."""
        return digest([self.system, self.item, self.file.name])


def read_clips(file: Path) -> list[RatedClip]:
    """A list of {"system", "item", "prompt", "lyrics", "file"} in JSON, files relative to it.

    Raises:
        NoClips: it cannot be read, is empty, or names a file that is not there.
    """
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        clips = [
            RatedClip(
                str(r["system"]), str(r["item"]), str(r["prompt"]), str(r["lyrics"]), file.parent / str(r["file"])
            )
            for r in rows
        ]
    except OSError as error:
        raise NoClips(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise NoClips(f"{file} is no list of clips with system, item, prompt, lyrics and file: {error!r}") from None
    return checked(clips, str(file))


def checked(clips: Sequence[RatedClip], source: str) -> list[RatedClip]:
    """Raises NoClips: there are none, one is named twice, or a file is not there."""
    if not clips:
        raise NoClips(f"{source} holds no clips: train a run first (melisma train NAME)")
    if missing := [str(clip.file) for clip in clips if not clip.file.is_file()]:
        raise NoClips(f"{source} names {missing[0]}, which is not there")
    if len({clip.key for clip in clips}) < len(clips):
        raise NoClips(f"{source} names a clip twice")
    return list(clips)


def made_alike(clips: Iterable[RatedClip], folder: Path) -> dict[str, Path]:
    """Each clip as it is played: mono, at one level, under a name that says nothing. By the clip's key.

    Raises:
        NoClips: one does not decode, or is silent.
    """
    made = {}
    for number, clip in enumerate(clips):
        try:
            sound = np.concatenate([block.mean(axis=1) for block in decode(clip.file, RATE_HZ, 2)])
        except DecodeError as error:
            raise NoClips(f"{clip.file} does not decode: {error}") from error
        made[clip.key] = folder / f"{number}.flac"
        encode(made[clip.key], [levelled(sound)[:, None]], RATE_HZ)
    return made


def levelled(sound: np.ndarray) -> np.ndarray:
    """[t] At `LEVEL_DB`, or softer where its peaks would be above `PEAK_DB`; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
    if rms == 0.0:
        return sound
    gain = min(10 ** (LEVEL_DB / 20) / rms, 10 ** (PEAK_DB / 20) / float(np.abs(sound).max()))
    fade = np.minimum(1.0, np.arange(1, len(sound) + 1) / (FADE_S * RATE_HZ))
    return np.asarray(sound * gain * fade * fade[::-1], np.float32)
