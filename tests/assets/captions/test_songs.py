"""The songs of the demo and 28 real tracks, whose tempo and key are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from assets.captions.key import key_of
from assets.captions.spectra import RATE_HZ
from assets.captions.tempo import tempo_of
from assets.scores.facts import beat_agrees, key_agreement
from assets.scores.real import real_tracks
from resources.ffmpeg import decode

DEMO = Path(__file__).parents[3] / "demo"
TRUTHS = [json.loads(path.read_text()) for path in sorted((DEMO / "truth").glob("s*.json"))]
SONGS = [pytest.param(truth, id=truth["type"]) for truth in TRUTHS if truth["tempo_audible"]]


def heard(truth):
    return listened(DEMO / "audio" / truth["file"])


def listened(path):
    return np.concatenate(list(decode(path, RATE_HZ, 1)))[:, 0]


@pytest.mark.parametrize("truth", SONGS)
def test_the_tempo_of_a_song_is_found_even_in_its_mix(truth):
    assert beat_agrees(truth["tempo_bpm"], tempo_of(heard(truth)).bpm)


def test_the_keys_of_all_but_one_song_are_found_even_in_their_mixes():
    songs = [truth for truth in TRUTHS if truth["tempo_audible"]]
    assert sum(key_of(heard(truth)).name == truth["key"] for truth in songs) >= len(songs) - 1


def test_a_song_without_accompaniment_has_no_pulse_to_speak_of():
    (truth,) = (truth for truth in TRUTHS if not truth["tempo_audible"])
    assert tempo_of(heard(truth)) is None


def test_of_real_tracks_85_percent_of_the_tempi_are_found_and_keys_to_a_mirex_score_of_065():
    tracks = [(track, listened(track.path)) for track in real_tracks()]
    tempi = [tempo_of(audio) for _, audio in tracks]
    keys = [key_of(audio) for _, audio in tracks]
    beats = [beat_agrees(track.tempo_bpm, tempo and tempo.bpm) for (track, _), tempo in zip(tracks, tempi, strict=True)]
    agreement = [key_agreement(track.key, key and key.name) for (track, _), key in zip(tracks, keys, strict=True)]
    assert np.mean(beats) >= 0.85
    assert np.mean(agreement) >= 0.65
