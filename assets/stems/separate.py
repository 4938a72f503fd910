"""A song split in two that add up to it again, sample by sample."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from resources.separators import Separator, Spread

FULL_SCALE = 1 << 23  # of 24-bit samples
LOWEST, HIGHEST = -FULL_SCALE, FULL_SCALE - 1  # of a stem: so two of them add up to a mix of twice as much
HEADROOM_DB = 6.0
HOP_S = 0.05
FLOOR = 1e-12  # the least power that is told from silence: -120 dB

Listen = Callable[[], Iterable[np.ndarray]]
Write = Callable[[np.ndarray], None]


@dataclass(frozen=True, slots=True)
class Levels:
    """Mean power of the vocals and of the mix in steps of `HOP_S`; 1 is full scale. Float64 [steps] each."""

    vocals: np.ndarray
    mix: np.ndarray

    @property
    def vocal_to_mix_db(self) -> float:
        """How loud the vocals are in the whole of the mix: 0 where there is nothing else, never under -120."""
        ratio = self.vocals.sum() / max(self.mix.sum(), FLOOR)
        return float(10 * np.log10(max(ratio, FLOOR)))


def separate(
    listen: Listen,
    separator: Separator,
    write_vocals: Write,
    write_accompaniment: Write,
    *,
    loudness_db: float,
    gain_db: float = 0.0,
) -> Levels:
    """Writes both stems of a mix, block by block, in bounded memory.

    `listen` gives the mix from its beginning, float32 [n, 2] blocks at the separator's rate; it is called twice for one
    that hears twice. `loudness_db` is the integrated LUFS of the whole, `gain_db` is put on it first. The writers get
    24-bit samples as int32 [m, 2]. The mix is rounded to steps of 24 bits, and so are
    the vocals, as near to what the separator heard as leaves both stems in range: vocals + accompaniment is the mix, be
    it `HEADROOM_DB` over full scale, as a lossy file may decode to.
    """
    gain = np.float32(10 ** (gain_db / 20))
    spread = spread_of(block * gain for block in listen()) if separator.hears_twice else None
    waiting: deque[np.ndarray] = deque()

    def heard() -> Iterator[np.ndarray]:
        for block in listen():
            waiting.append(block * gain)
            yield waiting[-1]

    meter = _Meter(round(HOP_S * separator.rate_hz))
    for found in separator.vocals(heard(), loudness_db + gain_db, spread):
        mix = np.clip(_steps(_take(waiting, len(found))), 2 * LOWEST, 2 * HIGHEST)
        vocals = np.clip(_steps(found), np.maximum(LOWEST, mix - HIGHEST), np.minimum(HIGHEST, mix - LOWEST))
        write_vocals(vocals)
        write_accompaniment(mix - vocals)
        meter.add(vocals, mix)
    return meter.levels()


def spread_of(blocks: Iterable[np.ndarray]) -> Spread:
    """Of a mix in [n, 2] blocks, in one pass; 0 and 0 of nothing. The deviation is that of n - 1 degrees of freedom."""
    count, mean, squares = 0, 0.0, 0.0  # squares: sum of the squared distances from the mean
    for block in blocks:
        if len(block) == 0:
            continue
        middle = block.mean(axis=1, dtype=np.float64)
        here, total = float(middle.mean()), count + len(middle)
        squares += float(np.square(middle - here).sum()) + (here - mean) ** 2 * count * len(middle) / total
        mean += (here - mean) * len(middle) / total
        count = total
    return Spread(mean, (squares / max(1, count - 1)) ** 0.5)


def _steps(samples: np.ndarray) -> np.ndarray:
    """Whole steps of 24 bits; int32 has room for 48 dB more."""
    return np.rint(samples.astype(np.float64) * FULL_SCALE).astype(np.int32)


def _take(waiting: deque[np.ndarray], count: int) -> np.ndarray:
    """The first `count` samples that wait, as one block."""
    taken = []
    while count:
        block = waiting.popleft()
        if len(block) > count:
            waiting.appendleft(block[count:])
            block = block[:count]
        taken.append(block)
        count -= len(block)
    return np.concatenate(taken) if taken else np.zeros((0, 2), np.float32)


class _Meter:
    """Sums powers in steps; the last one may be shorter."""

    def __init__(self, hop: int) -> None:
        self.hop = hop
        self.held = np.zeros((0, 2))  # power of vocals and mix, sample by sample, until a step is full
        self.steps: list[np.ndarray] = []

    def add(self, vocals: np.ndarray, mix: np.ndarray) -> None:
        powers = np.stack([np.mean((stem / FULL_SCALE) ** 2, axis=1) for stem in (vocals, mix)], axis=1)
        held = np.concatenate([self.held, powers])
        whole = len(held) // self.hop * self.hop
        self.steps.append(held[:whole].reshape(-1, self.hop, 2).mean(axis=1))
        self.held = held[whole:]

    def levels(self) -> Levels:
        rest = [self.held.mean(axis=0, keepdims=True)] if len(self.held) else []
        steps = np.concatenate([np.zeros((0, 2)), *self.steps, *rest])
        return Levels(vocals=steps[:, 0], mix=steps[:, 1])
