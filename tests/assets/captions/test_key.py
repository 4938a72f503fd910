import numpy as np
import pytest

from assets.captions.key import key_of, pitch_classes
from assets.captions.spectra import RATE_HZ

CADENCES = {
    "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)),
}


def cadence(tonic, mode, tuning_hz=440.0):
    """I IV V I, each chord for a second, with four harmonics."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    chords = []
    for chord in CADENCES[mode]:
        notes_hz = [tuning_hz * 2 ** ((48 + tonic + step - 69) / 12) for step in chord]
        tones = [np.sin(2 * np.pi * hz * n * time_s) / n**2 for hz in notes_hz for n in (1, 2, 3, 4)]
        chords.append(sum(tones) * np.exp(-2 * time_s))
    return np.concatenate(chords).astype(np.float32)


@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_is_in_its_key(tonic):
    names = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
    assert key_of(cadence(tonic, "major")).name == f"{names[tonic]} major"


def test_minor_is_told_from_major():
    assert key_of(cadence(9, "minor")).name == "A minor"
    assert key_of(cadence(10, "minor")).name == "Bb minor"


@pytest.mark.parametrize("cents", [-40, -20, 20, 40])
def test_a_track_that_is_out_of_tune_keeps_its_key(cents):
    assert key_of(cadence(2, "major", tuning_hz=440 * 2 ** (cents / 1200))).name == "D major"


def test_silence_and_a_single_click_have_no_key():
    assert key_of(np.zeros(RATE_HZ * 5, np.float32)) is None
    assert key_of(np.zeros(0, np.float32)) is None


def test_a_lone_tone_is_one_pitch_class():
    tone = np.sin(2 * np.pi * 440 * np.arange(5 * RATE_HZ) / RATE_HZ).astype(np.float32)
    chroma = pitch_classes(tone)
    assert chroma[9] > 0.99 * chroma.sum()
