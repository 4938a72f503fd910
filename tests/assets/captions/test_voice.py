import numpy as np
import pytest

from assets.captions.spectra import RATE_HZ
from assets.captions.voice import pitches_hz, register_of


def sung(hz, seconds=8.0):
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * hz * time_s + 0.8 * np.sin(2 * np.pi * 5.5 * time_s)  # vibrato
    return sum(np.sin(n * phase) / n for n in range(1, 8)).astype(np.float32)


@pytest.mark.parametrize("hz", [90, 160, 300, 600])
def test_the_pitch_of_a_voice_is_found(hz):
    assert np.median(pitches_hz(sung(hz))) == pytest.approx(hz, rel=0.03)


@pytest.mark.parametrize(("hz", "register"), [(110, "low"), (260, "middle"), (500, "high")])
def test_a_voice_has_a_register(hz, register):
    assert register_of(sung(hz)) == register


def test_noise_silence_and_a_short_note_tell_no_register():
    noise = np.random.default_rng(0).standard_normal(10 * RATE_HZ).astype(np.float32)
    assert register_of(noise) is None
    assert register_of(np.zeros(10 * RATE_HZ, np.float32)) is None
    assert register_of(np.zeros(0, np.float32)) is None
    assert register_of(sung(200, seconds=1.0)) is None
