"""How far word times can be relied on, and what that is judged by.

A mean CTC probability says little about truth: every text fits somewhere. So it counts beside evidence that does not
come from the aligner: whether words fall where the voice is, whether they last as long as sung words do, how much of
the singing has words at all, and whether a transcriber heard the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from assets.lyrics.align import PlacedLine
from assets.lyrics.cuts import Span
from assets.lyrics.text import plain
from assets.lyrics.transcribe import overlap_s

SHORTEST_S, LONGEST_S = 0.05, 6.0  # of a sung word
MARGIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Evidence:
    """Shares of 0 to 1. `agreement` is of the words of a transcript that the lyrics have too, where one was made."""

    confidence: float  # mean probability of a word's letters where they were placed
    inside_singing: float  # of the words
    plausible_lengths: float  # of the words
    covered_singing: float  # of the seconds in which somebody sings, how much is in a line
    agreement: float | None
    takes_agree: float | None = None  # of the words of one take, how many the other has: the same ears, twice


def evidence_of(
    lines: Sequence[PlacedLine],
    singing: Sequence[Span],
    agreement: float | None = None,
    takes_agree: float | None = None,
) -> Evidence:
    """What speaks for and against the times of some lines; at least one word."""
    words = [word for line in lines for word in line.words]
    sung_s = sum(end_s - start_s for start_s, end_s in singing)
    widened = [(start_s - MARGIN_S, end_s + MARGIN_S) for start_s, end_s in singing]
    lengths_s = np.array([word.end_s - word.start_s for word in words])
    covered_s = sum(overlap_s((line.start_s, line.end_s), singing) for line in lines)
    inside = [any(start_s <= word.start_s <= end_s for start_s, end_s in widened) for word in words]
    return Evidence(
        confidence=float(np.mean([word.confidence for word in words])),
        inside_singing=float(np.mean(inside)),
        plausible_lengths=float(np.mean((lengths_s >= SHORTEST_S) & (lengths_s <= LONGEST_S))),
        covered_singing=min(1.0, covered_s / sung_s) if sung_s else 0.0,
        agreement=agreement,
        takes_agree=takes_agree,
    )


def trust_of(evidence: Evidence) -> float:
    """0 to 1: the product of what must hold, and the mean of what shows that it does."""
    shown = [min(1.0, 2 * evidence.confidence), evidence.covered_singing]
    if evidence.agreement is not None:
        shown += [evidence.agreement] * 2  # heard independently, so it weighs most
    if evidence.takes_agree is not None:
        shown.append(evidence.takes_agree)
    return float(evidence.inside_singing * evidence.plausible_lengths * np.mean(shown))


def agreement_of(heard: Sequence[str], given: Sequence[str]) -> float | None:
    """The share of heard words that the given ones have in the same order; None where nothing was heard."""
    ours, theirs = [plain(word) for word in heard], [plain(word) for word in given]
    if not ours:
        return None
    matched = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in matched) / len(ours)
