"""The windows of a track that hold the most sung words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.windows.disjoint import best_disjoint

Ticks = NDArray[np.int64]
TICKS_PER_S = 1_000_000  # times are compared as whole microseconds: a sum of floats would cut words that only touch


@dataclass(frozen=True, slots=True)
class Word:
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Line:
    start_s: float
    end_s: float
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """`words` are those that lie in it whole, `lines` the lines they belong to, `sung_s` the time they cover."""

    start_s: float
    end_s: float
    words: int = 0
    sung_s: float = 0.0
    lines: int = 0


def densest_windows(
    lines: Sequence[Line],
    length_s: float,
    duration_s: float,
    count: int,
    avoid: Sequence[tuple[float, float]] = (),
) -> list[Window]:
    """At most `count` windows of `length_s` inside a track of `duration_s` that neither overlap nor cut a word.

    None holds any of the seconds in `avoid`.

    Of all such sets, the one with, in this order: the most whole words in total; the most sung seconds, time in which
    several sing counted once; the most edges at line ends, which is where a line starts or ends, to the microsecond;
    the earliest first window, then the earliest second, and so on. A window without words is never among them. Where
    words overlap without a break for longer than `length_s`, no edge may fall, and so no window is. Best first.

    Words may come in any order and may overlap. They end with the track at the latest; a word that then takes no time
    is left out. Times are rounded to the microsecond, and exact from there on.

    Why a finite set of starts is enough. The starts that cut no word are what is left of [0, duration - length] when
    the inside of every word is taken out, once for each edge, and whatever would meet `avoid`: closed intervals, in
    which no word begins or ends, so that words and sung seconds are the same throughout. Take the best set of windows,
    the earliest of equals, and try to move one of them a little earlier. Something must forbid it: it stands at the
    beginning of its interval (at 0, or with an edge at the end of a word), it would lose an edge at a line end, or it
    touches the window before, of which the same is true. So every start is one of these O(n) places, or such a place
    and up to `count` - 1 lengths more. `best_disjoint` then finds the best among them; all steps are sorts and
    bisections, O(n log n).

    Raises:
        ValueError: a length or a count that is not positive, or times too long to be counted in 64 bits.
    """
    length, duration = _ticks(length_s), _ticks(duration_s)
    if length <= 0 or count <= 0:
        raise ValueError(f"{count} windows of {length_s} s cannot be chosen")
    starts, ends, owners = _spans(lines, duration)
    if duration < length or not len(starts):
        return []
    by_start, by_end = np.sort(starts), np.sort(ends)
    first, last = _phrases(by_start, by_end)
    sung_before = np.concatenate([[0], np.cumsum(last - first)])
    line_ends = np.unique(_rounded([seconds for line in lines for seconds in (line.start_s, line.end_s)]))

    shunned = _rounded([edge_s for span in avoid for edge_s in span]).reshape(-1, 2)
    shunned = shunned[shunned[:, 1] > shunned[:, 0]]
    after, before = shunned[:, 1], shunned[:, 0] - length

    places = np.unique(np.concatenate([[0], last, last - length, line_ends, line_ends - length, after, before]))
    places = np.unique(np.add.outer(np.arange(count) * length, places))
    places = places[(places >= 0) & (places <= duration - length)]
    places = places[~(_inside(places, first, last) | _inside(places + length, first, last))]
    begun = np.searchsorted(np.sort(shunned[:, 0]), places + length, "left")
    places = places[begun == np.searchsorted(np.sort(shunned[:, 1]), places, "right")]

    # No place cuts a word, so what has ended by the one edge and not by the other lies between them.
    words = np.searchsorted(by_end, places + length, "right") - np.searchsorted(by_end, places, "right")
    places, words = places[words > 0], words[words > 0]
    phrases = np.searchsorted(last, [places, places + length], "right")
    sung = sung_before[phrases[1]] - sung_before[phrases[0]]
    edges = np.isin(places, line_ends).astype(np.int64) + np.isin(places + length, line_ends)

    # One number for all three: the sum of each stays below the factor put before the one above it.
    if (len(starts) + 1) * (duration + 1) * (2 * count + 1) >= 2**63:
        raise ValueError(f"{len(starts)} words in {duration_s} s are more than can be counted")
    scores = (words * (duration + 1) + sung) * (2 * count + 1) + edges
    chosen = sorted(best_disjoint(places, scores, length, count), key=lambda i: -scores[i])

    def window(i: int) -> Window:
        start, end = int(places[i]), int(places[i]) + length
        held = owners[(starts >= start) & (ends <= end)]
        return Window(
            start_s=start / TICKS_PER_S,
            end_s=end / TICKS_PER_S,
            words=int(words[i]),
            sung_s=int(sung[i]) / TICKS_PER_S,
            lines=len(np.unique(held)),
        )

    return [window(i) for i in chosen]


def _ticks(seconds: float) -> int:
    """Whole microseconds that fit into a length; the inner rounding forgives floats such as 33.873 = 33.87299…"""
    return int(round(seconds * TICKS_PER_S, 3))


def _rounded(seconds: Sequence[float]) -> Ticks:
    return np.rint(np.asarray(seconds, np.float64) * TICKS_PER_S).astype(np.int64)


def _spans(lines: Sequence[Line], duration: int) -> tuple[Ticks, Ticks, Ticks]:
    """Starts, ends and lines of the words that take time inside the track."""
    words = [(i, word) for i, line in enumerate(lines) for word in line.words]
    starts = np.clip(_rounded([word.start_s for _, word in words]), 0, duration)
    ends = np.clip(_rounded([word.end_s for _, word in words]), 0, duration)
    owners = np.asarray([i for i, _ in words], np.int64)
    return starts[ends > starts], ends[ends > starts], owners[ends > starts]


def _phrases(starts: Ticks, ends: Ticks) -> tuple[Ticks, Ticks]:
    """First and last tick of each run of words that overlap: where one can't cut. Words that only touch are two runs.

    With both sorted, a run ends at the nth end where the word that starts next does not start before it.
    """
    breaks = np.flatnonzero(starts[1:] >= ends[:-1])
    return starts[np.concatenate([[0], breaks + 1])], ends[np.concatenate([breaks, [len(ends) - 1]])]


def _inside(edges: Ticks, first: Ticks, last: Ticks) -> NDArray[np.bool_]:
    """Whether each edge falls inside a phrase, its ends excluded."""
    before = np.searchsorted(first, edges) - 1  # the last phrase that starts before the edge
    return (before >= 0) & (last[np.maximum(before, 0)] > edges)
