"""What the network has to beat."""

import pytest

from training.durations.baselines import by_syllables, on_the_beat, syllable_s_of
from training.request import AskedLine, Request


def song(*lines: AskedLine, duration_s: float = 20.0) -> Request:
    return Request(duration_s, lines=lines, language="en")


def test_a_syllable_takes_the_time_that_misses_the_lines_least():
    songs = [song(AskedLine("oh", 0.0, 1.0), AskedLine("oh", 1.0, 3.0), AskedLine("beautiful", 3.0, 4.5))]
    assert syllable_s_of(songs) == pytest.approx(0.5)  # of 1, 2 and 3 × 0.5 s


def test_songs_without_times_have_no_pace():
    with pytest.raises(ValueError, match="no line with times"):
        syllable_s_of([song(AskedLine("oh"))])


def test_lines_are_as_long_as_their_syllables_and_gaps_share_the_rest():
    first, second = by_syllables(song(AskedLine("beautiful"), AskedLine("oh")), 0.5).lines
    assert (first.start_s, first.end_s) == (pytest.approx(6.0), pytest.approx(7.5))
    assert (second.start_s, second.end_s) == (pytest.approx(13.5), pytest.approx(14.0))


def test_lines_that_are_too_long_together_are_shortened_alike():
    first, second = by_syllables(song(AskedLine("beautiful"), AskedLine("oh"), duration_s=1.0), 0.5).lines
    assert first.end_s - first.start_s == pytest.approx(3 * (second.end_s - second.start_s))
    assert second.end_s < 1.0


def test_a_pinned_line_stays_where_it_is():
    pin = AskedLine("oh", 3.0, 4.0)
    assert by_syllables(song(AskedLine("beautiful"), pin), 0.5).lines[1] == pin


def test_on_the_beat_lines_begin_and_end_with_beats():
    moved = on_the_beat(song(AskedLine("oh", 1.2, 2.9), AskedLine("no", 3.1, 3.2)), 60.0)
    assert [(line.start_s, line.end_s) for line in moved.lines] == [(1.0, 3.0), (3.0, 4.0)]


def test_on_the_beat_no_line_runs_over_the_next_or_the_end():
    moved = on_the_beat(song(AskedLine("oh", 1.0, 1.2), AskedLine("no", 1.3, 3.6), duration_s=3.7), 60.0)
    assert [(line.start_s, line.end_s) for line in moved.lines] == [(1.0, 1.2), (1.0, 3.0)]
