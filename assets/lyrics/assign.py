"""Which lines are sung where: the likeliest way through a whole track, on which a line may be missing from the track,
and singing may be missing from the lines.

Posteriors are as in `align`: float32 [frames, symbols], natural logarithms, symbol 0 the CTC blank.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]
Wholes = NDArray[np.int32]
NEVER = np.float32(-1e9)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The frames [first, last) in which a line is sung.

    `loss` is by how many nats its letters, and the silences between them, are less likely there than what is likeliest.
    """

    first: int
    last: int
    loss: float


def assign(log_probs: Reals, lines: Sequence[Sequence[int]], unsung_nats: float) -> list[Stretch | None]:
    """For each line the stretch in which it is sung; None for one that is not sung. Lines keep their order.

    The Viterbi path through: anything, the letters of a line with blanks between them as CTC has them, anything, the
    next line, and so on, where *anything* is whatever symbol is likeliest, frame by frame: silence, an ad-lib, a choir,
    a verse that nobody wrote down. Against that a line that is sung loses little, and one that is not loses much.
    Leaving out a line of n letters costs n * `unsung_nats`. O(frames * letters) time; memory grows with the letters,
    and with frames * lines at worst.

    Args:
        log_probs: [frames, symbols].
        lines: symbol indices; an empty line is never sung.
    """
    known = [i for i, line in enumerate(lines) if line]
    found: list[Stretch | None] = [None] * len(lines)
    if known and len(log_probs):
        search = _Search([lines[i] for i in known], unsung_nats)
        for step, losses in enumerate(log_probs - log_probs.max(axis=1, keepdims=True)):
            search.hear(step, losses)
        for line, stretch in search.best(len(log_probs)):
            found[known[line]] = stretch
    return found


@dataclass(frozen=True, slots=True)
class _Left:
    """Lines whose best path ended at a frame; the first of them is record number `begins`."""

    begins: int
    frame: int
    lines: NDArray[np.int64]
    entries: Wholes  # the frame at which the path entered the line
    befores: Wholes  # number of the record of the line that it sang before; -1 where there is none
    losses: Reals


class _Search:
    """All paths up to a frame, the best one for each state: on a letter (K of them), after a letter, or between lines.

    With a path goes the frame at which it entered its line, the record of the line that it left last, and its score
    at entry (as the bits of a float).
    """

    def __init__(self, lines: Sequence[Sequence[int]], unsung_nats: float) -> None:
        sizes = np.array([len(line) for line in lines])
        self.letters = np.concatenate([np.asarray(line, np.int32) for line in lines])  # K
        self.lasts = np.cumsum(sizes) - 1  # of each line
        self.firsts = self.lasts - sizes + 1
        self.owed = np.concatenate([[0.0], np.cumsum(sizes * unsung_nats)]).astype(np.float32)  # of leaving lines out
        repeats = np.concatenate([[True], self.letters[1:] == self.letters[:-1]])
        repeats[self.firsts] = True  # the first letter follows no other
        self.tied = np.where(repeats, NEVER, np.float32(0))  # a letter follows another directly, but not itself
        k, n = len(self.letters), len(lines)
        self.on, self.after = np.full(k, NEVER), np.full(k, NEVER)
        self.on_from = np.zeros((3, k), np.int32)
        self.after_from = np.zeros((3, k), np.int32)
        self.between = -self.owed
        self.between_record = np.full(n + 1, -1, np.int32)
        self.records: list[_Left] = []
        self.count = 0

    def hear(self, step: int, scores: Reals) -> None:
        """Takes every path one frame on; `scores` [symbols], of which anything has 0."""
        on, after = self.on, self.after
        before, before_from = np.empty_like(on), np.empty_like(self.on_from)
        before[1:], before_from[:, 1:] = after[:-1], self.after_from[:, :-1]
        direct = np.empty_like(on)
        direct[0], direct[1:] = NEVER, on[:-1]
        direct += self.tied
        straight = direct > before
        np.copyto(before, direct, where=straight)
        np.copyto(before_from[:, 1:], self.on_from[:, :-1], where=straight[1:])
        before[self.firsts] = self.between[:-1]
        before_from[0, self.firsts] = step
        before_from[1, self.firsts] = self.between_record[:-1]
        before_from[2, self.firsts] = self.between[:-1].view(np.int32)
        rested = on > after
        np.copyto(after, on, where=rested)
        np.copyto(self.after_from, self.on_from, where=rested)
        moved = before > on
        np.copyto(on, before, where=moved)
        np.copyto(self.on_from, before_from, where=moved)
        self._leave(step)
        on += scores[self.letters]
        after += scores[0]

    def _leave(self, step: int) -> None:
        """Paths that have sung their line to its end go between lines, and from there past lines that are not sung.

        Called with the letters' scores of the frame before, in which the line's last letter was heard.
        """
        ended = self.after[self.lasts]
        leaving = np.flatnonzero(ended > self.between[1:])
        if not len(leaving):
            return
        entries, befores, scores = self.after_from[:, self.lasts[leaving]]
        losses = scores.view(np.float32) - ended[leaving]
        self.records.append(_Left(self.count, step, leaving, entries, befores, losses))
        between = self.between.copy()
        record = self.between_record.copy()
        between[leaving + 1] = ended[leaving]
        record[leaving + 1] = self.count + np.arange(len(leaving))
        self.count += len(leaving)
        # The best of staying and of coming from an earlier place, past all lines between.
        carried = between + self.owed
        best = np.maximum.accumulate(carried)
        source = np.maximum.accumulate(np.where(carried == best, np.arange(len(best)), 0))
        self.between = best - self.owed
        self.between_record = record[source]

    def best(self, frames: int) -> Iterator[tuple[int, Stretch]]:
        """The lines of the best path and their stretches, from the last line to the first."""
        rested = self.on > self.after  # a line may end with the track
        np.copyto(self.after, self.on, where=rested)
        np.copyto(self.after_from, self.on_from, where=rested)
        self._leave(frames)
        begins = [record.begins for record in self.records]
        at = int(self.between_record[-1])
        while at >= 0:
            record = self.records[bisect_right(begins, at) - 1]
            i = at - record.begins
            yield int(record.lines[i]), Stretch(int(record.entries[i]), record.frame, float(record.losses[i]))
            at = int(record.befores[i])
