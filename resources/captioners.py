"""Who puts a track into words, and what is measured of it beforehand."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from resources.models import ModelSpec

MEASURED = ModelSpec(name="measured-1", package="melisma", weights_sha256="")


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


class Captioner(Protocol):
    def caption(self, audio: NDArray[np.float32], rate_hz: int, facts: Facts) -> Caption:
        """Words for mono audio, float32 [samples], of which `facts` are known. Names no artist."""
