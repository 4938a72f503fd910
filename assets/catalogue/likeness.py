"""How alike two chromaprint fingerprints are: bit errors at an offset.

A fingerprint is a uint32 array with a term for each 0.1238 s of audio, each made of the 2 s around it. Copies (other
codecs, gain, rate, mono, a cut start, a clip of 9 s) differ in at most 7 % of the bits of what they share; other
songs, at their best offset, in 31 % or more.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

TERMS_PER_S = 11025 / 1365  # chromaprint's frames of 4096 samples at 11,025 Hz overlap by two thirds
WINDOW_S = 2.0  # of audio that makes one term
MIN_TERMS = 24
MIN_DISTINCT = 12  # fewer different terms are silence or a held tone, alike in any recording


@dataclass(frozen=True, slots=True)
class Likeness:
    """The best fit of two fingerprints: the second starts at term `offset` of the first, which may be negative."""

    bit_errors: float
    overlap: int
    offset: int


def tells_apart(fingerprint: np.ndarray) -> bool:
    """Whether a fingerprint is long and varied enough to know a recording by."""
    if len(fingerprint) < MIN_TERMS:
        return False
    # In most, the first few seconds are varied enough.
    return any(len(np.unique(part)) >= MIN_DISTINCT for part in (fingerprint[: 4 * MIN_DISTINCT], fingerprint))


def likeness(a: np.ndarray, b: np.ndarray, offsets: Iterable[int], min_overlap: int) -> Likeness | None:
    """The fit with the fewest bit errors among `offsets`, of those that overlap by `min_overlap` terms or more.

    None where none does.
    """
    best: Likeness | None = None
    for offset in offsets:
        start, end = max(0, offset), min(len(a), len(b) + offset)
        if end - start < max(1, min_overlap):
            continue
        shared_a, shared_b = a[start:end], b[start - offset : end - offset]
        bit_errors = float(np.bitwise_count(shared_a ^ shared_b).sum()) / (32 * (end - start))
        if best is None or bit_errors < best.bit_errors:
            best = Likeness(bit_errors, end - start, offset)
    return best


def moving_bit_errors(a: np.ndarray, b: np.ndarray) -> float:
    """Bit errors of two stretches of equal length, where at least one of them changes: equal silence says nothing."""
    moves = np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))
    return float(np.bitwise_count(a ^ b)[moves].mean()) / 32


def terms_needed(a: np.ndarray, b: np.ndarray, min_overlap_s: float, min_overlap_ratio: float) -> int:
    """How many terms two fingerprints must share before their likeness says anything."""
    floor = max(MIN_TERMS, round((min_overlap_s - WINDOW_S) * TERMS_PER_S))
    return max(floor, int(np.ceil(min_overlap_ratio * min(len(a), len(b)))))
