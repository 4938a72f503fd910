"""The best few of many windows of one length, none of which may overlap."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64] | NDArray[np.float64]


def best_disjoint(starts: Numbers, scores: Numbers, length: float, count: int) -> list[int]:
    """Which of the windows [start, start + length] to take: at most `count`, with the greatest sum of scores.

    Windows may touch. Among equals the one whose first window starts earliest is taken, then whose second does, and so
    on. Returns indices in the order of time. O(n log n) for n windows.

    `best[j][i]` is the most that j windows can reach that start at `starts[i]` or later: either window i is among them,
    and then the others start where it ends or later, or the same can be had from i + 1.

    Args:
        starts: [n], ascending.
        scores: [n], all above zero; integers are summed exactly.
    """
    after = np.searchsorted(starts, starts + length)  # [n] the first window that may follow each
    best = np.zeros((count + 1, len(starts) + 1), scores.dtype)  # [count + 1, n + 1]
    taken = np.zeros((count + 1, len(starts)), scores.dtype)  # [count + 1, n] with window i taken as the first
    for j in range(1, count + 1):
        taken[j] = scores + best[j - 1][after]
        best[j, :-1] = np.maximum.accumulate(taken[j][::-1])[::-1]
    chosen: list[int] = []
    i = 0
    for j in range(count, 0, -1):
        if best[j, i] == 0:
            break
        i += int(np.argmax(taken[j, i:] == best[j, i]))
        chosen.append(i)
        i = int(after[i])
    return chosen
