import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.phonemes import symbols_of
from training.syllables import count_syllables


def counts(line: str, language: str | None) -> list[int]:
    return [count_syllables(word) for word in symbols_of(line, language)]


@pytest.mark.parametrize(("word", "syllables"), [("hello", 2), ("strengths", 1), ("beautiful", 3), ("rhythm", 2)])
def test_syllables_are_counted_by_their_vowels(word: str, syllables: int):
    assert counts(word, "en") == [syllables]


@pytest.mark.parametrize(
    ("words", "syllables"),
    [
        ("being chaos poem create lion going react quiet playing crying", 2),
        ("idea radio Maria piano violin area", 3),
    ],
)
def test_vowels_that_meet_are_two_syllables(words: str, syllables: int):
    assert counts(words, "en") == [syllables] * len(words.split())


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("now day boy go my rain", "en"),
        ("Haus heißt neu", "de"),
        ("nuit suis", "fr"),
        ("não mais", "pt"),
        ("oud", "nl"),
    ],
)
def test_a_diphthong_is_one_syllable(words: str, language: str):
    assert counts(words, language) == [1] * len(words.split())


def test_a_consonant_can_be_a_syllable():
    assert counts("button", "en") == [2]


def test_each_letter_of_chinese_is_a_syllable():
    assert counts("我爱你 小鸟 月亮代表我的心", "zh") == [1, 1, 1, 2, 2, 2, 1, 1, 1]


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("我爱你", 3), ("夜空に花火", 5), ("моя", 2), ("strengths", 1), ("naïve", 2), ("حبيبي", 3), ("мм", 1)],
)
def test_bytes_are_counted_by_the_letters_that_they_write(word: str, syllables: int):
    assert counts(word, None) == [syllables]


@given(st.text(max_size=40))
def test_every_word_has_a_syllable(line: str):
    for language in ("en", "zh", None):
        assert all(count >= 1 for count in counts(line, language))
