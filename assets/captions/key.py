"""The key a track is in: the one whose profile its pitch classes resemble most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.captions.spectra import RATE_HZ, Audio, magnitudes

SIZE, HOP = 4096, 2048
LOWEST_HZ, HIGHEST_HZ = 65.0, 2100.0
RESEMBLANCE = 0.6  # below it, there is no key to speak of

# How often each degree is heard in classical music: Albrecht & Shanahan, Music Perception 31(1), 2013. Measured
# against Krumhansl's, Temperley's, Aarden's, Bellman's and EDM's profiles: the best on the spectrum that is used here.
MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
TONICS = {
    "major": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}


@dataclass(frozen=True, slots=True)
class Key:
    name: str  # "Bb minor"
    resemblance: float  # correlation with its profile
    margin: float  # how much less the next key resembles the track


def key_of(audio: Audio) -> Key | None:
    """Key of mono audio at 22.05 kHz; None where its pitch classes resemble none."""
    chroma = pitch_classes(audio)
    if np.ptp(chroma) == 0:
        return None
    found = sorted(
        (float(np.corrcoef(chroma, np.roll(profile, tonic))[0, 1]), f"{TONICS[mode][tonic]} {mode}")
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    )
    (second, _), (best, name) = found[-2:]
    return Key(name, best, best - second) if best >= RESEMBLANCE else None


def pitch_classes(audio: Audio) -> NDArray[np.float64]:
    """[12] from C, how strong each pitch class is: peaks of the spectrum, each at its exact frequency.

    How far the track is tuned from 440 Hz is measured first; a peak counts the less the farther it lies from its note.
    """
    spectrum = magnitudes(audio, SIZE, HOP)
    bins_hz = np.fft.rfftfreq(SIZE, 1 / RATE_HZ)
    middle = np.flatnonzero((bins_hz > LOWEST_HZ) & (bins_hz < HIGHEST_HZ))
    left, peak, right = (spectrum[:, middle + step] for step in (-1, 0, 1))
    frame, column = np.nonzero((peak > left) & (peak >= right) & (peak > 0))
    if not len(frame):
        return np.zeros(12)
    a, b, c = (np.log(np.maximum(side[frame, column], 1e-9, dtype=np.float64)) for side in (left, peak, right))
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6)  # the top of the parabola through the three
    pitch = 69 + 12 * np.log2((middle[column] + shift) * RATE_HZ / SIZE / 440)
    weight = peak[frame, column].astype(np.float64)
    tuning = np.angle(np.sum(weight * np.exp(2j * np.pi * pitch))) / (2 * np.pi)
    note = np.rint(pitch - tuning)
    weight *= np.maximum(0.0, 1 - 2 * np.abs(pitch - tuning - note))
    return np.bincount(note.astype(int) % 12, weight, minlength=12).astype(np.float64)
