import io

import numpy as np
import pytest
from PIL import Image

from assets.pages.spectrogram import BANDS, MOST_COLUMNS, columns_per_s, mel_bank, mel_columns, picture

RATE_HZ = 22_050


def tone(hz: float, length_s: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(length_s * RATE_HZ)) / RATE_HZ).astype(np.float32)


def columns(*blocks: np.ndarray, per_s: float = 40.0) -> np.ndarray:
    return np.concatenate(list(mel_columns(blocks, RATE_HZ, per_s)))


def test_a_tone_lights_its_band_from_when_it_starts():
    power = columns(np.zeros(RATE_HZ, np.float32), tone(1000, 1.0))
    band = power[60].argmax()
    centre_hz = (mel_bank(RATE_HZ)[:, band] * np.arange(513) * RATE_HZ / 1024).sum()
    assert centre_hz == pytest.approx(1000, rel=0.05)
    loud = power[:, band] > power[60, band] / 10
    assert abs(int(loud.argmax()) - 40) <= 1


def test_there_are_so_many_columns_a_second_for_all_of_the_track():
    assert columns(tone(440, 10.0)).shape == (401, BANDS)


@pytest.mark.parametrize("per_s", [40.0, 3.7])
def test_it_does_not_matter_in_which_blocks_the_audio_comes(per_s):
    audio = np.random.default_rng(1).standard_normal(RATE_HZ * 5).astype(np.float32)
    whole = columns(audio, per_s=per_s)
    assert np.allclose(whole, columns(*np.array_split(audio, 37), per_s=per_s), rtol=1e-3)
    assert np.allclose(whole, columns(audio[:100], audio[100:], per_s=per_s), rtol=1e-3)


def test_every_band_hears_something():
    assert (mel_bank(RATE_HZ).sum(axis=0) == pytest.approx(1.0)) and (mel_bank(RATE_HZ) > 0).any(axis=0).all()


def test_a_track_of_two_hours_fits_into_one_picture():
    assert columns_per_s(30.0) == 40.0
    assert 7200 * columns_per_s(7200.0) <= MOST_COLUMNS


def test_the_picture_has_low_sounds_below_and_is_the_same_each_time():
    power = columns(tone(100, 1.0))
    data = picture(power)
    assert data == picture(power)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (len(power), BANDS)
        light = np.asarray(image.convert("L"), float).mean(axis=1)
    assert light[-10:].mean() > 3 * light[:10].mean()


def test_silence_has_a_picture_too():
    with Image.open(io.BytesIO(picture(columns(np.zeros(RATE_HZ, np.float32))))) as image:
        assert np.asarray(image.convert("L")).max() < 40
