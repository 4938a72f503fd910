from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.ffmpeg import decode
from resources.models import LocalModel
from resources.separators import HOP, SPLEETER, WINDOW, SeparatorChoice, SpleeterSeparator, open_separator
from resources.weights import WeightsError

RATE_HZ = 44_100
SMALL = {"segment_frames": 128, "overlap_frames": 64}


def spleeter(**parameters) -> SpleeterSeparator:
    return SpleeterSeparator(replace(SPLEETER, parameters=tuple((dict(SPLEETER.parameters) | parameters).items())), 1)


def level_db(sound) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def heard(separator, sound, loudness_db=-14.0, block=RATE_HZ) -> np.ndarray:
    blocks = (sound[start : start + block] for start in range(0, len(sound), block))
    return np.concatenate(list(separator.vocals(blocks, loudness_db)))


@pytest.fixture(scope="module")
def small() -> SpleeterSeparator:
    return spleeter(**SMALL)


@pytest.fixture(scope="module")
def song(demo_songs) -> np.ndarray:
    return np.concatenate(list(decode(demo_songs["pop"]["path"], RATE_HZ, 2)))


@pytest.fixture(scope="module")
def clip(song) -> np.ndarray:
    return song[10 * RATE_HZ : 14 * RATE_HZ]


@pytest.fixture(scope="module")
def clip_vocals(small, clip) -> np.ndarray:
    return heard(small, clip)


@given(cuts=st.lists(st.integers(0, 4 * RATE_HZ), max_size=5))
@settings(max_examples=5)
def test_how_a_track_is_cut_into_blocks_makes_no_difference(small, clip, clip_vocals, cuts):
    blocks = np.split(clip, sorted(cuts))
    np.testing.assert_array_equal(np.concatenate(list(small.vocals(blocks, -14.0))), clip_vocals)


@pytest.mark.parametrize("length", [0, 1, HOP, WINDOW - 1, 3 * RATE_HZ + 17])
def test_vocals_are_as_long_as_the_mix(small, clip, length):
    assert heard(small, clip[:length], block=7_000).shape == (length, 2)


def test_the_sung_part_of_a_song_is_found(song, demo_songs):
    first = demo_songs["pop"]["vocal_segments"][0]
    vocals = heard(spleeter(), song[: 16 * RATE_HZ])
    sung = slice(int(first[0] * RATE_HZ), int(first[1] * RATE_HZ))
    before = slice(0, int((first[0] - 0.5) * RATE_HZ))
    assert level_db(vocals[sung]) - level_db(song[sung]) > -10
    assert level_db(vocals[before]) - level_db(song[before]) < -25


def test_a_seam_between_segments_is_not_heard(song):
    sound = song[: 30 * RATE_HZ]
    cut, whole = (heard(spleeter(**frames), sound) for frames in ({}, {"segment_frames": 2048}))
    seam = slice(768 * HOP, 1024 * HOP)
    assert level_db(cut[seam] - whole[seam]) < level_db(whole[seam]) - 20  # the separation's own error is at -4 dB
    assert level_db(cut[: 768 * HOP] - whole[: 768 * HOP]) < -120


def test_a_quiet_song_is_separated_as_a_loud_one(small, clip, clip_vocals):
    quiet = heard(small, clip * np.float32(10 ** (-30 / 20)), loudness_db=-44.0) * np.float32(10 ** (30 / 20))
    assert level_db(quiet - clip_vocals) < level_db(clip_vocals) - 60


def test_silence_gives_silence(small):
    assert not heard(small, np.zeros((2 * RATE_HZ, 2), np.float32), loudness_db=-70.0).any()


def test_no_more_than_a_segment_is_held(small):
    taken = 0

    def blocks():
        nonlocal taken
        noise = np.random.default_rng(0)
        for _ in range(10):
            taken += RATE_HZ
            yield noise.standard_normal((RATE_HZ, 2), np.float32) * np.float32(0.1)

    given, most = 0, 0
    for block in small.vocals(blocks(), -20.0):
        most = max(most, taken - given)
        given += len(block)
    assert given == taken
    assert most <= 128 * HOP + WINDOW + RATE_HZ


def test_other_weights_than_the_spec_names_are_refused():
    with pytest.raises(WeightsError, match="sha256"):
        open_separator(LocalModel(replace(SPLEETER, weights_sha256="0" * 64)), 1)


def test_a_separator_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="no separator is called 'demixer'; there is spleeter-2stems, htdemucs"):
        SeparatorChoice(model="demixer")


@pytest.fixture(scope="module")
def voice_and_mix(demo_songs) -> tuple[np.ndarray, np.ndarray]:
    """Twelve seconds of a song without accompaniment, and the same over instruments as loud as the voice."""
    voice, music = (
        np.concatenate(list(decode(demo_songs[kind]["path"], RATE_HZ, 2, start_s=4.0, duration_s=12.0)))
        for kind in ("acappella", "instrumental")
    )
    music *= 10 ** ((level_db(voice) - level_db(music)) / 20)
    return voice, voice + music


def sdr_db(true, found) -> float:
    return level_db(true) - level_db(true - found)


def test_a_voice_over_instruments_is_found_better_than_by_the_strict_mask_alone(voice_and_mix):
    voice, mix = voice_and_mix
    ours, strict = (
        sdr_db(voice, heard(separator, mix)) for separator in (spleeter(), spleeter(exponent=2.0, doubt=1.0))
    )
    assert ours > 5.0
    assert ours > strict + 0.3


def test_a_quiet_song_is_taken_apart_as_well_as_a_loud_one(voice_and_mix):
    voice, mix = voice_and_mix
    separator, quiet = spleeter(), np.float32(10 ** (-30 / 20))
    loud_db = sdr_db(voice, heard(separator, mix, loudness_db=-14.0))
    assert sdr_db(quiet * voice, heard(separator, quiet * mix, loudness_db=-44.0)) == pytest.approx(loud_db, abs=0.01)
