"""How far word times can be relied on: for each word the probability that it is sung within 0.3 s of its time.

A mean CTC probability says little about truth: every text fits somewhere. So it counts beside evidence that does not
come from the aligner alone: whether mix and voice, heard apart, put the word in the same place, whether it falls where
somebody sings, whether it lasts as long as sung words do, and whether a transcriber heard the same words. What each of
these weighs is fitted on songs with truth by `bench/trust.py`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from assets.lyrics.align import PlacedLine
from assets.lyrics.cuts import Span
from assets.lyrics.transcribe import overlap_s

WEIGHTS = Path(__file__).parent / "trust.json"
SHORTEST_S, LONGEST_S = 0.05, 4.0  # of a sung word
MARGIN_S = 0.2
LEAST_CONFIDENCE = 1e-3
FARTHEST_S = 2.0  # two places of a word that are farther apart are as good as anywhere
FEATURES = (
    "confidence",  # log probability of the word's letters where they were placed
    "line_confidence",  # the mean of that over the line
    "apart",  # how far apart mix and voice put the word, log(1 + 20 s)
    "line_apart",  # the mean of that over the line
    "outside",  # 1 where nobody sings
    "odd_length",  # 1 for a word shorter or longer than sung words are
    "agreement",  # how much of what a transcriber heard in the track is in its lyrics
    "agreed",  # 1 for a word that both takes of a transcript have
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Shares of 0 to 1. `agreement` is how much of what a transcriber heard is in the lyrics, where it was asked."""

    confidence: float  # mean probability of a word's letters where they were placed
    inside_singing: float  # of the words
    plausible_lengths: float  # of the words
    covered_singing: float  # of the seconds in which somebody sings, how much is in a line
    same_place: float  # of the words, those that mix and voice, heard apart, put within 0.3 s of each other
    agreement: float | None = None
    takes_agree: float | None = None  # of the words of one take, how many the other has: the same ears, twice


def features_of(
    lines: Sequence[PlacedLine],
    singing: Sequence[Span],
    apart_s: np.ndarray,
    agreement: float | None,
    agreed: np.ndarray | None = None,
) -> np.ndarray:
    """What speaks for and against each word, float64 [words, FEATURES].

    Args:
        apart_s: [words], how far apart mix and voice put each word, seconds.
        agreement: 0 to 1; None where nothing was heard to compare with, which is like half.
        agreed: [words], whether both takes have the word; None where there were no two takes.
    """
    words = [word for line in lines for word in line.words]
    sizes = [len(line.words) for line in lines]
    confidence = np.log(np.maximum([word.confidence for word in words], LEAST_CONFIDENCE))
    apart = np.log1p(20 * np.minimum(apart_s, FARTHEST_S))
    widened = [(start_s - MARGIN_S, end_s + MARGIN_S) for start_s, end_s in singing]
    inside = [any(start_s <= word.start_s <= end_s for start_s, end_s in widened) for word in words]
    lengths_s = np.array([word.end_s - word.start_s for word in words])
    odd = (lengths_s < SHORTEST_S) | (lengths_s > LONGEST_S)
    columns = (
        confidence,
        _over_lines(confidence, sizes),
        apart,
        _over_lines(apart, sizes),
        ~np.array(inside, bool),
        odd,
        np.full(len(words), 0.5 if agreement is None else agreement),
        np.ones(len(words)) if agreed is None else agreed,
    )
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def trusts_of(features: np.ndarray, origin: str) -> np.ndarray:
    """The probability of each word, [words]; `origin` is given or transcribed, of which each has its own weights."""
    weights = fitted()[origin]
    return np.asarray(1 / (1 + np.exp(-(features @ weights[1:] + weights[0]))))


def match_of(agreement: float | None, found: float) -> float:
    """The probability that given lyrics are the track's, from how much of what was heard is in them and how much of
    them was found; where nothing was heard, from the latter alone."""
    evidence, name = ((1.0, found), "match_unheard") if agreement is None else ((1.0, agreement, found), "match")
    return float(1 / (1 + np.exp(-(fitted()[name] @ evidence))))


def weights_digest() -> str:
    """Of what trust is fitted to: rows made with other weights are others."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:16]


@cache
def fitted() -> dict[str, np.ndarray]:
    """By origin the weights [1 + FEATURES], the constant first; under `match` those of agreement and share found,
    under `match_unheard` those of the share found alone.

    Raises:
        ValueError: the file was fitted to other features.
    """
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    if found["features"] != list(FEATURES):
        raise ValueError(f"{WEIGHTS} was fitted to other evidence than {', '.join(FEATURES)}: run bench/trust.py")
    return {name: np.array(found[name]) for name in ("given", "transcribed", "match", "match_unheard")}


def evidence_of(
    features: np.ndarray,
    lines: Sequence[PlacedLine],
    singing: Sequence[Span],
    agreement: float | None = None,
    takes_agree: float | None = None,
) -> Evidence:
    """The same in figures for a person; at least one word."""
    column = dict(zip(FEATURES, features.T, strict=True))
    sung_s = sum(end_s - start_s for start_s, end_s in singing)
    covered_s = sum(overlap_s((line.start_s, line.end_s), singing) for line in lines)
    return Evidence(
        confidence=float(np.mean([word.confidence for line in lines for word in line.words])),
        inside_singing=float(1 - column["outside"].mean()),
        plausible_lengths=float(1 - column["odd_length"].mean()),
        covered_singing=min(1.0, covered_s / sung_s) if sung_s else 0.0,
        same_place=float(np.mean(column["apart"] <= np.log1p(20 * 0.3))),
        agreement=agreement,
        takes_agree=takes_agree,
    )


def _over_lines(values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Each word's value replaced by the mean over its line."""
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    return np.repeat(np.add.reduceat(values, firsts) / sizes, sizes)
