import json

import pytest

from assets.lyrics.align import PlacedLine, PlacedWord
from assets.lyrics.lrc import as_json, as_values, lrc
from assets.lyrics.text import sung_lines
from assets.tracks.given_lyrics import parse_lyrics
from training.lrc import read_lrc, write_lrc
from training.request import AskedLine, Request

LINES = [
    PlacedLine("Hold on,", (PlacedWord("Hold", 59.996, 60.5, 0.9), PlacedWord("on,", 60.5, 61.0, 0.8))),
    PlacedLine("déjà vu", (PlacedWord("déjà", 75.1, 75.4, 0.5), PlacedWord("vu", 75.4, 76.0, 0.7))),
]


def test_an_lrc_file_has_a_time_for_each_line_and_word():
    assert lrc(LINES).splitlines() == [
        "[01:00.00] <01:00.00> Hold <01:00.50> on, <01:01.00>",
        "[01:15.10] <01:15.10> déjà <01:15.40> vu <01:16.00>",
    ]


def test_a_plain_lrc_file_has_the_lines_as_they_were_printed():
    assert lrc(LINES, words=False) == "[01:00.00] Hold on,\n[01:15.10] déjà vu\n"


def test_what_was_written_is_read_back_as_given_lyrics():
    read = parse_lyrics(lrc(LINES))
    assert [(line.text, line.anchor_s) for line in read] == [("Hold on,", 60.0), ("déjà vu", 75.1)]


def test_the_json_holds_the_lines_as_the_table_does():
    trusts = [0.5 + 0.1 * i for i in range(sum(len(line.words) for line in LINES))]
    values = as_values(LINES, trusts)
    assert json.loads(as_json({"lines": values}))["lines"] == values
    assert values[0]["end_s"] == 61.0
    assert [word["trust"] for line in values for word in line["words"]] == trusts
    assert values[0]["trust"] == pytest.approx(sum(trusts[: len(LINES[0].words)]) / len(LINES[0].words))


def test_a_song_to_be_made_can_have_the_lines_of_a_placed_one():
    song = read_lrc("[length:02:00]\n" + lrc(LINES))
    assert [(line.text, line.start_s, line.end_s) for line in song.lines] == [
        ("Hold on,", 60.0, 61.0),
        ("déjà vu", 75.1, 76.0),
    ]


def test_the_lines_of_a_song_to_be_made_can_come_with_a_file():
    song = Request(90.0, lines=(AskedLine("Hold on", 1.0, 2.5, "Verse"), AskedLine("oh", section="Chorus")))
    given = sung_lines((line.text, line.anchor_s) for line in parse_lyrics(write_lrc(song)))
    assert [(line.text, line.anchor_s) for line in given] == [("Hold on", 1.0), ("oh", None)]
