from hypothesis import given
from hypothesis import strategies as st

from assets.scores.pairs import closed_pairs, score_pairs

GROUPS = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4), max_size=6)


def test_copies_of_copies_are_pairs_too():
    assert closed_pairs([["a", "b"], ["c"], ["b", "d"]]) == {frozenset(pair) for pair in ("ab", "bd", "ad")}


def test_what_is_missed_and_what_is_wrong_are_told_apart():
    score = score_pairs(true=["abc", "de"], found=["ab", "dx"])
    assert (score.precision, score.recall) == (0.5, 0.25)
    assert score.wrong == {frozenset("dx")}
    assert score.missed == {frozenset("ac"), frozenset("bc"), frozenset("de")}


def test_where_nothing_is_true_and_nothing_found_nothing_is_wrong():
    score = score_pairs(true=[], found=["a"])
    assert (score.precision, score.recall) == (1.0, 1.0)


@given(GROUPS)
def test_pairs_of_groups_are_closed_whatever_the_order(groups):
    pairs = closed_pairs(groups)
    assert pairs == closed_pairs([group[::-1] for group in groups[::-1]])
    assert all(frozenset((a, c)) in pairs for a, b in map(tuple, pairs) for q in pairs if b in q for c in q - {a, b})
    assert closed_pairs(pairs) == pairs
