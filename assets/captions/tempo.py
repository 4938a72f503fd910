"""How fast a track goes: what its onsets repeat after."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assets.captions.spectra import RATE_HZ, Audio, magnitudes

SIZE, HOP = 1024, 256
FRAMES_PER_S = RATE_HZ / HOP
TEMPI_BPM = np.exp(np.arange(np.log(40), np.log(220), 0.005))  # half a per cent apart
MULTIPLES = (1, 2, 4, 8)  # music repeats in powers of two; one beat alone is easily mistaken for a dotted one
USUAL_BPM, SPREAD_OCTAVES = 110.0, 1.0
RIVALS = (1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2, 3)  # how else the beat may be counted
PULSE = 0.25  # songs with a beat have 0.3 to 0.85, a cappella ones 0.1


@dataclass(frozen=True, slots=True)
class Tempo:
    bpm: float
    strength: float  # 0 to 1: how much the onsets repeat themselves after 1, 2, 4 and 8 beats
    rival: float  # 0 to 1: how likely another way to count the beat is beside this one


def tempo_of(audio: Audio) -> Tempo | None:
    """Tempo of mono audio at 22.05 kHz; None where there is no pulse.

    The autocorrelation of the onsets at 1, 2, 4 and 8 beats, times a prior that is widest around 110 BPM.
    """
    onset = onsets(audio)
    if len(onset) < 4 * FRAMES_PER_S or not onset.any():
        return None
    repeats = autocorrelation(onset)
    lags = 60 * FRAMES_PER_S / TEMPI_BPM
    strength = np.mean([np.interp(k * lags, np.arange(len(repeats)), repeats, right=0.0) for k in MULTIPLES], axis=0)
    likely = strength * np.exp(-0.5 * (np.log2(TEMPI_BPM / USUAL_BPM) / SPREAD_OCTAVES) ** 2)
    best = int(np.argmax(likely))
    if strength[best] < PULSE:
        return None
    off = np.abs(np.log(TEMPI_BPM[None] / (TEMPI_BPM[best] * np.array(RIVALS)[:, None])))  # [rivals, tempi]
    rival = float(likely[(off < 0.04).any(axis=0)].max(initial=0.0) / likely[best])
    return Tempo(float(TEMPI_BPM[best]), float(strength[best]), rival)


def onsets(audio: Audio) -> NDArray[np.float64]:
    """[frames], 86 a second: how much more the bands grow at each frame than in the second around it."""
    level = np.sqrt(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
    if level == 0:
        return np.zeros(0)
    bands = np.log1p(400 / SIZE * magnitudes((audio / level).astype(np.float32), SIZE, HOP) @ mel_bands())
    growth = np.maximum(0.0, bands[2:] - bands[:-2]).mean(axis=1, dtype=np.float64)
    second = int(FRAMES_PER_S)
    around = np.convolve(growth, np.full(second, 1 / second), "same")[: len(growth)]
    risen: NDArray[np.float64] = np.maximum(0.0, growth - around)
    return risen


def onset_rate(onset: NDArray[np.float64]) -> float:
    """Clear onsets a second."""
    if len(onset) < 3:
        return 0.0
    inner = onset[1:-1]
    peaks = (inner > onset[:-2]) & (inner >= onset[2:]) & (inner > 0.5 * np.quantile(onset, 0.98))
    return float(peaks.sum() / (len(onset) / FRAMES_PER_S))


def autocorrelation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[lags], 1 at lag 0; what is lost at the end is made up for, where at least a fifth is left."""
    values = values - values.mean()
    size = 1 << int(np.ceil(np.log2(2 * len(values))))
    sums = np.fft.irfft(np.abs(np.fft.rfft(values, size)) ** 2)[: len(values)]
    left = 1 - np.arange(len(values)) / len(values)
    result: NDArray[np.float64] = sums / max(sums[0], 1e-12) / np.maximum(left, 0.2)
    return result


@cache
def mel_bands(count: int = 40, lowest_hz: float = 30.0, highest_hz: float = 10_000.0) -> Audio:
    """[bins, bands] triangles, evenly apart in mel."""
    lowest, highest = (2595 * np.log10(1 + hz / 700) for hz in (lowest_hz, highest_hz))
    edges_hz = 700 * (10 ** (np.linspace(lowest, highest, count + 2) / 2595) - 1)
    bins_hz = np.fft.rfftfreq(SIZE, 1 / RATE_HZ)[:, None]
    rise = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    fall = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)
