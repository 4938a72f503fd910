"""Demo songs, copied through the codec whole and in parts, beside songs of their own."""

from typing import Any

import numpy as np
import pytest
import torch

from assets.captions.spectra import RATE_HZ
from assets.scores.copies import nearest, picture
from resources.ffmpeg import decode_mono
from training.codec import open_codec
from training.settings import CodecSettings

LENGTH_S = 10.0
KINDS = ("pop", "instrumental", "backing")


@pytest.fixture(scope="module")
def sounds(demo_songs: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        kind: decode_mono(demo_songs[kind]["path"], RATE_HZ, start_s=8.0, duration_s=LENGTH_S).astype(np.float32)
        for kind in KINDS
    }


@pytest.fixture(scope="module")
def learnt(sounds):
    return {kind: picture(sound) for kind, sound in sounds.items()}


def without(learnt, kind):
    return {name: each for name, each in learnt.items() if name != kind}


def test_a_song_is_itself(sounds, learnt):
    for kind, sound in sounds.items():
        assert nearest(picture(sound), learnt) == (kind, pytest.approx(1.0, abs=1e-4))


def test_a_copy_through_a_codec_that_begins_elsewhere_and_is_softer_is_found(sounds, learnt):
    codec = open_codec(CodecSettings(bands=64, hop=1024, rate_hz=RATE_HZ, iterations=4))
    for kind, sound in sounds.items():
        part = 0.1 * torch.from_numpy(sound[RATE_HZ // 43 : 8 * RATE_HZ])[None]
        name, likeness = nearest(picture(codec.decode(codec.encode(part))[0].numpy()), learnt)
        assert name == kind
        assert likeness > 0.75


def test_a_song_of_its_own_is_less_like_any_other_than_one_half_copied(sounds, learnt):
    half = len(sounds["pop"]) // 2
    mixed = picture(np.concatenate([sounds["pop"][:half], sounds["instrumental"][:half]]))
    name, copied = nearest(mixed, without(learnt, "instrumental"))
    assert name == "pop"
    assert all(nearest(learnt[kind], without(learnt, kind))[1] < copied - 0.05 for kind in KINDS)


def test_noise_is_less_like_a_song_than_another_song_is(sounds, learnt):
    noise = np.random.default_rng(0).normal(0, 0.1, len(sounds["pop"])).astype(np.float32)
    others = without(learnt, "pop")
    assert nearest(picture(noise), others)[1] < 0.15 < nearest(learnt["pop"], others)[1]


def test_silence_is_like_nothing(sounds, learnt):
    assert nearest(picture(np.zeros(3 * RATE_HZ, np.float32)), learnt)[1] == 0.0


def test_a_song_of_one_second_is_found_and_what_is_shorter_than_it_is_not_compared(sounds, learnt):
    second = picture(sounds["pop"][RATE_HZ : 2 * RATE_HZ])
    assert nearest(second, {**learnt, "short": second[:5]})[0] == "pop"
    assert nearest(second, {"short": second[:5]}) == ("short", 0.0)


def test_there_has_to_be_something_to_compare(learnt):
    with pytest.raises(ValueError, match="no other song"):
        nearest(learnt["pop"], {})
    with pytest.raises(ValueError, match="no sound"):
        nearest(learnt["pop"][:0], learnt)
