import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.phonemes import INDEX, SYMBOLS, UNKNOWN, count_syllables, section_of, symbols_of


def read(line: str, language: str | None) -> list[str]:
    return ["".join(SYMBOLS[index] for index in word) for word in symbols_of(line, language)]


def test_english_is_read_as_phonemes_with_their_stress():
    assert read("Hello darkness", "en") == ["həlˈoʊ", "dˈɑːɹknəs"]


def test_numbers_are_sung_as_words():
    assert read("99 problems", "en")[:2] == ["nˈaɪnti", "nˈaɪn"]


def test_a_language_without_a_dictionary_is_read_byte_by_byte():
    assert read("ночь, да", "xx") == ["<d0><bd><d0><be><d1><87><d1><8c>", "<d0><b4><d0><b0>"]


@pytest.mark.parametrize("line", ["", "  ", "...", "—"])
def test_a_line_that_nobody_can_sing_has_no_words(line: str):
    assert symbols_of(line, "en") == ()


@given(st.text(max_size=40))
def test_any_text_can_be_read(line: str):
    for language in ("en", None):
        assert all(0 <= index < len(SYMBOLS) for word in symbols_of(line, language) for index in word)


def test_every_phoneme_of_english_has_a_symbol():
    words = "thought measure church judge boy now fear bird sing yellow uh-oh butter button rhythm"
    assert all(INDEX[UNKNOWN] not in word for word in symbols_of(words, "en"))


def test_no_symbol_is_there_twice():
    assert len(INDEX) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("name", "mark"), [("Chorus 2", "[chorus]"), ("PRE-CHORUS", "[prechorus]"), ("Verse", "[verse]"), ("Ad-lib", None)]
)
def test_sections_are_told_by_their_names(name: str, mark: str | None):
    assert section_of(name) == (INDEX[mark] if mark else None)


@pytest.mark.parametrize(("word", "syllables"), [("hello", 2), ("strengths", 1), ("beautiful", 3), ("rhythm", 2)])
def test_syllables_are_counted_by_their_vowels(word: str, syllables: int):
    (symbols,) = symbols_of(word, "en")
    assert count_syllables(symbols) == syllables
