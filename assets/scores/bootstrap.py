"""How sure a mean is: its bootstrap interval, in which what belongs together is drawn together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

INSIDE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over all values of all clusters, and the interval that holds `INSIDE` of the resampled ones.

    One cluster says nothing about others, and has no interval.
    """

    value: float
    low: float | None
    high: float | None
    count: int


def mean_of(clusters: Mapping[str, Sequence[float]], resamples: int = RESAMPLES, seed: int = 0) -> Estimate | None:
    """Clusters are drawn whole, with replacement: songs of one request are not independent of each other.

    None of nothing.
    """
    filled = [np.asarray(values, float) for values in clusters.values() if len(values)]
    if not filled:
        return None
    sums, counts = np.array([values.sum() for values in filled]), np.array([len(values) for values in filled])
    value, count = float(sums.sum() / counts.sum()), int(counts.sum())
    if len(filled) == 1:
        return Estimate(value, None, None, count)
    drawn = np.random.default_rng(seed).integers(0, len(filled), (resamples, len(filled)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - INSIDE) / 2, (1 + INSIDE) / 2])
    return Estimate(value, float(low), float(high), count)
