import numpy as np

from assets.windows.densest import Window
from assets.windows.energy import loudest_windows, powers


def test_power_is_the_same_however_the_audio_is_cut_into_blocks():
    audio = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    whole = powers([audio], 64)
    assert len(whole) == 1000 // 64
    np.testing.assert_allclose(powers(np.split(audio, [1, 100, 130, 700]), 64), whole)
    np.testing.assert_allclose(whole[3], np.square(audio[192:256]).mean(), rtol=1e-6)


def test_the_loudest_window_is_where_the_sound_is():
    power = np.zeros(100)
    power[60:70] = 1.0
    assert loudest_windows(power, 0.5, 5.0, 50.0, 1) == [Window(30.0, 35.0)]


def test_loud_windows_do_not_overlap_and_stay_inside_the_track():
    windows = loudest_windows(np.linspace(1, 2, 100), 0.1, 4.0, 10.0, 3)
    assert sorted(windows, key=lambda w: w.start_s) == [Window(2.0, 6.0), Window(6.0, 10.0)]


def test_a_silent_track_has_no_loudest_window():
    assert loudest_windows(np.zeros(100), 0.1, 4.0, 10.0, 2) == []
