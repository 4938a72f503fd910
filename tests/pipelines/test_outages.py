"""A full disk under the store or under Dagster's records, as the command line tells it: needs root, to mount one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path) -> Path:
    """A folder with music, a store and a home of Dagster; the last two can be mounted on."""
    for name in ("music", "store", "dagster"):
        (tmp_path / name).mkdir()
    (tmp_path / "music" / "empty.mp3").touch()
    (tmp_path / "profile.toml").write_text(f'store = "{tmp_path / "store"}"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("place", "size", "words"),
    [("store", "4k", "store is on a full disk: make room"), ("dagster", "64k", "database or disk is full")],
)
def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(home, small_disk, place, size, words):
    small_disk(home / place, f"size={size}")
    shutil.copy(HOUSE / "dagster.yaml", home / "dagster")
    done = ingest(home)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list((home / "store").glob("current/*/*"))
    small_disk(home / place, "remount,size=64m")
    assert "1 files listed: 1 new" in ingest(home).stdout


def ingest(home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"MELISMA_PROFILE": str(home / "profile.toml"), "DAGSTER_HOME": str(home / "dagster")}
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "ingest", str(home / "music"), "--seal"]
    return subprocess.run(command, cwd=HOUSE, env=os.environ | environment, capture_output=True, text=True, check=False)
