"""LRC files that a person can edit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.lrc import read_lrc, write_lrc
from training.request import AskedLine, Request

SONG = Request(
    33.87,
    lines=(
        AskedLine("we were dreaming in the rain", 7.92, 11.38, "Verse"),
        AskedLine("show me the chain", 11.38, 15.39, "Verse"),
        AskedLine("and I won't let go", section="Chorus 2"),
        AskedLine("oh", 30.0, 33.87),
    ),
    language="en",
)
WRITTEN = """\
[length:00:33.87]
[la:en]
[Verse]
[00:07.92]we were dreaming in the rain
[00:11.38]show me the chain
[00:15.39]
[Chorus 2]
and I won't let go
[]
[00:30.00]oh
"""

names = st.text(st.characters(categories=("L", "N", "Po"), exclude_characters="[]<>"), max_size=12).map(str.strip)
hundredths = st.integers(0, 500_000)


@st.composite
def songs(draw: st.DrawFn) -> Request:
    texts = draw(st.lists(st.one_of(names.filter(bool), st.just("(oh) [ad lib] 1:2")), max_size=8))
    times = sorted(draw(st.lists(hundredths, min_size=2 * len(texts) + 1, max_size=2 * len(texts) + 1)))
    lines = []
    for i, text in enumerate(texts):
        section = draw(st.sampled_from(["", "Verse", "Verse 2: all", "Refrão"]))
        start_s, end_s = (times[2 * i] / 100, times[2 * i + 1] / 100) if draw(st.booleans()) else (None, None)
        lines.append(AskedLine(text, start_s, end_s, section))
    return Request(times[-1] / 100, lines=tuple(lines), language=draw(st.sampled_from([None, "de"])))


def test_a_song_is_written_with_a_stamp_alone_where_a_gap_follows():
    assert write_lrc(SONG) == WRITTEN


@given(songs())
def test_what_was_written_is_read_as_it_was(song: Request):
    assert read_lrc(write_lrc(song)) == song


@given(st.floats(0.1, 20), st.floats(0, 20), st.floats(0, 20))
def test_times_are_kept_to_the_hundredth(length_s: float, gap_s: float, rest_s: float):
    song = Request(gap_s + length_s + rest_s, lines=(AskedLine("oh", gap_s, gap_s + length_s),))
    (line,) = read_lrc(write_lrc(song)).lines
    assert line.start_s == pytest.approx(gap_s, abs=0.00501)
    assert line.end_s == pytest.approx(gap_s + length_s, abs=0.00501)


def test_a_stamp_that_is_taken_away_frees_its_line():
    edited = read_lrc(WRITTEN.replace("[00:11.38]show", "[00:11.00]\nshow"))
    assert edited.lines[0] == replace(SONG.lines[0], end_s=11.0)
    assert edited.lines[1] == replace(SONG.lines[1], start_s=None, end_s=None)


def test_a_file_for_players_with_times_of_words_can_be_read():
    song = read_lrc("[ti:Ours]\n[length: 02:00]\n[01:00.00] <01:00.00> Hold <01:01.00> on <01:02.50>\n")
    assert song.lines == (AskedLine("Hold on", 60.0, 62.5),)


def test_a_time_without_a_word_only_ends_the_line_before_it():
    song = read_lrc("[length:00:20]\n[00:01.00]oh\n[00:02.00] <00:03.00>\n[00:04.00]no\n")
    assert song.lines == (AskedLine("oh", 1.0, 2.0), AskedLine("no", 4.0, 20.0))


@pytest.mark.parametrize("section", ["2nd Verse", "808 break", "2"])
def test_the_name_of_a_section_may_start_with_a_number(section: str):
    song = Request(10.0, lines=(AskedLine("oh", 1.0, 2.0, section),))
    assert read_lrc(write_lrc(song)) == song


def test_a_line_that_an_offset_moves_to_the_very_end_is_inside_the_song():
    lines = read_lrc("[offset:-100]\n[length:00:00.80]\n[00:00.20]oh\n[00:00.70]\n").lines
    assert lines == (AskedLine("oh", 0.3, 0.8),)


def test_an_offset_makes_lines_come_sooner():
    assert read_lrc("[offset:+500]\n[length:9:00]\n[00:02]oh\n[00:03]\n").lines == (AskedLine("oh", 1.5, 2.5),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"write \[length:mm:ss.xx\]"),
        ("we were dreaming\nin the rain", r"write \[length:mm:ss.xx\]"),
        ("\x00\x01PNG", r"write \[length:mm:ss.xx\]"),
        ("[length:soon]", "length 'soon' is no time"),
        ("[length:1:00]\n[00:75.00]oh", r"row 2 of the LRC: '\[00:75.00\]oh'.* is no time: write it as \[mm:ss.xx\]"),
        ("[length:1:00]\n[00:05.00]oh\n[00:04.00]no", r"row 3 of the LRC: \[00:04.00\] is before 00:05.00"),
        ("[length:1:00]\n[00:05.00]oh\nno", "row 3 of the LRC has no time, so the line before it has no end: put one"),
        ("[length:1:00]\n[00:05.00][00:09.00]oh", "row 2 of the LRC has two times: write the line twice"),
        ("[length:1:00]\n[offset:late]", "offset 'late' is no number"),
        ("[length:0:10]\n[Verse]\n[00:20.00]oh", "row 3 of the LRC: 'oh' is sung from 00:20.00 .*: move it, or change"),
        ("[00:05.00]oh\n[00:20.00]\n[length:0:10]", "row 1 of the LRC: 'oh' is sung from 00:05.00 to 00:20.00"),
        ("[length:1:00]\n[00:10.00]hello <00:05.00>", "row 2 of the LRC: the times of its words go backwards"),
        ("[length:1:00]\n[00:10.00]oh <00:25.00>\n[00:12.00]no", r"row 3 of the LRC: \[00:12.00\] is before 00:25.00"),
        ("[length:0:10]\n[offset:-20000]\n[00:02.00]oh", "row 3 of the LRC: 'oh' is sung from 00:22.00 to 00:30.00"),
        ("[length:0:10]\n[offset:+20000]\n[00:02.00]oh", "row 3 of the LRC: 'oh' is sung before the song"),
        (f"[length:1:00]\n[{'9' * 400}:00]oh", r"row 2 of the LRC: '\[9{19}' is no time"),
        (f"[length:1:00]\n[{'9' * 5000}:00]oh", r"row 2 of the LRC: '\[9{19}' is no time"),
        (f"[length:1:00]\n[00:01]oh <{'9' * 400}:00>", "row 2 of the LRC: '<9{19}' is no time: write it as <mm:ss.xx>"),
        (f"[length:{'9' * 400}:00]", "length '9{20}' is no time"),
        ("[length:1:00]\n[12.50]oh", r"row 2 of the LRC: '\[12.50\]oh' is no time"),
    ],
)
def test_what_is_no_lrc_is_named_by_its_row(text: str, says: str):
    with pytest.raises(ValueError, match=says):
        read_lrc(text)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (AskedLine("oh", 1.0), "line 1 .* one of its times"),
        (AskedLine(""), "is no line of an LRC"),
        (AskedLine("two\nlines"), "is no line of an LRC"),
        (AskedLine("[oh]"), "is no line of an LRC"),
        (AskedLine("oh <12345:00>"), "is no line of an LRC"),
        (AskedLine("oh", section="la:la"), "the section 'la:la' of line 1"),
        (AskedLine("oh", section="Verse]"), "the section"),
        (AskedLine("oh", 2.0, 11.0), "inside the song"),
    ],
)
def test_what_would_be_read_as_something_else_is_not_written(line: AskedLine, says: str):
    with pytest.raises(ValueError, match=says):
        write_lrc(Request(10.0, lines=(line,)))


@pytest.mark.parametrize("language", ["en\n[Verse]", "en]", " en"])
def test_a_language_that_would_be_read_as_something_else_is_not_written(language: str):
    with pytest.raises(ValueError, match="is no code that an LRC can hold"):
        write_lrc(Request(10.0, language=language))


@pytest.mark.parametrize("duration_s", [float("nan"), float("inf"), -1.0, 1e6])
def test_a_song_of_no_length_is_not_written(duration_s: float):
    with pytest.raises(ValueError, match="an LRC is of a song of up to"):
        write_lrc(Request(duration_s))
