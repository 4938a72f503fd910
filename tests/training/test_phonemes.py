import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.phonemes import INDEX, SYMBOLS, UNKNOWN, section_of, symbols_of
from training.settings import ConditionSettings

FIRST_BYTE = INDEX["<00>"]
LINES = {
    "en": "we were dreaming in the rain, I'm yours",
    "de": "die schöne Müllerin weiß, was Feuer heißt",
    "fr": "l'amour est un oiseau rebelle que nul ne peut apprivoiser",
    "es": "corazón, ¿por qué lloras en la ciudad pequeña?",
    "it": "che gelida manina, se la lasci riscaldar, perché",
    "pt": "a saudade não é mais que uma canção do coração",
    "ru": "любовь моя, подъезжают чужие огни",
    "nl": "mijn vrouw zingt nieuwe liedjes in ons oude huis",
    "sv": "jag älskar dig så här i köket för sju dagar",
    "cs": "příliš žluťoučký kůň úpěl ďábelské ódy",
    "ja": "さくら さくら ラーメン",
    "zh": "我爱你 月亮代表我的心",
    "ko": "사랑해 너를 영원히",
}


def read(line: str, language: str | None) -> list[str]:
    return ["".join(SYMBOLS[index] for index in word) for word in symbols_of(line, language)]


def test_english_is_read_as_phonemes_with_their_stress():
    assert read("Hello darkness", "en") == ["həlˈoʊ", "dˈɑːɹknəs"]


def test_numbers_are_sung_as_words():
    assert read("99 problems", "en")[:2] == ["nˈaɪnti", "nˈaɪn"]


def test_a_language_without_a_dictionary_is_read_byte_by_byte():
    assert read("ночь, да", "xx") == ["<d0><bd><d0><be><d1><87><d1><8c>", "<d0><b4><d0><b0>"]


@pytest.mark.parametrize("line", ["", "  ", "...", "—", "- ' -", "❤️"])
def test_a_line_that_nobody_can_sing_has_no_words(line: str):
    assert symbols_of(line, "en") == ()


@given(st.text(max_size=40))
def test_any_text_can_be_read(line: str):
    for language in ("en", None):
        assert all(0 <= index < len(SYMBOLS) for word in symbols_of(line, language) for index in word)


def test_every_phoneme_of_english_has_a_symbol():
    words = "thought measure church judge boy now fear bird sing yellow uh-oh butter button rhythm"
    assert all(INDEX[UNKNOWN] not in word for word in symbols_of(words, "en"))


@pytest.mark.parametrize("language", ConditionSettings().languages)
def test_every_language_that_is_told_apart_is_read_as_phonemes_with_a_symbol_each(language: str):
    symbols = [symbol for word in symbols_of(LINES[language], language) for symbol in word]
    assert symbols
    assert INDEX[UNKNOWN] not in symbols
    assert max(symbols) < FIRST_BYTE


def test_the_tones_of_chinese_are_kept():
    assert read("我爱 回来", "zh") == ["wˈo2", "ˈai5", "χuei3lˈai1"]


@pytest.mark.parametrize(
    ("line", "language"),
    [("夜空に花火", "ja"), ("حبيبي", "en"), ("любовь", "en"), ("사랑", "ja"), ("愛", "ko"), ("花", "fr")],
)
def test_a_word_that_would_be_spelt_out_in_english_is_read_byte_by_byte(line: str, language: str):
    assert read(line, language) == ["".join(f"<{byte:02x}>" for byte in line.encode())]


def test_its_neighbours_are_read_as_phonemes():
    assert read("hello حبيبي world", "en")[::2] == ["həlˈoʊ", "wˈɜːld"]


def test_latin_words_in_a_japanese_line_are_read_as_english():
    assert read("love you", "ja") == ["lˈʌv", "juː"]


def test_the_vowel_signs_of_hindi_are_read():
    assert read("प्यार तुम", "hi") == ["pːjˈaːɾ", "tˌʊm"]


def test_no_symbol_is_there_twice():
    assert len(INDEX) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("name", "mark"), [("Chorus 2", "[chorus]"), ("PRE-CHORUS", "[prechorus]"), ("Verse", "[verse]"), ("Ad-lib", None)]
)
def test_sections_are_told_by_their_names(name: str, mark: str | None):
    assert section_of(name) == (INDEX[mark] if mark else None)
