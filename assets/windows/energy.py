"""The loudest windows of a track, for tracks that have no words to count."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from assets.windows.densest import Window
from assets.windows.disjoint import best_disjoint


def powers(blocks: Iterable[NDArray[np.float32]], hop: int) -> NDArray[np.float64]:
    """Mean square of every `hop` samples of the float32 blocks [n, channels]; samples short of a hop are left out."""
    squares: list[NDArray[np.float64]] = []
    rest = np.zeros(0)
    for block in blocks:
        rest = np.concatenate([rest, np.square(block, dtype=np.float64).mean(axis=1)])
        whole = len(rest) // hop * hop
        squares.append(rest[:whole].reshape(-1, hop).mean(axis=1))
        rest = rest[whole:]
    return np.concatenate(squares) if squares else np.zeros(0)


def loudest_windows(
    power: NDArray[np.float64], hop_s: float, length_s: float, duration_s: float, count: int
) -> list[Window]:
    """At most `count` windows of `length_s` inside the track that do not overlap, with the most energy in total.

    They start at multiples of `hop_s`, which is how far apart the values of `power` are. The earliest of equals; a
    silent window is never among them. Loudest first. O(n) for n values.
    """
    hops = max(1, int(np.ceil(length_s / hop_s - 1e-6)))
    fitting = int((duration_s - length_s) / hop_s + 1e-6) + 1 if duration_s >= length_s else 0
    before = np.concatenate([[0.0], np.cumsum(power)])
    places = np.arange(min(fitting, max(len(power), 1)))
    energy = before[np.minimum(places + hops, len(power))] - before[places]
    places, energy = places[energy > 0], energy[energy > 0]
    chosen = sorted(best_disjoint(places, energy, hops, count), key=lambda i: -energy[i])
    starts_s = [round(float(places[i]) * hop_s, 6) for i in chosen]
    return [Window(start_s, round(start_s + length_s, 6)) for start_s in starts_s]
