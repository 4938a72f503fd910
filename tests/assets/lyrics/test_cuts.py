from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.lyrics.cuts import cut_at_silences


@st.composite
def singing(draw):
    at_s, segments = 0.0, []
    for gap_s, length_s in draw(st.lists(st.tuples(st.floats(0.1, 40), st.floats(0.2, 70)), max_size=12)):
        segments.append((at_s + gap_s, at_s + gap_s + length_s))
        at_s = segments[-1][1]
    return segments, at_s + draw(st.floats(0, 5))


@given(singing())
def test_the_cuts_hold_all_the_singing_and_none_is_too_long(song):
    segments, duration_s = song
    cuts = cut_at_silences(segments, duration_s, 30.0)
    assert all(0 < end_s - start_s <= 30.0 + 1e-6 for start_s, end_s in cuts)
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(cuts))
    assert not cuts or (cuts[0][0] >= 0 and cuts[-1][1] <= duration_s + 1e-6)
    for start_s, end_s in segments:
        held = sum(max(0.0, min(end_s, b) - max(start_s, a)) for a, b in cuts)
        assert held == pytest.approx(end_s - start_s, abs=1e-6)


@given(singing())
def test_no_cut_falls_into_a_segment_that_can_be_heard_whole(song):
    segments, duration_s = song
    edges = [edge for cut in cut_at_silences(segments, duration_s, 30.0) for edge in cut]
    for start_s, end_s in segments:
        if end_s - start_s <= 30.0:
            assert not any(start_s + 1e-6 < edge < end_s - 1e-6 for edge in edges)


def test_there_are_no_more_cuts_than_needed_and_they_fall_into_the_longest_silence():
    segments = [(0.0, 8.0), (9.0, 14.0), (20.0, 26.0), (27.0, 35.0)]
    assert cut_at_silences(segments, 36.0, 30.0) == [(0.0, 17.0), (17.0, 36.0)]


def test_a_track_without_singing_has_no_cuts():
    assert cut_at_silences([], 60.0) == []


def test_singing_longer_than_a_cut_is_cut_into_equal_parts():
    assert cut_at_silences([(0.0, 50.0)], 50.0, 30.0) == [(0.0, 25.0), (25.0, 50.0)]


@pytest.mark.parametrize("segments", [[(2.0, 1.0)], [(0.0, 5.0), (4.0, 6.0)], [(0.0, 99.0)], [(-1.0, 1.0)]])
def test_segments_out_of_order_or_outside_the_track_are_refused(segments):
    with pytest.raises(ValueError):
        cut_at_silences(segments, 60.0)
