"""What is known of lines before they are sung."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.durations.features import FEATURES, Counts, counts_of, features_of
from training.phonemes import SYMBOLS, symbols_of
from training.request import AskedLine, Request

SONG = Request(
    20.0, lines=(AskedLine("hello darkness", section="Verse"), AskedLine("oh", section="Chorus")), language="en"
)


def test_a_line_is_counted_by_its_sounds():
    said = "həlˈoʊ dˈɑːɹknəs"
    assert said == " ".join("".join(SYMBOLS[i] for i in word) for word in symbols_of("hello darkness,", "en"))
    counts = counts_of("hello darkness,", "en")
    assert (counts.words, counts.syllables, counts.stressed, counts.long, counts.pause) == (2, 4, 2, 2, 1)
    assert (counts.vowels, counts.consonants, counts.first, counts.last) == (5, 7, 1, 1)


def test_a_language_that_nobody_reads_to_us_is_counted_by_its_letters():
    counts = counts_of("ночь да", "xx")
    assert (counts.words, counts.syllables, counts.bytes, counts.vowels) == (2, 2, 12, 0)


@given(st.text(max_size=60))
def test_any_text_can_be_counted(text: str):
    assert all(count >= 0 for language in ("en", None) for count in vars_of(counts_of(text, language)))


def vars_of(counts: Counts) -> list[int]:
    return [getattr(counts, name) for name in Counts.__slots__]


def test_a_song_has_as_many_rows_as_gaps_and_lines():
    features = features_of(SONG, None)
    assert features.parts.shape == (5, FEATURES)
    assert features.syllables.tolist() == [0, 4, 0, 1, 0]
    assert features.stretch.tolist() == [1] * 5


def test_a_pinned_line_is_known_and_parts_the_song():
    pinned = replace(SONG.lines[0], start_s=2.0, end_s=6.0)
    features = features_of(replace(SONG, lines=(pinned, SONG.lines[1])), 90.0)
    assert features.stretch.tolist() == [0, 0, 1, 1, 1]
    assert features.spare_s.tolist() == [pytest.approx(14 - 0.06)]


@pytest.mark.parametrize(
    "other",
    [
        replace(SONG, lines=(SONG.lines[0], replace(SONG.lines[1], section="Verse"))),
        replace(SONG, lines=SONG.lines[::-1]),
        replace(SONG, duration_s=25.0),
    ],
    ids=["section", "position", "length"],
)
def test_what_is_asked_shows_in_the_numbers(other: Request):
    assert (features_of(other, None).parts != features_of(SONG, None).parts).any()


def test_a_tempo_that_is_not_known_is_not_one_of_a_hundred():
    assert (features_of(SONG, None).parts != features_of(SONG, 100.0).parts).any()


@pytest.mark.parametrize("tempo_bpm", [0.0, -3.0, float("nan")])
def test_a_tempo_that_is_none_is_named(tempo_bpm: float):
    with pytest.raises(ValueError, match="leave it out where it is not known"):
        features_of(SONG, tempo_bpm)
