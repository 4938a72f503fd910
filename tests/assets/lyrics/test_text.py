import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.lyrics.text import plain, spell, sung_lines

SYMBOLS = ("_", " ", "'", *"abcdefghijklmnopqrstuvwxyz")


def texts(*printed):
    return [line.text for line in sung_lines((text, None) for text in printed)]


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("Déjà-vu,", "dejavu"),
        ("DON’T!", "don't"),
        ("'cause", "cause"),
        ("Straße", "strasse"),
        ("4th", "fourth"),
        ("24/7", "twentyfourseven"),
        ("1999", "nineteenninetynine"),
        ("90s", "nineties"),
        ("1,000", "onethousand"),
        ("rock&roll", "rockandroll"),
        ("100%", "onehundredpercent"),
        ("привет!", "privet"),
        ("κόσμε", "kosme"),
        ("你", "ni"),
        ("きゃ", "kya"),
        ("사랑해", "saranghae"),
        ("שלום", "shlvm"),
        ("سلام", "slam"),
        ("नमस्ते", "namaste"),
    ],
)
def test_a_word_is_spelled_as_it_is_sung(printed, said):
    assert plain(printed) == said


def test_numbers_are_said_in_the_language_of_the_song():
    assert plain("21", "de") == "einundzwanzig"
    assert plain("21", "xx") == "twentyone"


def test_a_model_that_has_a_letter_keeps_it_and_one_that_has_not_drops_its_accent():
    german = (*SYMBOLS, "ä")
    assert [german[i] for i in spell("Bär", german)] == ["b", "ä", "r"]
    assert [SYMBOLS[i] for i in spell("Bär", SYMBOLS)] == ["b", "a", "r"]


def test_a_model_that_has_no_letter_of_a_script_hears_it_in_latin_letters():
    assert [SYMBOLS[i] for i in spell("你", SYMBOLS)] == ["n", "i"]
    assert spell("♥", SYMBOLS) == ()
    cyrillic = ("_", *"привет")
    assert [cyrillic[i] for i in spell("Привет", cyrillic)] == list("привет")


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("你好，世界", ["你", "好，", "世", "界"]),
        ("「夜に駆ける」", ["「夜", "に", "駆", "け", "る」"]),
        ("きゃりー パーティー", ["きゃ", "りー", "パー", "ティー"]),
        ("love你 baby", ["love", "你", "baby"]),
        ("사랑해 너를", ["사랑해", "너를"]),
        ("שלום עולם", ["שלום", "עולם"]),
    ],
)
def test_chinese_and_japanese_are_sung_sign_by_sign_and_the_rest_word_by_word(printed, words):
    assert [line.words for line in sung_lines([(printed, None)])] == [tuple(words)]


def test_words_in_parentheses_are_the_backing_singers():
    (line,) = sung_lines([("hold on (hold on, baby) to me", 4.0)])
    assert line.words == ("hold", "on", "(hold", "on,", "baby)", "to", "me")
    assert line.parts == [(0, 2), (2, 5), (5, 7)]
    assert [line.of(*part).backing for part in line.parts] == [(False,) * 2, (True,) * 3, (False,) * 2]
    assert [line.of(*part).anchor_s for part in line.parts] == [4.0, None, None]
    (plain_line,) = sung_lines([("hold on to me", None)])
    assert (plain_line.parts, plain_line.backing) == ([(0, 4)], ())


@pytest.mark.parametrize(
    "printed",
    ["[Chorus]", "Chorus:", "Verse 2", "(Chorus x2)", "VERSE II:", "[Verse 1: both]", "Pre-Chorus", "- — …", "♪", "x2"],
)
def test_what_is_not_sung_is_left_out(printed):
    assert texts(printed) == []


@pytest.mark.parametrize("printed", ["hook me up", "cross the bridge", "(oh oh)", "verse by verse", "x marks the spot"])
def test_sung_lines_that_look_like_headings_stay(printed):
    assert texts(printed) == [printed]


def test_a_line_marked_x2_is_sung_twice_and_only_the_first_copy_has_the_anchor():
    lines = sung_lines([("hold on to me (x2)", 5.0), ("[Bridge] let go", 9.0)])
    found = [(line.text, line.anchor_s) for line in lines]
    assert found == [("hold on to me", 5.0), ("hold on to me", None), ("let go", 9.0)]


def is_printed(line):
    """Whether the words are in the text as they are, one after the other."""
    at = 0
    for word in line.words:
        at = line.text.find(word, at) + len(word)
        if at < len(word):
            return False
    return True


@given(st.text(max_size=60))
def test_any_text_has_words_that_are_in_it_and_spell_without_error(printed):
    for line in sung_lines([(printed, None)]):
        assert line.words and is_printed(line)
        for word in line.words:
            assert all(0 < symbol < len(SYMBOLS) for symbol in spell(word, SYMBOLS))


PRINTED = st.text(max_size=60) | st.lists(
    st.sampled_from(
        ["(x2)", "[Chorus]", "{", "}", "x99", "1,000", "9" * 40, "½", "²", "4th", "90s", "\x00", "&", "'", " "]
    )
).map("".join)


@settings(derandomize=True)
@given(st.lists(st.tuples(PRINTED, st.none() | st.floats(0, 1e4)), max_size=5))
def test_whatever_is_printed_is_sung_in_words_of_its_text(printed):
    for line in sung_lines(printed):
        assert line.words and is_printed(line)


@settings(derandomize=True)
@given(PRINTED, st.sampled_from(["en", "de", "fr", "ja", "xx"]))
def test_any_word_is_spelt_in_symbols_that_there_are(word, language):
    assert all(2 <= symbol < len(SYMBOLS) for symbol in spell(word, SYMBOLS, language))
