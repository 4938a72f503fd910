"""Who puts a track into words, and what is measured of it beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from resources.models import ModelSpec

MEASURED = ModelSpec(name="measured-1", package="melisma", weights_sha256="")

RATE_HZ = 16_000
LONGEST_S = 30.0  # what a listener hears at once
TEMPERATURE, TOP_P = 0.7, 0.9  # of answers that are drawn with a seed


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a track; None where it cannot be told. Nothing in here is a guess."""

    genre: str | None = None  # as the file itself says
    sung: bool | None = None
    register: str | None = None  # of the voice: low, middle or high
    tempo_bpm: float | None = None
    pace: str | None = None  # slow, mid-tempo or fast; None also where the beat could be counted twice as fast or slow
    key: str | None = None
    sound: tuple[str, ...] = ()  # words such as bright, sparse, quiet


@dataclass(frozen=True, slots=True)
class Caption:
    text: str
    short: str
    tags: tuple[str, ...]


class Listener(Protocol):
    def listen(self, windows: Sequence[NDArray[np.float32]], prompt: str, seed: int | None = None) -> list[str]:
        """What is answered to a prompt about each window, mono float32 [samples] at 16 kHz, at most 30 s long.

        Without a seed the likeliest answer, always the same; with one an answer drawn at random, the same for the
        same seed. Tells what it makes up as surely as what it hears. May be called from several threads.

        Raises:
            ValueError: a window is empty or too long.
        """
