import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.scores.words import NOTHING, TimedWord, WordScore, score_words


def sung(text: str, step_s: float = 1.0, late_s: float = 0.0) -> list[TimedWord]:
    return [TimedWord(word, i * step_s + late_s, (i + 1) * step_s + late_s) for i, word in enumerate(text.split())]


def test_words_in_their_places_have_no_fault():
    assert score_words(sung("we run and run"), sung("We run, and run!")) == WordScore(4, 4, 0, 0, 0)


def test_a_word_counts_as_placed_within_three_tenths_of_a_second():
    assert score_words(sung("we run"), sung("we run", late_s=0.29)).placed == 2
    assert score_words(sung("we run"), sung("we run", late_s=0.31)).placed == 0


@pytest.mark.parametrize(
    ("found", "substitutions", "deletions", "insertions"),
    [("we walk and run", 1, 0, 0), ("we and run", 0, 1, 0), ("we run and and run", 0, 0, 1), ("", 0, 4, 0)],
)
def test_edits_are_told_apart(found, substitutions, deletions, insertions):
    score = score_words(sung("we run and run"), sung(found))
    assert (score.substitutions, score.deletions, score.insertions) == (substitutions, deletions, insertions)


def test_of_equal_matches_the_nearest_in_time_counts():
    truth = [TimedWord("run", 5.0, 6.0)]
    found = [TimedWord("run", 1.0, 2.0), TimedWord("run", 5.1, 6.0), TimedWord("run", 9.0, 9.5)]
    assert score_words(truth, found) == WordScore(1, 1, 0, 0, 2)


def test_words_on_an_instrumental_are_all_invented():
    assert score_words([], sung("thanks for watching")) == WordScore(0, 0, 0, 0, 3)


def test_scores_add_up():
    assert WordScore(4, 3, 1, 0, 0) + NOTHING + WordScore(6, 3, 0, 0, 2) == WordScore(10, 6, 1, 0, 2)
    assert (WordScore(10, 6, 1, 0, 2).placed_share, WordScore(10, 6, 1, 0, 2).error_rate) == (0.6, 0.3)


words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=7).map(" ".join)


@given(words, words)
def test_no_way_of_matching_has_fewer_edits(truth, found):
    score = score_words(sung(truth), sung(found))
    assert score.substitutions + score.deletions + score.insertions == _distance(truth.split(), found.split())


def _distance(a: list[str], b: list[str]) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(_distance(a[1:], b) + 1, _distance(a, b[1:]) + 1, _distance(a[1:], b[1:]) + (a[0] != b[0]))
