"""How high a voice sings."""

import numpy as np

from assets.captions.spectra import RATE_HZ, Audio, frames_of

RATE = RATE_HZ // 2  # a voice's first harmonics are enough, at half the cost
SIZE, HOP = 1024, 512
LOWEST_HZ, HIGHEST_HZ = 70.0, 1000.0
CLEAR = 0.8  # how well a frame must repeat itself to be a sung note
BELOW_PEAK_DB = 15.0
NOTES = 100  # frames, about five seconds: less does not tell a voice
LOW_HZ, HIGH_HZ = 200.0, 330.0


def register_of(vocals: Audio) -> str | None:
    """low, middle or high, from mono vocals at 22.05 kHz; None where too little is clearly sung."""
    pitches = pitches_hz(vocals)
    if len(pitches) < NOTES:
        return None
    middle_hz = float(np.median(pitches))
    return "low" if middle_hz < LOW_HZ else "high" if middle_hz > HIGH_HZ else "middle"


def pitches_hz(vocals: Audio) -> Audio:
    """Pitch of each frame that is loud and clear: the shortest lag of nearly the best normalised autocorrelation.

    The method of McLeod and Wyvill, "A smarter way to find pitch", 2005.
    """
    pairs = vocals[: len(vocals) // 2 * 2].reshape(-1, 2).mean(axis=1)
    frames = frames_of(pairs, SIZE, HOP)
    power = np.square(frames).mean(axis=1)
    loudest = np.quantile(power, 0.95) if len(power) else 0.0
    frames = frames[power > loudest * 10 ** (-BELOW_PEAK_DB / 10)]
    if loudest == 0 or not len(frames):
        return np.zeros(0, np.float32)
    first, last = int(RATE / HIGHEST_HZ), int(RATE / LOWEST_HZ)
    products = np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * SIZE)) ** 2)[:, :last]
    sums = np.cumsum(np.square(frames), axis=1)
    lags = np.arange(1, last)
    # The energy of the two stretches that a lag compares: all but its first and all but its last samples.
    energy = 2 * sums[:, -1:] - sums[:, lags - 1] - (sums[:, -1:] - sums[:, SIZE - 1 - lags])
    alike = 2 * products[:, 1:] / np.maximum(energy, 1e-9)
    inner = alike[:, first : last - 2]
    best = inner.max(axis=1, keepdims=True)
    top = (inner >= 0.9 * best) & (inner >= alike[:, first - 1 : last - 3]) & (inner >= alike[:, first + 1 : last - 1])
    lag = np.argmax(top, axis=1) + first + 1
    pitches: Audio = (RATE / lag[best[:, 0] > CLEAR]).astype(np.float32)
    return pitches
