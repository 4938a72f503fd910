import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.manifest.rows import SourceError
from assets.manifest.sources import list_source
from assets.tables import table_of
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


def test_a_manifest_may_hold_tracks_out_for_good(tmp_path):
    (tmp_path / "m.csv").write_text("uri,split\na.mp3,valid\nb.mp3,\n")
    assert [row.get("split") for row in list_source(str(tmp_path / "m.csv"))] == ["valid", None]


def test_a_split_that_there_is_not_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("uri,split\na.mp3,dev\n")
    with pytest.raises(SourceError, match=r"row 2: split dev is none of train, valid, test"):
        list(list_source(str(tmp_path / "m.csv")))


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
        ("songs.csv", "uri\nfile://[x/a.mp3\n", "row 2: Invalid IPv6"),
        ("songs.csv", "uri\nfile://elsewhere/a.mp3\n", "row 2: not a file of this machine"),
        ("songs.csv", "uri\n~nobody-at-all/a.mp3\n", "row 2: Could not determine home"),
        ("songs.csv", "uri,lyrics_uri\na.mp3,file:///etc/passwd\n", "neither a .lrc nor a .txt"),
        ("songs.csv", "uri,lyrics_uri\na.mp3,http://example.com/a.txt\n", "row 2: not a local file"),
        ("songs.csv", "uri\n\udcff.mp3\n", "not a UTF-8 .csv"),
        ("songs.jsonl", '{"uri": ["a"]}\n', "row 1: ['a'] is not text"),
        ("songs.jsonl", '{"uri": "a", "title": {"b": 1}}\n', "is not text"),
        ("songs.jsonl", "[" * 100_000 + "\n", "row 1: not JSON"),
        ("songs.jsonl", '{"uri": ' + "9" * 5000 + "}\n", "row 1: not JSON"),
        ("songs.parquet", "", "not a .parquet"),
        ("songs.parquet", "PAR1 and no more", "not a .parquet"),
    ],
)
def test_a_source_that_cannot_be_read_says_where(tmp_path, name, text, words):
    (tmp_path / name).write_text(text, errors="surrogateescape")
    with pytest.raises(SourceError, match=re.escape(words)):
        list(list_source(str(tmp_path / name)))


def test_a_source_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(SourceError, match="nowhere does not exist"):
        list_source(str(tmp_path / "nowhere"))


def test_a_source_that_is_a_link_to_itself_is_named(tmp_path):
    (tmp_path / "me").symlink_to(tmp_path / "me")
    with pytest.raises(SourceError, match="me is a link that leads nowhere"):
        list_source(str(tmp_path / "me"))


def test_a_folder_that_cannot_be_read_is_listed_as_one_thing_and_the_rest_as_ever(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"x")
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "b.mp3").write_bytes(b"x")
    (tmp_path / "locked").chmod(0)
    # Root without its capabilities is stopped by modes, as everybody else.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    code = "import sys; from assets.manifest.sources import list_source as l; print([r['uri'] for r in l(sys.argv[1])])"
    command = [*powerless, sys.executable, "-c", code]
    house = Path(__file__).resolve().parents[3]

    def listed(folder: Path) -> str:
        done = subprocess.run([*command, folder], cwd=house, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert listed(tmp_path).strip() == str([(tmp_path / name).as_uri() for name in ("a.mp3", "locked")])
    assert "locked cannot be listed: Permission denied" in listed(tmp_path / "locked")


def test_lyrics_behind_a_link_out_of_the_folder_are_not_taken(tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    (tmp_path / "private.txt").write_text("secret")
    (music / "words.txt").write_text("la la")
    for name, target in (("a", tmp_path / "private.txt"), ("b", music / "words.txt"), ("c", music / "c.txt")):
        (music / f"{name}.mp3").write_bytes(b"x")
        (music / f"{name}.txt").symlink_to(target)
    lyrics = [row["lyrics_uri"] and local_path(row["lyrics_uri"]).name for row in list_source(str(music))]
    assert lyrics == [None, "b.txt", None]


def test_a_manifests_names_count_from_its_own_folder(tmp_path):
    (tmp_path / "songs.csv").write_text("uri,lyrics_uri\nx/concat:a|b.mp3,x/-rf.txt\n")
    (row,) = list_source(str(tmp_path / "songs.csv"))
    assert [local_path(row[name]) for name in ("uri", "lyrics_uri")] == [
        tmp_path / "x" / "concat:a|b.mp3",
        tmp_path / "x" / "-rf.txt",
    ]


def test_a_manifest_with_a_mark_formulas_repeats_and_odd_cells_is_read(tmp_path):
    (tmp_path / "a.csv").write_bytes('\ufeffuri,title,genre\na.mp3,"=cmd|\'/C calc\'!A0","<b>\n"\na.mp3,x\n'.encode())
    rows = list(list_source(str(tmp_path / "a.csv")))
    assert [row.get("title") for row in rows] == ["=cmd|'/C calc'!A0", "x"]
    (tmp_path / "b.jsonl").write_text(
        '\ufeff{"uri": "a\\u0000b.mp3", "title": "\\ud800 x", "artist": 7, "genre": null}\n'
    )
    (row,) = list_source(str(tmp_path / "b.jsonl"))
    table_of("manifest", [row])
    assert (row["bytes"], row["title"], row["artist"]) == (None, "? x", "7")
    odd = pa.table({"uri": [b"a.mp3", b"b.mp3"], "title": [float("nan"), 1.5], "genre": [None, None]})
    pq.write_table(odd, tmp_path / "c.parquet")
    rows = list(list_source(str(tmp_path / "c.parquet")))
    assert [(local_path(row["uri"]).name, row.get("title")) for row in rows] == [("a.mp3", None), ("b.mp3", "1.5")]


def test_a_manifest_of_a_hundred_thousand_rows_is_read_as_it_comes(tmp_path):
    (tmp_path / "many.jsonl").write_text("".join(f'{{"uri": "{n}.mp3"}}\n' for n in range(100_000)))
    rows = list_source(str(tmp_path / "many.jsonl"))
    assert local_path(next(rows)["uri"]).name == "0.mp3"
    assert sum(1 for _ in rows) == 99_999


cells = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.integers(), max_size=2)
)


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.dictionaries(st.sampled_from(["uri", "lyrics", "lyrics_uri", "title", "license", "x"]), cells))
def test_any_row_of_a_manifest_is_listed_or_says_what_is_wrong(tmp_path, row):
    (tmp_path / "any.jsonl").write_text(json.dumps(row) + "\n")
    try:
        (listed,) = list_source(str(tmp_path / "any.jsonl"))
    except SourceError as error:
        assert "any.jsonl" in str(error)
    else:
        table_of("manifest", [listed])
        assert local_path(listed["uri"]).is_absolute()


@settings(max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b".."))
)
def test_a_file_of_any_name_comes_back_as_it_was(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("any") / os.fsdecode(name)
    path.write_bytes(b"x")
    for row in list_source(str(path.parent)):
        assert local_path(row["uri"]) == path
