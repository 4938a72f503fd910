import json

import pytest

from assets.pages.page import page_of, track_of


@pytest.fixture
def shown(made):
    page = page_of(made.ledger, "b00000")
    return {track["id"]: track for track in page["shown"]}


def test_every_track_is_there_with_what_became_of_it(shown):
    kinds = {name: track["kind"] for name, track in shown.items()}
    assert kinds == {
        "song": "sung", "plain": "instrumental", "hostile": "sung",
        "copy": "rejected", "empty": "rejected", "lost": "failed",
    }  # fmt: skip


def test_what_is_not_ok_says_where_and_why(shown):
    assert shown["empty"]["fate"] == {
        "stage": "tracks",
        "status": "rejected",
        "reason": "empty",
        "detail": "zero bytes",
        "words": "The file has no bytes in it.",
    }
    assert shown["copy"]["duplicate_of"] == "song"


def test_words_have_the_times_of_the_table(shown, made):
    words = [word for line in shown["song"]["lines"] for word in line["words"]]
    assert [(text, start_s, end_s) for text, start_s, end_s, _ in words] == [
        (text, round(start_s, 3), round(end_s, 3)) for text, start_s, end_s in made.words
    ]


def test_files_are_named_as_the_page_finds_them(shown, made):
    for track in shown.values():
        for file in (track["media"] or {}).values():
            assert (made.folder / file).is_file()
    assert set(shown["song"]["media"]) == {"mix", "vocals", "accompaniment", "spectrogram"}
    assert set(shown["copy"]["media"]) == {"mix", "spectrogram"}
    assert shown["empty"]["media"] is None


def row(**columns):
    return [{"status": "ok", "reason": None, "detail": None} | columns]


def test_a_tag_of_a_megabyte_and_a_tempo_without_end_do_no_harm():
    none = dict.fromkeys(("artist", "genre", "license", "lyrics_origin", "duration_s"))
    track = track_of(
        {
            "manifest": row(uri="file:///a%FF.mp3", title=None, artist=None, license=None),
            "tracks": row(title="x" * 1_000_000, **none),
            "captions": row(tempo_bpm=float("inf"), caption=None, short_caption=None, tags=None, key=None),
        },
        "b00000",
        "t",
    )
    assert len(track["title"]) < 400
    assert track["tempo_bpm"] is None
    assert json.dumps(track, allow_nan=False)


def test_a_file_that_is_nowhere_on_this_machine_goes_by_its_uri():
    track = track_of({"manifest": row(uri="s3://b/a.mp3", title=None, artist=None, license=None)}, "b00000", "t")
    assert track["file"] == "s3://b/a.mp3"


def test_a_track_without_a_title_goes_by_its_file_name():
    track = track_of({"manifest": row(uri="/music/a song.mp3", title=None, artist=None, license=None)}, "b00000", "t")
    assert track["title"] == "a song.mp3"
