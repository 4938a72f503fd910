"""What tests share: a place for tables, and real songs."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from assets.stage import Recipe, seal
from assets.tables import Row
from resources import ffmpeg
from resources.ledger import Ledger
from resources.stores import FolderStore

# Machines that run tests are shared and slow at times; a slow example is not a wrong one.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")

DEMO = Path(__file__).resolve().parents[1] / "demo"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def ledger(store: FolderStore) -> Ledger:
    return Ledger(store)


@pytest.fixture
def seal_batch() -> Callable[[Ledger, str, str, list[Row]], str]:
    """Makes rows the table of a batch: seal_batch(ledger, table, batch, rows)."""
    return lambda ledger, table, batch, rows: seal(Recipe(table, "1", {}, {}), batch, rows, ledger)


@pytest.fixture(scope="session")
def demo_songs() -> dict[str, dict[str, Any]]:
    """Truth of the demo's eight songs by type, each with `path`, its audio."""
    truths = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((DEMO / "truth").glob("*.json"))]
    return {truth["type"]: {**truth, "path": DEMO / "audio" / truth["file"]} for truth in truths}


@pytest.fixture(scope="session")
def cut_song() -> Callable[..., Path]:
    """Makes a file of a stretch of a demo song: cut_song(song, target, start_s, length_s, codec="flac") -> target."""

    def cut(song: dict[str, Any], target: Path, start_s: float, length_s: float, codec: str = "flac") -> Path:
        blocks = ffmpeg.decode(song["path"], 44_100, 2, start_s=start_s, duration_s=length_s)
        ffmpeg.encode(target, blocks, 44_100, codec)
        return target

    return cut


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], None]]:
    """Puts a disk of its own at a folder, and changes it later: small_disk(folder, "size=64k"), "remount,ro", …

    Needs root; the test is skipped where mounting is not allowed.
    """
    mounted: list[Path] = []

    def mount(folder: Path, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this user may not mount: {done.stderr.strip()}")
        mounted.append(folder)

    yield mount
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", folder], check=True)
