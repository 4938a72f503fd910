from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.stems.separate import FULL_SCALE, HIGHEST, LOWEST, Levels, separate, spread_of
from resources.separators import Spread


class Share:
    """Takes a share of the mix for its vocals, and gives it in blocks of its own length."""

    rate_hz = 1000
    hears_twice = False

    def __init__(self, share: float, length: int) -> None:
        self.share, self.length = share, length

    def vocals(self, blocks: Iterable[np.ndarray], loudness_db: float, spread: Spread | None) -> Iterator[np.ndarray]:
        whole = np.concatenate([np.zeros((0, 2), np.float32), *blocks]) * np.float32(self.share)
        yield from (whole[start : start + self.length] for start in range(0, len(whole), self.length))


def stems_of(mix, separator, block=300, gain_db=0.0) -> tuple[np.ndarray, np.ndarray, Levels]:
    vocals, accompaniment = [np.zeros((0, 2), np.int32)], [np.zeros((0, 2), np.int32)]
    blocks = [mix[start : start + block] for start in range(0, len(mix), block)]
    levels = separate(
        lambda: blocks, separator, vocals.append, accompaniment.append, loudness_db=-20.0, gain_db=gain_db
    )
    return np.concatenate(vocals), np.concatenate(accompaniment), levels


@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(-3, 3),
    peak=st.floats(0, 2),
    length=st.integers(1, 900),
    block=st.integers(1, 900),
)
def test_the_stems_add_up_to_the_mix_and_neither_clips(seed, share, peak, length, block):
    mix = np.random.default_rng(seed).uniform(-peak, peak, (700, 2)).astype(np.float32)
    vocals, accompaniment, _ = stems_of(mix, Share(share, length), block)
    wanted = np.clip(np.rint(mix.astype(np.float64) * FULL_SCALE), 2 * LOWEST, 2 * HIGHEST)
    np.testing.assert_array_equal(vocals + accompaniment, wanted)
    for stem in (vocals, accompaniment):
        assert LOWEST <= stem.min() and stem.max() <= HIGHEST


def test_the_gain_is_put_on_the_mix_first():
    mix = np.full((10, 2), 1.5, np.float32)
    vocals, accompaniment, _ = stems_of(mix, Share(0.5, 10), gain_db=-6.0206)
    assert (vocals + accompaniment)[0, 0] / FULL_SCALE == pytest.approx(0.75, abs=1e-5)


def test_levels_are_means_of_steps_whatever_the_blocks():
    mix = np.concatenate([np.zeros((100, 2)), np.full((125, 2), 0.5)]).astype(np.float32)
    _, _, levels = stems_of(mix, Share(0.1, 33), block=70)
    np.testing.assert_allclose(levels.mix, [0, 0, 0.25, 0.25, 0.25], rtol=1e-5)
    assert levels.vocal_to_mix_db == pytest.approx(-20, abs=0.01)


def test_silence_has_no_vocals():
    _, _, levels = stems_of(np.zeros((100, 2), np.float32), Share(0.5, 50))
    assert levels.vocal_to_mix_db == -120


class Twice(Share):
    """Keeps what it was told of the mix beforehand."""

    hears_twice = True

    def vocals(self, blocks: Iterable[np.ndarray], loudness_db: float, spread: Spread | None) -> Iterator[np.ndarray]:
        self.told = spread
        return super().vocals(blocks, loudness_db, spread)


def test_a_separator_that_hears_twice_is_told_the_spread_of_what_it_will_hear():
    mix = np.random.default_rng(0).uniform(-0.5, 0.7, (1000, 2)).astype(np.float32)
    separator = Twice(0.5, 100)
    vocals, accompaniment, _ = stems_of(mix, separator, gain_db=-6.0206)
    heard = (vocals + accompaniment).mean(axis=1) / FULL_SCALE
    assert separator.told.mean == pytest.approx(heard.mean(), abs=1e-6)
    assert separator.told.deviation == pytest.approx(heard.std(ddof=1), rel=1e-6)


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 500), max_size=5), offset=st.floats(-2, 2))
def test_the_spread_of_blocks_is_that_of_the_whole(seed, cuts, offset):
    mix = (np.random.default_rng(seed).normal(offset, 0.1, (500, 2))).astype(np.float32)
    middle = mix.astype(np.float64).mean(axis=1)
    spread = spread_of(np.split(mix, sorted(cuts)))
    assert spread.mean == pytest.approx(middle.mean(), abs=1e-12)
    assert spread.deviation == pytest.approx(middle.std(ddof=1), rel=1e-9)


@pytest.mark.parametrize("length", [0, 1])
def test_what_is_too_short_to_spread_has_none(length):
    assert spread_of([np.full((length, 2), 0.5, np.float32)]).deviation == 0
