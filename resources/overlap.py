"""A long track cut into pieces that overlap, and put together again from what a network makes of each.

The arithmetic is that of `demucs.apply.apply_model` without shifts, over a stream: it holds two pieces at a time, where
that holds the whole track once for every source.

Letters: n samples, c channels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Piece:
    """What a network is given, and which part of its answer counts."""

    samples: np.ndarray  # float32 [c, n]
    start: int
    length: int  # in samples, from `start`: what it has of the track from its own place on

    @property
    def answer(self) -> slice:
        return slice(self.start, self.start + self.length)


def cut(blocks: Iterable[np.ndarray], length: int, step: int, *, padded: bool) -> Iterator[Piece]:
    """Pieces of `length` samples, one every `step` for as long as there is track, from float32 [n, c] blocks.

    The last ones are shorter. Where `padded`, they are given at full length all the same, in the middle of what really
    comes before them; silence stands only for what is outside the track.
    """
    before = length // 2 if padded else 0  # what a short piece may want to hear of the track before its own place
    held: list[np.ndarray] = []
    count, place = 0, 0  # samples held, and where among them the next piece begins
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= place + length:
            samples = np.concatenate(held)
            yield Piece(np.ascontiguousarray(samples[place : place + length].T), 0, length)
            place += step
            done = max(0, place - before)
            held, count, place = [samples[done:]], count - done, place - done
    samples = np.concatenate(held) if held else np.zeros((0, 0), np.float32)
    while place < count:
        yield _short(samples, place, length if padded else count - place)
        place += step


def _short(samples: np.ndarray, place: int, length: int) -> Piece:
    """The end of a track, from `place` on, in the middle of a piece of `length`."""
    wanted = len(samples) - place
    start = (length - wanted) // 2
    heard = samples[max(0, place - start) :]
    ahead = start - min(start, place)
    silence = ((0, 0), (ahead, length - ahead - len(heard)))
    return Piece(np.pad(np.ascontiguousarray(heard.T), silence), start, wanted)


def join(answers: Iterable[np.ndarray], length: int, step: int) -> Iterator[np.ndarray]:
    """The track again, as float32 [n, c] blocks, from one answer [c, n] for each piece that `cut` gave.

    Where two overlap, each counts by a triangle that is highest in its middle.
    """
    rise = np.arange(1, length // 2 + 1)
    triangle = np.concatenate([rise, np.arange(length - length // 2, 0, -1)])
    weight = triangle.astype(np.float32) / np.float32(triangle.max())
    sound: np.ndarray | None = None  # what earlier pieces add to the samples from this one's place on
    total = np.zeros(0, np.float32)
    for answer in answers:
        share = weight[: answer.shape[1]]
        heard, shares = share * answer, share.copy()
        if sound is not None:
            heard[:, : len(total)] += sound
            shares[: len(total)] += total
        yield np.ascontiguousarray((heard[:, :step] / shares[:step]).T)
        sound, total = heard[:, step:].copy(), shares[step:].copy()
