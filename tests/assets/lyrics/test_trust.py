from assets.lyrics.align import PlacedLine, PlacedWord
from assets.lyrics.trust import Evidence, agreement_of, evidence_of, trust_of

SINGING = [(10.0, 14.0)]


def line(*words):
    return PlacedLine("x", tuple(PlacedWord("x", start_s, end_s, 0.5) for start_s, end_s in words))


def test_words_where_the_voice_is_are_trusted_more_than_words_where_it_is_not():
    inside = evidence_of([line((10.0, 12.0), (12.0, 14.0))], SINGING, None)
    outside = evidence_of([line((20.0, 22.0), (22.0, 24.0))], SINGING, None)
    assert inside == Evidence(0.5, 1.0, 1.0, 1.0, None)
    assert outside.inside_singing == 0.0
    assert trust_of(inside) == 1.0
    assert trust_of(outside) == 0.0


def test_words_too_short_or_too_long_to_be_sung_count_against_the_lyrics():
    assert evidence_of([line((10.0, 10.01), (10.1, 14.0))], SINGING, None).plausible_lengths == 0.5


def test_a_transcript_that_disagrees_lowers_the_trust():
    agreed = Evidence(0.5, 1.0, 1.0, 1.0, 1.0)
    other = Evidence(0.5, 1.0, 1.0, 1.0, 0.1)
    assert trust_of(agreed) == 1.0
    assert trust_of(other) < 0.6


def test_agreement_is_the_share_of_heard_words_that_the_lyrics_have_in_order():
    given = ["we", "were", "dreaming", "in", "the", "rain"]
    assert agreement_of(["We", "were", "dreaming,"], given) == 1.0
    assert agreement_of(["rain", "nobody", "knows", "it"], given) == 0.25
    assert agreement_of([], given) is None
