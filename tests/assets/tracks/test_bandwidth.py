import numpy as np
import pytest

from assets.tracks.bandwidth import Spectrum, bandwidth_hz
from resources.ffmpeg import decode, encode

RATE_HZ = 44_100


def music(seconds: int = 8) -> np.ndarray:
    """Noise that falls by 6 dB an octave, as music does, float32 [n, 2]."""
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=(seconds * RATE_HZ, 2)), axis=0)
    spectrum /= np.maximum(1.0, np.arange(len(spectrum)) / seconds / 200.0)[:, None]
    sound = np.fft.irfft(spectrum, axis=0)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def low_passed(sound: np.ndarray, edge_hz: float) -> np.ndarray:
    spectrum = np.fft.rfft(sound, axis=0)
    spectrum[round(edge_hz * len(sound) / RATE_HZ) :] = 0
    return np.fft.irfft(spectrum, axis=0).astype(np.float32)


def of(sound: np.ndarray) -> float:
    spectrum = Spectrum(RATE_HZ)
    for start in range(0, len(sound), RATE_HZ):
        spectrum.add(sound[start : start + RATE_HZ])
    return spectrum.bandwidth_hz()


@pytest.mark.parametrize("edge_hz", [5_500, 8_000, 11_025, 16_000, 19_000])
def test_an_edge_is_found_where_it_is_even_under_dither(edge_hz):
    sound = low_passed(music(), edge_hz)
    dither = np.random.default_rng(1).normal(0, 2**-16, sound.shape)
    assert of(sound) == pytest.approx(edge_hz, abs=150)
    assert of(sound + dither) == pytest.approx(edge_hz, abs=250)


def test_music_that_only_falls_off_reaches_half_the_rate():
    assert of(music()) == RATE_HZ / 2


def test_a_song_of_22_khz_in_a_44_khz_file_is_told_apart(demo_songs, tmp_path):
    song = demo_songs["backing"]["path"]
    narrow = tmp_path / "narrow.flac"
    encode(narrow, decode(song, 22_050, 2), 22_050)
    encode(tmp_path / "wide.flac", decode(narrow, RATE_HZ, 2), RATE_HZ)
    assert of(np.concatenate(list(decode(song, RATE_HZ, 2)))) > 15_000
    assert of(np.concatenate(list(decode(tmp_path / "wide.flac", RATE_HZ, 2)))) == pytest.approx(11_025, rel=0.15)


def test_silence_holds_nothing_and_is_no_error():
    assert 0 <= bandwidth_hz(np.zeros(2049), RATE_HZ) <= RATE_HZ / 2
