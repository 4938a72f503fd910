"""The songs of the demo, whose tempo and key are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from assets.captions.key import key_of
from assets.captions.spectra import RATE_HZ
from assets.captions.tempo import tempo_of
from resources.ffmpeg import decode

DEMO = Path(__file__).parents[3] / "demo"
TRUTHS = [json.loads(path.read_text()) for path in sorted((DEMO / "truth").glob("s*.json"))]
SONGS = [pytest.param(truth, id=truth["type"]) for truth in TRUTHS if truth["tempo_audible"]]


def heard(truth):
    return np.concatenate(list(decode(DEMO / "audio" / truth["file"], RATE_HZ, 1)))[:, 0]


@pytest.mark.parametrize("truth", SONGS)
def test_the_tempo_of_a_song_is_found_even_in_its_mix(truth):
    times = tempo_of(heard(truth)).bpm / truth["tempo_bpm"]
    assert any(times == pytest.approx(multiple, rel=0.04) for multiple in (1 / 3, 1 / 2, 1, 2, 3))


def test_the_keys_of_all_but_one_song_are_found_even_in_their_mixes():
    songs = [truth for truth in TRUTHS if truth["tempo_audible"]]
    assert sum(key_of(heard(truth)).name == truth["key"] for truth in songs) >= len(songs) - 1


def test_a_song_without_accompaniment_has_no_pulse_to_speak_of():
    (truth,) = (truth for truth in TRUTHS if not truth["tempo_audible"])
    assert tempo_of(heard(truth)) is None
