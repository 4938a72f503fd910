import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.manifest.rows import SourceError
from assets.manifest.sources import list_source
from resources.ffmpeg import local_path


def names(source) -> list[str]:
    return [local_path(row["uri"]).name for row in list_source(str(source))]


def test_a_folder_is_walked_and_what_is_plainly_not_music_is_left_out(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("z.mp3", "a.FLAC", "b/no_extension", "cover.jpg", "notes.txt", "playlist.m3u"):
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == ["a.FLAC", "z.mp3", "no_extension"]


def test_lyrics_beside_a_file_belong_to_it_and_timed_ones_come_first(tmp_path):
    for name in ("a.mp3", "a.txt", "a.lrc", "b.mp3", "b.txt", "c.mp3"):
        (tmp_path / name).write_bytes(b"x")
    lyrics = [row["lyrics_uri"] and local_path(row["lyrics_uri"]).name for row in list_source(str(tmp_path))]
    assert lyrics == ["a.lrc", "b.txt", None]


def test_links_in_circles_are_listed_and_not_walked(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.mp3").symlink_to(tmp_path / "self.mp3")
    (tmp_path / "nowhere.mp3").symlink_to(tmp_path / "gone")
    assert sorted(names(tmp_path)) == ["loop", "nowhere.mp3", "self.mp3"]


@pytest.mark.parametrize("name", ["line one\nline two.wav", "--help -rf.ogg", "100% #1?.mp3", "e\u0301.opus"])
def test_odd_names_come_back_as_they_were(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == [name]


def test_a_name_that_is_not_utf8_comes_back_as_it_was(tmp_path):
    import os

    (tmp_path / os.fsdecode(b"bad_\xff.mp3")).write_bytes(b"x")
    assert names(tmp_path) == [os.fsdecode(b"bad_\xff.mp3")]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_manifest_brings_lyrics_licence_and_tags(tmp_path, kind):
    (tmp_path / "a.mp3").write_bytes(b"abc")
    row = {"uri": "a.mp3", "lyrics": "we run", "license": "CC0-1.0", "title": "Run", "unknown": "x"}
    file = tmp_path / f"songs.{kind}"
    match kind:
        case "csv":
            file.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
        case "jsonl":
            file.write_text(json.dumps(row) + "\n\n")
        case "parquet":
            pq.write_table(pa.Table.from_pylist([row]), file)
    (listed,) = list_source(str(file))
    assert local_path(listed["uri"]) == tmp_path / "a.mp3"
    assert (listed["bytes"], listed["lyrics"], listed["license"], listed["title"]) == (3, "we run", "CC0-1.0", "Run")


def test_a_manifest_may_name_files_that_are_not_there(tmp_path):
    (tmp_path / "songs.csv").write_text("uri\ngone.mp3\n")
    (listed,) = list_source(str(tmp_path / "songs.csv"))
    assert listed["bytes"] is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("songs.csv", "path\na.mp3\n", "row 2: no uri"),
        ("songs.jsonl", '{"uri": "a"}\nnonsense\n', "row 2: not JSON"),
        ("songs.jsonl", "[1]\n", "not a JSON object"),
        ("songs.xlsx", "x", "neither a folder nor"),
        ("songs.csv", "uri\nhttps://example.com/a.mp3\n", "row 2: not a local file"),
    ],
)
def test_a_source_that_cannot_be_read_says_where(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=words):
        list(list_source(str(tmp_path / name)))


def test_a_source_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(SourceError, match="nowhere does not exist"):
        list_source(str(tmp_path / "nowhere"))
