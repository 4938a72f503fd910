"""Where there is singing: where the separated vocals are more than what a separator leaks."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# A voice stands 2 to 12 dB under the mix, what leaks of instruments some 45; in pauses without instruments only the
# second pair of bounds tells them apart. A stretch needs the upper bounds once, and lasts while the lower ones hold.
IN_MIX_DB = (-30.0, -14.0)
OF_LOUDEST_DB = (-28.0, -16.0)
SMOOTHING_S = 0.25
SHORTEST_GAP_S = 0.4
SHORTEST_S = 0.35
FLOOR = 1e-10  # -100 dB: what is softer is silence


@dataclass(frozen=True, slots=True)
class Segment:
    start_s: float
    end_s: float


def vocal_segments(vocals: np.ndarray, mix: np.ndarray, hop_s: float, duration_s: float) -> list[Segment]:
    """Stretches of singing, in order, apart by at least `SHORTEST_GAP_S`; none where nobody sings.

    `vocals` and `mix` are mean powers [steps] of steps of `hop_s` seconds; no segment ends after `duration_s`.
    """
    width = max(1, round(SMOOTHING_S / hop_s))
    if len(vocals) == 0:
        return []
    voice_db, mix_db = (10 * np.log10(_smooth(power, width) + FLOOR) for power in (vocals, mix))
    heard = mix_db > 10 * np.log10(2 * FLOOR)
    in_mix_db = np.where(heard, voice_db - mix_db, -np.inf)
    of_loudest_db = voice_db - np.percentile(voice_db, 95)
    maybe, surely = (
        (in_mix_db > of_mix) & (of_loudest_db > of_loudest)
        for of_mix, of_loudest in zip(IN_MIX_DB, OF_LOUDEST_DB, strict=True)
    )
    runs = [(start, end) for start, end in _runs(maybe) if surely[start:end].any()]
    merged: list[tuple[int, int]] = []
    for start, end in runs:
        if merged and (start - merged[-1][1]) * hop_s < SHORTEST_GAP_S:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    segments = (Segment(start * hop_s, min(end * hop_s, duration_s)) for start, end in merged)
    return [segment for segment in segments if segment.end_s - segment.start_s >= SHORTEST_S]


def _smooth(power: np.ndarray, width: int) -> np.ndarray:
    """The mean over `width` steps around each, of those there are."""
    ones = np.ones(width)
    return np.convolve(power, ones, "same")[: len(power)] / np.convolve(np.ones(len(power)), ones, "same")[: len(power)]


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First step and the one after the last of each stretch that is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in list(pairwise(edges))[::2]]
