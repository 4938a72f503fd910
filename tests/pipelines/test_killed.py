"""Killed at any moment, the next run goes on from there, and ends in the bytes of a run that nobody disturbed."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from resources.ledger import Ledger
from resources.stores import FolderStore

HOUSE = Path(__file__).resolve().parents[2]
KILLED = Path(__file__).with_name("killed.py")
POINTS = (
    "between two chunks",
    "in a stage",
    "between data and ledger",
    "in the rename",
    "between ledger and pointer",
    "in a shard",
    "between a shard and its index",
)


@pytest.fixture(scope="module")
def music(tmp_path_factory, demo_songs, cut_song) -> Path:
    folder = tmp_path_factory.mktemp("music")
    cut_song(demo_songs["backing"], folder / "a.flac", 6.0, 9.0)
    cut_song(demo_songs["acappella"], folder / "b.flac", 4.0, 8.0)
    cut_song(demo_songs["instrumental"], folder / "c.opus", 5.0, 7.0, "opus")
    (folder / "d.mp3").write_bytes(b"")
    return folder


def new_store(folder: Path, music: Path) -> Path:
    """A profile whose store holds the music's manifest."""
    profile = folder / "profile.toml"
    profile.write_text(f'store = "{folder / "store"}"\n[windows]\nlengths_s = [5.0]\n[shards]\nmax_samples = 2\n')
    ledger = Ledger(FolderStore(folder / "store"))
    seal_batches(list_source(str(music)), ledger, batch_size=4, seal_short=True)
    return profile


def run(profile: Path, point: str | None = None) -> int:
    command = [sys.executable, str(KILLED), str(profile), *([point] if point else [])]
    return subprocess.run(command, cwd=HOUSE, env=os.environ | {"PYTHONPATH": str(HOUSE)}, check=False).returncode


def contents(profile: Path) -> dict[str, str]:
    """Every object of the store by its key; seconds and attempts, which no two runs share, are left out."""
    root = profile.parent / "store"
    files = [path for path in root.rglob("*") if path.is_file()]
    named = {path.relative_to(root).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if not name.startswith("efforts/")
    }


def test_a_road_killed_at_every_point_ends_in_the_bytes_of_an_undisturbed_one(tmp_path_factory, music):
    disturbed = new_store(tmp_path_factory.mktemp("disturbed"), music)
    for point in POINTS:
        assert run(disturbed, point) == -signal.SIGKILL, f"nothing was killed {point}"
    assert run(disturbed) == 0
    undisturbed = new_store(tmp_path_factory.mktemp("undisturbed"), music)
    assert run(undisturbed) == 0
    assert contents(disturbed) == contents(undisturbed)
    assert any(name.endswith(".tar") for name in contents(disturbed))
