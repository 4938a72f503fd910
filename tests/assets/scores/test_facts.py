import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.captions.key import TONICS
from assets.scores.facts import beat_agrees, key_agreement, tempo_agrees

KEYS = [f"{tonic} {mode}" for mode, tonics in TONICS.items() for tonic in tonics]


@pytest.mark.parametrize(
    ("found", "weight"),
    [
        ("C major", 1.0),
        ("G major", 0.5),
        ("F major", 0.0),  # a fifth below is not a fifth
        ("A minor", 0.3),
        ("C minor", 0.2),
        ("E minor", 0.0),
        ("D major", 0.0),
        (None, 0.0),
    ],
)
def test_keys_near_the_true_one_count_in_part(found, weight):
    assert key_agreement("C major", found) == weight


@pytest.mark.parametrize(
    ("found", "weight"), [("E minor", 0.5), ("D minor", 0.0), ("C major", 0.3), ("A major", 0.2), ("C minor", 0.0)]
)
def test_for_a_minor_key_its_relative_lies_a_third_above(found, weight):
    assert key_agreement("A minor", found) == weight


@pytest.mark.parametrize("same", [("Db minor", "C# minor"), ("Cb major", "B major"), ("F♯ major", "Gb major")])
def test_a_key_has_many_names(same):
    assert key_agreement(*same) == 1.0


@pytest.mark.parametrize("true", KEYS)
def test_against_each_key_four_others_count(true):
    assert sorted(key_agreement(true, found) for found in KEYS) == [0.0] * 20 + [0.2, 0.3, 0.5, 1.0]


@pytest.mark.parametrize("word", ["", "A", "H minor", "Am", "A dorian"])
def test_what_is_no_key_is_an_error(word):
    with pytest.raises(ValueError, match="no key is called"):
        key_agreement("C major", word)


@given(st.floats(30, 240), st.floats(-0.06, 0.06))
def test_a_tempo_agrees_within_four_per_cent(true_bpm, off):
    if abs(abs(off) - 0.04) > 1e-6:
        assert tempo_agrees(true_bpm, true_bpm * (1 + off)) == (abs(off) < 0.04)


def test_a_beat_may_be_counted_otherwise_a_tempo_may_not():
    assert [bpm for bpm in (30, 40, 60, 90, 120, 150, 180, 240, 360) if beat_agrees(120.0, bpm)] == [
        40,
        60,
        120,
        240,
        360,
    ]
    assert not tempo_agrees(120.0, 60.0)
    assert not beat_agrees(120.0, None)
