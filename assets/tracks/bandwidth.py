"""Where a spectrum really ends, whatever the sample rate says."""

import numpy as np

BINS_HZ = 10.0  # resolution asked for
FLOOR_DB = 100.0  # what lies this far under the loudest bin is nothing
EDGE_DB = 16.0  # how far an edge falls
STEP_HZ = 400.0  # looked at on each side of an edge
LOWEST_HZ = 2_000.0  # no format ends below; music itself is steep there
SLOPE_HZ = 700.0  # half of what an edge may take to fall: cheap resamplers are that slack


class Spectrum:
    """The mean power spectrum of blocks of one rate, the channels added up."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.length = 1 << round(np.log2(rate_hz / BINS_HZ))
        self._window = np.hanning(self.length).astype(np.float32)
        self._power = np.zeros(self.length // 2 + 1)

    def add(self, block: np.ndarray) -> None:
        """Every second stretch of a block [n, channels]: half of a song tells its spectrum as well as all of it."""
        for start in range(0, len(block) - self.length + 1, 2 * self.length):
            piece = block[start : start + self.length].T * self._window
            self._power += (np.abs(np.fft.rfft(piece)) ** 2).sum(axis=0)

    def bandwidth_hz(self) -> float:
        return bandwidth_hz(self._power, self.rate_hz)


def bandwidth_hz(power: np.ndarray, rate_hz: int) -> float:
    """The frequency above which a power spectrum [bins], from 0 to half of `rate_hz`, holds nothing.

    That is its sharpest edge, if all above it stays low: the low-pass of a codec or the old limit of a song that was
    resampled. A spectrum without one ends where it falls under the floor, or at half the rate.
    """
    per_hz = 2 * (len(power) - 1) / rate_hz
    level_db = 10 * np.log10(np.maximum(power, power.max() * 10 ** (-FLOOR_DB / 10)) + 1e-30)
    width = max(1, round(STEP_HZ * per_hz))
    if len(level_db) < 16 * width:
        return rate_hz / 2
    sums = np.concatenate([[0.0], np.cumsum(level_db)])
    mean_db = (sums[width:] - sums[:-width]) / width  # mean_db[i]: of the bins i to i + width
    slope = max(1, round(SLOPE_HZ * per_hz))
    edges = np.arange(max(width + slope, round(LOWEST_HZ * per_hz)), len(level_db) - width - slope)
    before_db, after_db = mean_db[edges - slope - width], mean_db[edges + slope]
    highest_after_db = np.maximum.accumulate(mean_db[::-1])[::-1][edges + slope]
    fall_db = before_db - highest_after_db
    if len(edges) and fall_db.max() >= EDGE_DB:
        at = int(fall_db.argmax())
        middle_db = (before_db[at] + after_db[at]) / 2
        around = slice(edges[at] - slope, edges[at] + slope)
        loud = np.flatnonzero(level_db[around] >= middle_db)
        return float((around.start + (loud[-1] if len(loud) else slope)) / per_hz)
    heard = np.flatnonzero(mean_db > level_db.max() - FLOOR_DB + 3.0)
    last = int(heard[-1]) + width if len(heard) else 0
    return float(min(rate_hz / 2, last / per_hz)) if last < len(level_db) - width else rate_hz / 2
