"""The road as people use it: the command line and Dagster, on a corpus of seconds."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import psutil
import pytest
import webdataset

HOUSE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A store, a Dagster home and a profile of their own, and a command line that uses them."""

    home: Path
    dagster: Path

    def melisma(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {"MELISMA_PROFILE": str(self.home / "profile.toml"), "DAGSTER_HOME": str(self.dagster)}
        return subprocess.Popen(
            [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments],
            cwd=HOUSE,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str):
        done = self.melisma(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory, demo_songs, cut_song: Callable[..., Path]) -> Project:
    """Two songs (one with its words), an instrumental, a copy of the first and an empty file, in batches of three."""
    home = tmp_path_factory.mktemp("project")
    music = home / "music"
    music.mkdir()
    song = demo_songs["backing"]
    cut_song(song, music / "a.flac", 0.0, 14.0)
    lines = [line["text"] for line in song["lines"] if line["end"] < 14.0]
    (music / "a.txt").write_text("\n".join(lines))
    cut_song(demo_songs["acappella"], music / "b.flac", 2.0, 11.0)
    cut_song(demo_songs["instrumental"], music / "c.opus", 5.0, 8.0, "opus")
    shutil.copy(music / "a.flac", music / "d.flac")
    (music / "e.mp3").write_bytes(b"")
    (home / "dagster").mkdir()
    shutil.copy(HOUSE / "dagster.yaml", home / "dagster")
    (home / "profile.toml").write_text(
        f'store = "{home / "store"}"\n[manifest]\nbatch_size = 3\n[windows]\nlengths_s = [5.0, 10.0]\n'
    )
    project = Project(home, home / "dagster")
    sealed = project.json("ingest", str(music), "--seal")
    assert (sealed["new"], sealed["batches_sealed"]) == (5, 2)
    stages = project.json("run")
    assert [row["failed"] for row in stages] == [0] * 7, stages
    return project


def test_every_file_reaches_the_shards_or_has_a_reason(project):
    tracks = project.json("status")
    assert [list(batch.values())[1:] for batch in tracks] == [["done"] * 7] * 2
    assert project.json("show", "a.flac")["shards"]
    assert project.json("show", "e.mp3")["tracks"][0]["reason"] == "empty"
    assert project.json("show", "d.flac")["catalogue"][0]["reason"] == "duplicate"


def test_a_second_run_does_nothing_and_says_so(project):
    done = project.melisma("run")
    assert done.returncode == 0
    assert "nothing was done again" in done.stdout


def test_the_shards_are_read_by_plain_webdataset(project):
    tars = [uri for split in ("train", "valid", "test") for uri in project.json("shards", "--split", split)]
    samples = list(webdataset.WebDataset(tars, shardshuffle=False))
    assert samples
    for sample in samples:
        about = json.loads(sample["json"])
        assert sample["mix.flac"][:4] == sample["vocals.flac"][:4] == b"fLaC"
        assert all(0 <= word["start_s"] for line in about["lyrics"]["lines"] for word in line["words"])


def test_words_can_be_had_as_lrc(project):
    done = project.melisma("lyrics", "a.flac", "--lrc")
    assert done.returncode == 0
    assert "[00:0" in done.stdout


def test_a_batch_has_a_page_to_listen_to_that_is_made_once(project):
    first, second = project.json("listen", "b00000"), project.json("listen", "b00000")
    assert (first["made"], second["made"]) == (True, False)
    folder = Path(first["page"]).parent
    assert len(list((folder / "media").glob("*.m4a"))) == 9
    assert "<title>Melisma</title>" in Path(first["page"]).read_text()
    tables = {batch["batch"]: batch for batch in project.json("status")}
    assert "pages" not in tables["b00000"]  # it is not on the road


def test_why_a_track_is_where_it_is(project):
    assert "never reached stems" in project.json("why", "d.flac", "stems")["why"]
    assert "the same file" in project.json("why", "d.flac", "stems")["why"]
    assert (
        "zero bytes" in project.json("why", "e.mp3", "tracks")["why"]
        or "empty" in project.json("why", "e.mp3", "tracks")["why"]
    )
    assert project.json("why", "a.flac", "lyrics")["why"].startswith("ok (1 attempt")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "nobody"), 2, "no track is called 'nobody'"),
        (("show", "."), 2, "5 tracks have '.'"),
        (("why", "a.flac", "nowhere"), 2, "nowhere is none of"),
        (("ingest", "/no/such/folder"), 1, "does not exist"),
        (("run", "--batch", "b00009"), 2, "no batch b00009"),
        (("listen", "b00009"), 2, "no batch b00009: there are b00000, b00001"),
        (("backfill", "--yes", "--url", "http://127.0.0.1:9"), 0, "nothing to backfill"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(project, arguments, code, words):
    done = project.melisma(*arguments)
    assert done.returncode == code
    assert words in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_another_caption_setting_touches_captions_and_what_reads_them_and_nothing_else(project, monkeypatch):
    changed = project.home / "changed.toml"
    text = (project.home / "profile.toml").read_text()
    changed.write_text(f"{text}[captions]\nheard_s = 90.0\n")
    from assets.profile import read_profile
    from assets.report.standing import standings
    from assets.way import way
    from resources.ledger import Ledger
    from resources.stores import FolderStore

    ledger = Ledger(FolderStore(project.home / "store"))
    (first, _) = standings(["b00000", "b00001"], list(way(read_profile(changed)).values()), ledger)
    assert first.work == ("captions", "shards")


def test_edited_lyrics_are_aligned_anew_and_nothing_else_is_done_again(project):
    music = project.home / "music"
    text = (music / "a.txt").read_text()
    (music / "a.txt").write_text(text.rsplit(" ", 1)[0])
    assert project.json("ingest", str(music))["changed"] == 1
    worked = {row["stage"]: row["worked on"] for row in project.json("run")}
    assert {stage: worked[stage] for stage in ("tracks", "stems", "lyrics")} == {"tracks": 1, "stems": 0, "lyrics": 1}


def test_dagster_is_told_what_is_done_where_its_storage_is_new(project):
    reset = replace(project, dagster=project.home / "reset")
    reset.dagster.mkdir()
    shutil.copy(HOUSE / "dagster.yaml", reset.dagster)
    assert "nothing was done again" in reset.melisma("run").stdout
    with dg.DagsterInstance.from_config(str(reset.dagster)) as dagster:
        assert dagster.get_materialized_partitions(dg.AssetKey("shards")) == {"b00000", "b00001"}


def test_a_run_killed_in_the_middle_leaves_no_process_and_does_not_hold_up_the_next(project, demo_songs, cut_song):
    """Last of all, since it adds a batch."""
    more = project.home / "more"
    more.mkdir()
    cut_song(demo_songs["quiet"], more / "f.flac", 5.0, 8.0)
    assert project.json("ingest", str(more), "--seal")["new"] == 1
    pointer = project.home / "store" / "current" / "catalogue" / "b00002.json"
    process = project.start("run")
    while not pointer.exists() and process.poll() is None:
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    done = project.melisma("run")
    assert done.returncode == 0, done.stderr
    assert all(row["stems"] == row["shards"] == "done" for row in project.json("status"))
