"""Which samples are read together, and when: it follows from the seed and the epoch, whoever reads.

Samples of like length share a batch, as many as a budget of frames allows with their padding. The batches of one epoch
after another make a row, and a position is a place in it. Of n ranks each takes every n-th batch from where a run goes
on: so two ranks read in a step what one rank reads in a step of twice the accumulation, and a run can go on with
another number of ranks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

LIKE = 16  # lengths are alike that differ by less than a sixteenth

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Position:
    """The next batch that is to be read. The one after the last of an epoch is the first of the next."""

    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A batch of one rank, and where a run goes on once all ranks have read theirs."""

    epoch: int
    samples: Indices
    then: Position


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """The batches of an epoch, as they are read: sample numbers."""

    samples: Indices
    starts: Indices
    ends: Indices

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, i: int) -> Indices:
        return self.samples[self.starts[i] : self.ends[i]]


class Order:
    """The batches of all epochs. `frames` of each sample are those that are read of it, cropped where it is longer."""

    def __init__(self, frames: NDArray[np.integer], budget_frames: int, seed: int) -> None:
        """Raises ValueError, as `batches_of`."""
        _longest(frames, budget_frames)
        self.frames, self.budget_frames, self.seed = frames, budget_frames, seed

    def epoch(self, epoch: int) -> Batches:
        return batches_of(self.frames, self.budget_frames, self.seed, epoch)

    def turns(self, start: Position, rank: int = 0, ranks: int = 1) -> Iterator[Turn]:
        """The turns of a rank, without end."""
        row = self._row(start)
        while True:
            turns = list(islice(row, ranks))
            epoch, samples, _ = turns[rank]
            yield Turn(epoch, samples, turns[-1][2])

    def _row(self, start: Position) -> Iterator[tuple[int, Indices, Position]]:
        epoch, first = start.epoch, start.batch
        while True:
            batches = self.epoch(epoch)
            for i in range(first, len(batches)):
                yield epoch, batches[i], Position(epoch, i + 1)
            epoch, first = epoch + 1, 0


def batches_of(frames: NDArray[np.integer], budget_frames: int, seed: int, epoch: int) -> Batches:
    """Every sample once, in batches whose longest sample times their number is within the budget.

    Which of the samples of like length meet is drawn, and so is the order of batches. It follows from raw bits of a
    generator, which no version of numpy may change.

    Raises:
        ValueError: no samples, one without frames, or one that is longer than the budget.
    """
    longest = _longest(frames, budget_frames)
    random = np.random.Philox(np.random.SeedSequence((seed, epoch)))
    drawn = np.argsort(random.random_raw(len(frames)))
    likeness = np.searchsorted(_edges(longest), frames, side="right").astype(np.uint16)  # 16 bits sort much faster
    samples = drawn[np.argsort(likeness[drawn], kind="stable")]
    starts, ends, left = [], [], []
    end = 0
    for count in np.bincount(likeness).tolist():
        start, end = end, end + count
        if count:
            fitting = budget_frames // int(frames[samples[start:end]].max())
            whole = end - count % fitting
            starts.append(np.arange(start, whole, fitting))
            ends.append(np.arange(start, whole, fitting) + fitting)
            left.append(samples[whole:end])
    # What is left of each length shares batches with what is left of the next.
    rest = np.concatenate(left)
    cuts = len(samples) + _cuts(frames[rest].tolist(), budget_frames)
    first, last = np.concatenate([*starts, cuts[:-1]]), np.concatenate([*ends, cuts[1:]])
    turns = np.argsort(random.random_raw(len(first)))
    return Batches(np.concatenate([samples, rest]), first[turns], last[turns])


def _longest(frames: NDArray[np.integer], budget_frames: int) -> int:
    """Raises ValueError, as `batches_of`."""
    if not len(frames) or frames.min() < 1:
        raise ValueError("there are no samples, or some have no frames")
    if (longest := int(frames.max())) > budget_frames:
        raise ValueError(
            f"a sample has {longest} frames, and a batch no more than {budget_frames}: "
            f"set `frames` to {longest} at least, or `crop_s` lower"
        )
    return longest


def _edges(longest: int) -> list[int]:
    """Where a length is no longer like those before it, up to one above the longest."""
    edges = [1]
    while edges[-1] <= longest:
        edges.append(edges[-1] + max(1, edges[-1] // LIKE))
    return edges


def _cuts(frames: Sequence[int], budget_frames: int) -> Indices:
    """Where samples in a row are cut into batches: each as large as the budget allows. From 0 to their number."""
    cuts, longest = [0], 0
    for i, each in enumerate(frames):
        longest = max(longest, each)
        if longest * (i - cuts[-1] + 1) > budget_frames:
            cuts.append(i)
            longest = each
    return np.array([*cuts, len(frames)] if frames else cuts)
