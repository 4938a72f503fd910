import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.tracks.given_lyrics import GivenLine, decode_text, first_with_lines, parse_lyrics

WORDS = (
    st.text("abcdefghijklmnop éßø夜'", min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(bool)
)
STAMPED = st.lists(st.tuples(st.integers(0, 599_999), WORDS), max_size=30)


def stamp(time_ms: int) -> str:
    return f"[{time_ms // 60_000:02d}:{time_ms // 1000 % 60:02d}.{time_ms % 1000:03d}]"


@given(STAMPED)
def test_what_is_written_as_lrc_is_read_back(lines):
    text = "\n".join(["[ti:A song]", "[ar:A singer]", *(stamp(time_ms) + words for time_ms, words in lines)])
    expected = sorted(((time_ms / 1000, words) for time_ms, words in lines), key=lambda line: line[0])
    read = parse_lyrics(text)
    assert [line.text for line in read] == [words for _, words in expected]
    assert [line.anchor_s for line in read] == pytest.approx([time_s for time_s, _ in expected])


@given(st.lists(WORDS, max_size=30))
def test_plain_text_keeps_its_lines_without_anchors(lines):
    assert parse_lyrics("\r\n\r\n".join(lines)) == tuple(GivenLine(words) for words in lines)


def test_several_stamps_make_a_line_sung_several_times():
    text = "[00:10.00][00:30.5]come home\n[00:20]again"
    assert parse_lyrics(text) == (
        GivenLine("come home", 10.0),
        GivenLine("again", 20.0),
        GivenLine("come home", 30.5),
    )


def test_a_positive_offset_brings_lines_sooner_but_never_before_the_start():
    text = "[offset:+1500]\n[00:01.00]first\n[00:10.00]second"
    assert parse_lyrics(text) == (GivenLine("first", 0.0), GivenLine("second", 8.5))
    assert parse_lyrics("[offset: -500]\n[00:10.00]later") == (GivenLine("later", 10.5),)


def test_section_tags_stay_and_metadata_goes():
    text = "[ar:Nobody]\n[length: 3:20]\n[Verse 1: all]\n[la la la]\nwe were here\n[Chorus]"
    assert [line.text for line in parse_lyrics(text)] == ["[Verse 1: all]", "[la la la]", "we were here", "[Chorus]"]


def test_word_stamps_and_empty_lines_are_left_out():
    assert parse_lyrics("[00:05.00]\n[00:06.00]<00:06.00>we <00:06.50>were\n\n   \n") == (GivenLine("we were", 6.0),)


def test_a_line_without_a_stamp_stays_behind_the_one_it_follows():
    text = "[00:20.00]second\nits rest\n[00:10.00]first"
    assert [line.text for line in parse_lyrics(text)] == ["first", "second", "its rest"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1"])
def test_text_is_read_in_whatever_encoding_it_is(encoding):
    text = "Über den Dächern der großen Stadt\nhörst du die Vögel für mich singen\n" * 4
    data = b"\xfe\xff" + text.encode(encoding) if encoding == "utf-16-be" else text.encode(encoding)
    assert parse_lyrics(decode_text(data)) == parse_lyrics(text)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Où êtes-vous ce soir\nle ciel est à moi"),
        ("cp1252", "El niño está aquí\ncorazón, mañana"),
        ("cp1250", "Žluťoučký kůň příšerně úpěl"),
        ("cp1251", "Я помню чудное мгновенье"),
        ("cp932", "さくら さくら 野山も里も"),
    ],
)
def test_old_encodings_are_guessed(encoding, text):
    assert decode_text((text + "\n").encode(encoding) * 4) == (text + "\n") * 4


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data):
    for line in parse_lyrics(decode_text(data)):
        assert line.text.strip() == line.text != ""
        assert line.anchor_s is None or line.anchor_s >= 0


def test_the_first_source_with_a_line_wins():
    assert first_with_lines([("manifest", None), ("lrc", "[ti:x]\n"), ("txt", "here"), ("tag", "there")]) == (
        "txt",
        (GivenLine("here"),),
    )
    assert first_with_lines([("manifest", " \n"), ("tag", None)]) == (None, ())


LRC_PARTS = st.sampled_from(
    [
        "[00:01.5]",
        "[99:99]",
        "[ti:x]",
        "[offset:-9999999]",
        "[offset:+1]",
        "<00:01>",
        "[",
        "]",
        "\n",
        "\x1b[31m",
        "\u202e",
    ]
)


@settings(derandomize=True)
@given(st.lists(LRC_PARTS | st.text(max_size=9), max_size=30).map("".join))
def test_the_lines_of_any_text_are_safe_and_in_order(text):
    lines = parse_lyrics(text)
    for line in lines:
        assert len(line.text) <= 1_000
        assert line.text.isprintable() or not {unicodedata.category(c) for c in line.text} & {"Cc", "Cs", "Zl", "Zp"}
        assert "\u202e" not in line.text
    anchors_s = [line.anchor_s for line in lines if line.anchor_s is not None]
    assert anchors_s == sorted(anchors_s)
    assert all(anchor_s >= 0 for anchor_s in anchors_s)


@pytest.mark.parametrize(
    "text",
    [
        "la " * 350_000,
        "[00:01.00]" * 100_000 + "la",
        "la\n" * 100_000,
        "[ti:" * 250_000,
        "<00:01>" * 140_000,
        "x\u2028" * 9,
    ],
    ids=["one line", "stamps", "lines", "headers", "word stamps", "separators"],
)
def test_a_megabyte_of_lyrics_takes_a_moment_and_gives_bounded_lines(text):
    start = time.process_time()
    lines = parse_lyrics(text)
    assert len(lines) <= 5_000
    assert sum(len(line.text) for line in lines) <= 1_000_000
    assert time.process_time() - start < 2.0
