from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.windows.densest import Line, Window, Word, densest_windows


def line(*spans):
    return Line(spans[0][0], max(end_s for _, end_s in spans), tuple(Word(*span) for span in spans))


def test_the_densest_window_holds_the_busiest_stretch():
    lines = [line((0.0, 0.5), (9.0, 9.4), (9.5, 9.8), (10.0, 11.0))]
    assert densest_windows(lines, 2.0, 30.0, 1) == [Window(9.0, 11.0, 3, 1.7, 1)]


def test_two_windows_hold_more_together_than_the_best_one_and_what_it_leaves():
    # The best single window, 2 to 6, holds four words and leaves none; apart, 0 to 4 and 4 to 8 hold six.
    lines = [line((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6))]
    assert [w.words for w in densest_windows(lines, 4, 10, 2)] == [4, 2]
    lines = [line((0, 1), (2, 3), (3, 4), (4, 5), (5, 6), (7, 8))]
    assert sorted((w.start_s, w.words) for w in densest_windows(lines, 4, 8, 2)) == [(0, 3), (4, 3)]


def test_the_longer_sung_of_two_with_as_many_words_is_taken():
    assert densest_windows([line((1, 2), (20, 23))], 4, 40, 1)[0].start_s == 19


def test_time_in_which_two_sing_counts_once():
    (window,) = densest_windows([line((1, 3)), line((2, 4))], 5, 20, 1)
    assert (window.words, window.sung_s, window.lines) == (2, 3.0, 2)


def test_an_edge_at_a_line_end_beats_an_earlier_window():
    lines = [Line(5, 7, (Word(5.5, 6.5),))]
    assert densest_windows(lines, 3, 20, 1) == [Window(4, 7, 1, 1.0, 1)]


def test_where_every_edge_would_cut_a_word_there_is_no_window():
    singers = [line((0, 3), (3, 6), (6, 9)), line((1.5, 4.5), (4.5, 7.5))]
    assert densest_windows(singers, 4, 9, 2) == []


def test_a_window_without_words_is_never_chosen():
    assert len(densest_windows([line((0, 1))], 2, 100, 5)) == 1
    assert densest_windows([], 2, 100, 5) == []


def test_words_that_go_on_after_the_track_end_with_it():
    assert densest_windows([line((8.0, 10.02))], 10.0, 10.0, 1) == [Window(0.0, 10.0, 1, 2.0, 1)]


def test_times_that_a_float_cannot_hold_cut_nothing():
    # 0.1 + 0.2 > 0.3 as floats: the window from 0.1 to 0.3 must still end with its word.
    assert densest_windows([line((0.1, 0.3))], 0.2, 33.873, 1) == [Window(0.1, 0.3, 1, 0.2, 1)]


def test_no_window_holds_a_second_that_is_to_be_avoided():
    lines = [line((0, 1), (1, 2), (2, 3)), line((6, 7), (7, 8))]
    assert [w.start_s for w in densest_windows(lines, 3, 10, 1)] == [0]
    assert [w.start_s for w in densest_windows(lines, 3, 10, 1, [(2.5, 3)])] == [5]
    assert [w.start_s for w in densest_windows(lines, 3, 10, 1, [(2.5, 3), (5.0, 6.0)])] == [6]
    assert densest_windows(lines, 3, 10, 1, [(0, 10)]) == []


@pytest.mark.parametrize(("length_s", "count"), [(0, 1), (-1, 1), (1, 0)])
def test_no_length_and_no_windows_are_refused(length_s, count):
    with pytest.raises(ValueError, match="cannot be chosen"):
        densest_windows([], length_s, 10, count)


words = st.tuples(st.integers(0, 11), st.integers(1, 4)).map(lambda word: (word[0], word[0] + word[1]))
lines = st.lists(st.lists(words, min_size=1, max_size=4).map(lambda spans: line(*sorted(spans))), max_size=5)


@given(lines, st.integers(1, 7), st.integers(1, 14), st.integers(1, 3), st.lists(words, max_size=2))
def test_no_set_of_windows_on_a_grid_is_better(lines, length_s, duration_s, count, avoid):
    """Words lie on whole seconds, and windows on halves: so a better place between two candidates would show."""
    found = densest_windows(lines, length_s, duration_s, count, avoid)
    spans = [(w.start_s, min(w.end_s, duration_s)) for li in lines for w in li.words if w.start_s < duration_s]
    line_ends = {s for li in lines for s in (li.start_s, li.end_s)}

    def worth(starts):
        """Words, sung seconds, edges at line ends, and then how early; None where a window cuts or is empty."""
        total, sung, edges = 0, set(), 0
        for start_s in starts:
            end_s = start_s + length_s
            if any(s < edge_s < e for s, e in spans for edge_s in (start_s, end_s)):
                return None
            if any(s < end_s and start_s < e for s, e in avoid):
                return None
            held = [span for span in spans if start_s <= span[0] and span[1] <= end_s]
            if not held:
                return None
            total += len(held)
            sung |= {second for s, e in held for second in range(int(s), int(e))}
            edges += (start_s in line_ends) + (end_s in line_ends)
        return total, len(sung), edges, [-s for s in starts]

    grid = [half / 2 for half in range(int(2 * (duration_s - length_s)) + 1)]
    sets = [
        starts
        for size in range(1, count + 1)
        for starts in combinations(grid, size)
        if all(b - a >= length_s for a, b in zip(starts, starts[1:], strict=False))
    ]
    best = max((starts for starts in sets if worth(starts)), key=worth, default=())
    assert sorted(w.start_s for w in found) == list(best)
    if found:
        assert sum(w.words for w in found) == worth(best)[0]
        assert sum(w.sung_s for w in found) == worth(best)[1]
