"""How many of the words that are truly sung were found, and found in their places."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

PLACED_S = 0.3  # a word that begins within this of its true time is in its place
LOST_SHARE = 0.2  # a song with fewer of its words in their places is lost
FARTHEST_S = 60.0
NEARNESS = 1e-5  # what a second of distance weighs against an edit: it only chooses between equals


@dataclass(frozen=True, slots=True)
class TimedWord:
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class WordScore:
    """Counts over the true words of a song, or of several. A word that was not found is not in its place."""

    words: int
    placed: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def placed_share(self) -> float:
        return self.placed / self.words if self.words else 1.0

    @property
    def error_rate(self) -> float:
        """Word error rate; of a song without words, the count of those that were invented."""
        return (self.substitutions + self.deletions + self.insertions) / max(1, self.words)

    def __add__(self, other: Self) -> "WordScore":
        pairs = ((getattr(self, name), getattr(other, name)) for name in WordScore.__slots__)
        return WordScore(*(mine + theirs for mine, theirs in pairs))


NOTHING = WordScore(0, 0, 0, 0, 0)


def score_words(truth: Iterable[TimedWord], found: Iterable[TimedWord]) -> WordScore:
    """Found words against the true ones, both in order of their starts.

    They are matched by edit distance over their letters; of equal ways the one that is nearest in time. O(n m).
    """
    true, heard = _spoken(truth), _spoken(found)
    hits, (substitutions, deletions, insertions) = _matched(true, heard)
    placed = sum(abs(true[i].start_s - heard[j].start_s) <= PLACED_S for i, j in hits)
    return WordScore(len(true), placed, substitutions, deletions, insertions)


def _spoken(words: Iterable[TimedWord]) -> list[TimedWord]:
    return sorted((word for word in words if _letters(word)), key=lambda word: word.start_s)


def _letters(word: TimedWord) -> str:
    return re.sub(r"[^\w']|_", "", word.text.casefold().replace("’", "'")).strip("'")


def _matched(
    true: Sequence[TimedWord], heard: Sequence[TimedWord]
) -> tuple[list[tuple[int, int]], tuple[int, int, int]]:
    """Pairs of equal words, and the substitutions, deletions and insertions beside them."""
    true_words, heard_words = [_letters(w) for w in true], [_letters(w) for w in heard]
    starts = np.array([word.start_s for word in heard])
    vocabulary = {word: number for number, word in enumerate({*true_words, *heard_words})}
    numbers = np.array([vocabulary[word] for word in heard_words], np.int64)
    columns = np.arange(len(heard) + 1, dtype=np.float64)
    cost = columns.copy()
    steps = np.full((len(true) + 1, len(heard) + 1), INSERT, np.int8)
    steps[1:, 0] = DELETE
    for i, word in enumerate(true):
        nearness = NEARNESS * np.minimum(FARTHEST_S, np.abs(starts - word.start_s))
        along = cost[:-1] + (numbers != vocabulary[true_words[i]]) + nearness
        down = cost + 1
        best = np.concatenate([[down[0]], np.minimum(along, down[1:])])
        steps[i + 1, 1:] = np.where(along <= down[1:], MATCH, DELETE)
        # A run of insertions costs one each: the running minimum of what is left once those are taken off.
        cost = np.minimum.accumulate(best - columns) + columns
        steps[i + 1, 1:][cost[1:] < best[1:] - 1e-12] = INSERT
    return _way_back(steps, true_words, heard_words)


MATCH, DELETE, INSERT = 0, 1, 2


def _way_back(
    steps: np.ndarray, true: Sequence[str], heard: Sequence[str]
) -> tuple[list[tuple[int, int]], tuple[int, int, int]]:
    i, j = len(true), len(heard)
    hits: list[tuple[int, int]] = []
    edits = [0, 0, 0]
    while i or j:
        step = int(steps[i, j])
        i, j = i - (step != INSERT), j - (step != DELETE)
        if step == MATCH and true[i] == heard[j]:
            hits.append((i, j))
        else:
            edits[step] += 1
    return hits[::-1], (edits[0], edits[1], edits[2])
