import numpy as np
import pytest

from assets.captions.descriptors import genre_of, is_sung, pace_of, sound_of
from assets.captions.spectra import RATE_HZ
from assets.captions.tempo import Tempo


def stems(level_db, sung_s):
    return {"vocal_to_mix_db": level_db, "duration_s": 60.0, "vocal_segments": [{"start_s": 0.0, "end_s": sung_s}]}


@pytest.mark.parametrize(
    ("level_db", "sung_s", "sung"),
    [
        (-8.0, 30.0, True),
        (-40.0, 30.0, False),
        (-8.0, 0.0, False),
        (None, 0.0, False),
        (-20.0, 30.0, None),
        (-8.0, 1.0, None),
    ],
)
def test_there_is_a_voice_no_voice_or_it_cannot_be_told(level_db, sung_s, sung):
    assert is_sung(stems(level_db, sung_s)) is sung


@pytest.mark.parametrize(
    ("tag", "genre"),
    [
        ("Hip-Hop", "hip-hop"), ("R&B; Soul", "r&b"), ("  Slow   Blues ", "slow blues"), ("Музыка", "музыка"),
        ("(17)", None), ("Other", None), ("x" * 60, None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_genre_is_taken_only_where_it_is_one(tag, genre):
    assert genre_of(tag) == genre


def test_a_beat_that_may_be_counted_otherwise_has_no_pace():
    assert pace_of(Tempo(150.0, 0.6, rival=0.5)) == "fast"
    assert pace_of(Tempo(70.0, 0.6, rival=0.5)) == "slow"
    assert pace_of(Tempo(150.0, 0.6, rival=0.95)) is None


def test_hiss_is_bright_and_a_hum_is_dark():
    hiss = np.diff(np.random.default_rng(0).standard_normal(5 * RATE_HZ)).astype(np.float32)
    hum = np.sin(2 * np.pi * 100 * np.arange(5 * RATE_HZ) / RATE_HZ).astype(np.float32)
    assert "bright" in sound_of(hiss, None)
    assert {"dark", "quiet"} <= set(sound_of(hum, -40.0))
    assert sound_of(np.zeros(RATE_HZ, np.float32), None) == ()
