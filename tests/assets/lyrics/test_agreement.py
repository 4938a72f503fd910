import pytest

from assets.lyrics.agreement import agreement_of, in_both

GIVEN = (
    *("we", "were", "dreaming", "in", "the", "rain"),
    *("nobody", "knows", "the", "feeling", "of", "a", "quiet", "mountain"),
    *("hold", "on", "to", "me"),
)


def test_what_was_heard_is_looked_for_where_it_fits_best_letter_by_letter():
    assert agreement_of([["Nobody", "knows", "the", "feeling!"]], GIVEN) == 1.0
    assert agreement_of([["no", "body", "nose", "the", "ceiling"]], GIVEN) > 0.75
    assert agreement_of([["subscribe", "to", "my", "channel", "please"]], GIVEN) < 0.6


def test_a_longer_stretch_counts_for_more():
    both = agreement_of([["we", "were", "dreaming", "in", "the", "rain"], ["zzz"]], GIVEN)
    assert both is not None and both > 0.8


def test_other_scripts_are_compared_as_they_sound():
    assert agreement_of([["я", "люблю", "тебя"]], ["Я", "люблю", "тебя", "очень"], "ru") == 1.0


@pytest.mark.parametrize(("heard", "given"), [([], GIVEN), ([[]], GIVEN), ([["♪"]], GIVEN), ([["hello"]], [])])
def test_where_nothing_was_heard_nothing_is_said(heard, given):
    assert agreement_of(heard, given) is None


def test_words_are_in_both_where_they_follow_each_other_in_both():
    assert in_both(["hold", "On", "to", "me"], ["hold", "to", "me,"]).tolist() == [True, False, True, True]
