from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.captions.windows import SUNG_S, most_sung, sung_s, windows_to_hear


def test_windows_are_spread_over_the_whole_track():
    assert windows_to_hear(300.0, [(0.0, 300.0)], 3, 30.0) == [(35.0, 65.0), (135.0, 165.0), (235.0, 265.0)]


def test_a_short_track_is_heard_whole():
    assert windows_to_hear(12.5, [], 3, 30.0) == [(0.0, 12.5)]


def test_a_track_is_not_heard_more_often_than_it_takes():
    assert windows_to_hear(45.0, [], 3, 30.0) == [(0.0, 30.0), (15.0, 45.0)]


def test_the_nearest_window_moves_to_where_there_is_singing():
    assert windows_to_hear(300.0, [(180.0, 205.0)], 3, 30.0) == [(35.0, 65.0), (175.0, 205.0), (235.0, 265.0)]


def test_windows_that_hold_enough_singing_stay():
    spread = windows_to_hear(300.0, [], 3, 30.0)
    assert windows_to_hear(300.0, [(60.0, 65.0), (180.0, 230.0)], 3, 30.0) == spread


@pytest.mark.parametrize("bad", [(0.0, 3, 30.0), (60.0, 0, 30.0), (60.0, 3, 0.0)])
def test_nothing_to_choose_from_is_an_error(bad):
    duration_s, count, length_s = bad
    with pytest.raises(ValueError, match="cannot choose"):
        windows_to_hear(duration_s, [], count, length_s)


gaps = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=6)


def spans_of(gaps):
    spans, now_s = [], 0
    for gap_s, length_s in gaps:
        spans.append((float(now_s + gap_s), float(now_s + gap_s + length_s)))
        now_s += gap_s + length_s
    return spans, now_s


@given(gaps, st.integers(0, 90), st.integers(1, 5), st.integers(1, 40))
def test_windows_lie_inside_the_track_in_order_and_hold_singing_where_there_is_any(gaps, rest_s, count, length_s):
    sung, end_s = spans_of(gaps)
    duration_s = float(end_s + rest_s + 1)
    chosen = windows_to_hear(duration_s, sung, count, float(length_s))
    assert 1 <= len(chosen) <= count
    assert all(0 <= a < b <= duration_s and b - a == pytest.approx(min(length_s, duration_s)) for a, b in chosen)
    assert all(first <= second for first, second in pairwise(chosen))
    possible_s = max((sung_s((s, s + length_s), sung) for s in range(int(duration_s - length_s) + 1)), default=0.0)
    assert max(sung_s(window, sung) for window in chosen) >= min(SUNG_S, possible_s) - 1e-6


@given(gaps, st.integers(0, 20), st.integers(1, 40))
def test_no_stretch_on_a_grid_holds_more_singing(gaps, rest_s, length_s):
    sung, end_s = spans_of(gaps)
    duration_s = float(end_s + rest_s + length_s)
    best = most_sung(duration_s, sung, float(length_s))
    on_grid = [sung_s((float(s), float(s + length_s)), sung) for s in range(int(duration_s - length_s) + 1)]
    assert sung_s(best, sung) >= max(on_grid) - 1e-6
