"""Songs as they are judged, each beside what it can be compared with: the real one, and what any song is better than.

Letters: t sample.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from training.codec import Codec
    from training.request import Request

Sound = NDArray[np.float32]


class System(StrEnum):
    """What a clip was made by."""

    MODEL = "model"
    REAL = "real"  # the held-out window itself: as good as it gets
    CODEC = "codec"  # the same through the model's codec: no model with that codec can be better
    SHUFFLED = "shuffled"  # the real window of another request: music, but not what was asked for
    NOISE = "noise"  # noise as loud as the real window


@dataclass(frozen=True, slots=True)
class Clip:
    """`sound` is t, mono, at `rate_hz`; `tempo_bpm` is the real track's."""

    system: System
    item: str  # the request that it answers: a held-out window
    seed: int
    request: "Request"
    tempo_bpm: float | None
    sound: Sound
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.sound) / self.rate_hz


def compared(real: Sequence[Clip], codec: "Codec") -> Iterator[Clip]:
    """The real clips, each with what it is compared with. Of a single one there is none to shuffle with.

    Noise is pink: as loud in each octave, as music is on the whole.
    """
    for clip, other in zip(real, [*real[1:], *real[:1]], strict=True):
        yield clip
        yield replace(clip, system=System.CODEC, sound=_through(codec, clip.sound))
        if other is not clip:
            yield replace(clip, system=System.SHUFFLED, sound=_as_long(other.sound, len(clip.sound)))
        yield replace(clip, system=System.NOISE, sound=_pink(clip.sound, seed=clip.item))


def by_system(clips: Sequence[Clip]) -> Mapping[System, list[Clip]]:
    return {system: found for system in System if (found := [clip for clip in clips if clip.system == system])}


def _through(codec: "Codec", sound: Sound) -> Sound:
    import torch

    decoded = codec.decode(codec.encode(torch.from_numpy(sound)[None]))[0].numpy()
    return _as_long(decoded, len(sound))


def _as_long(sound: Sound, length: int) -> Sound:
    return np.resize(sound, length) if len(sound) < length else sound[:length]


def _pink(sound: Sound, seed: str) -> Sound:
    random = np.random.default_rng(list(seed.encode()))
    spectrum = np.fft.rfft(random.standard_normal(len(sound)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, len(sound))
    level = np.sqrt(np.mean(np.square(sound, dtype=np.float64)))
    return np.asarray(noise * level / max(1e-12, float(np.sqrt(np.mean(np.square(noise))))), np.float32)
