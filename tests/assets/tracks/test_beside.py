"""Bad files beside good ones, and a disk that fills up on the way: through the real stage, in worker processes."""

import os
import tempfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.stage import Policy, run_stage
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import tracks_stage
from resources.engines import LocalEngine
from resources.ledger import Ledger
from resources.outages import Outage
from resources.stores import FolderStore

STAGE = tracks_stage(TrackSettings(), 1)
BATCH = "b00000"


@pytest.fixture(scope="module")
def songs(tmp_path_factory, demo_songs, cut_song) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for number, song in enumerate(("pop", "quiet", "mono")):
        cut_song(demo_songs[song], folder / f"{number}.flac", 5.0, 6.0)
    return folder


def tracks_of(store: Path, *sources: Path) -> Ledger:
    ledger = Ledger(FolderStore(store))
    if not ledger.pointer("manifest", BATCH):
        files = [row for source in sources for row in list_source(str(source))]
        seal_batches(files, ledger, batch_size=len(files), seal_short=True)
    run_stage(STAGE, BATCH, ledger, LocalEngine(2), Policy(chunk=1))
    return ledger


def spoil(folder: Path, song: Path) -> dict[str, str]:
    """Writes bad files of every kind, and tells what they must be rejected for."""
    sound = song.read_bytes()
    noise = np.random.default_rng(0).bytes(50_000)
    written = {
        b"zero.mp3": (b"", "empty"),
        b"notes.mp3": (b"this is only a text file\n" * 400, "not_audio"),
        b"noise\xff\xfe.mp3": (noise, "not_audio"),
        b"--help -rf.flac": (b"\x89PNG\r\n\x1a\n" + noise, "not_audio"),
        b"line one\nline two.flac": (sound[: len(sound) // 3], "truncated"),
        b"n" * 250 + b".flac": (sound[:2000], "truncated"),
    }
    reasons = {}
    for name, (data, reason) in written.items():
        (folder / os.fsdecode(name)).write_bytes(data)
        reasons[(folder / os.fsdecode(name)).as_uri()] = reason
    (folder / "up").symlink_to("..")
    (folder / "self.mp3").symlink_to("self.mp3")
    (folder / "folder.mp3").mkdir()
    return reasons | {(folder / "up").as_uri(): "not_audio", (folder / "self.mp3").as_uri(): "missing"}


def test_bad_files_cost_good_ones_nothing_and_leave_nothing(songs, tmp_path, monkeypatch):
    for name in ("bad", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = set(psutil.Process().children())  # a browser of other tests may be among them
    reasons = spoil(tmp_path / "bad", songs / "0.flac")
    alone = tracks_of(tmp_path / "alone", songs).read("tracks", BATCH).to_pylist()
    ledger = tracks_of(tmp_path / "together", tmp_path / "bad", songs)
    uris = {row["track_id"]: row["uri"] for row in ledger.read("manifest", BATCH).to_pylist()}
    rows = ledger.read("tracks", BATCH).to_pylist()
    assert {uris[row["track_id"]]: row["reason"] for row in rows if row["status"] == "rejected"} == reasons
    assert [row for row in rows if row["status"] == "ok"] == alone
    assert len(rows) == len(alone) + len(reasons)
    assert list((tmp_path / "tmp").iterdir()) == list((tmp_path / "together" / ".parts").iterdir()) == []
    left = set(psutil.Process().children()) - before
    assert [process for process in left if "resource_tracker" not in " ".join(process.cmdline())] == []


def test_a_disk_that_fills_up_stops_the_run_and_the_next_one_ends_in_the_same_bytes(songs, small_disk, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    small_disk(small, "size=20k")
    with pytest.raises(Outage, match="full disk"):
        tracks_of(small, songs)
    small_disk(small, "remount,size=4m")
    assert Ledger(FolderStore(small)).pointer("tracks", BATCH) is None
    tracks_of(small, songs)
    assert contents(small) == contents(tracks_of(tmp_path / "roomy", songs).store.root)


def contents(root: Path) -> dict[str, bytes]:
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("efforts/")}
