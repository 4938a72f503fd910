"""What a run leaves behind, seen from outside: processes, and files where there should be none."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def watched_scratch(folder: Path) -> Iterator[Path]:
    """Temporary files of this process and its children go into an empty folder, to be looked at."""
    folder.mkdir()
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop("TMPDIR")
        if before[0] is not None:
            os.environ["TMPDIR"] = before[0]
        tempfile.tempdir = before[1]


def left_behind(*folders: Path) -> list[str]:
    """What lies in the folders, and the processes below this one, zombies too."""
    files = [str(path) for folder in folders if folder.is_dir() for path in folder.iterdir()]
    processes = psutil.Process().children(recursive=True)
    return files + [f"{p.pid} {p.name()} ({p.status()})" for p in processes if not _is_pythons_own(p)]


def _is_pythons_own(process: psutil.Process) -> bool:
    """The one process that multiprocessing keeps for as long as this one lives."""
    return any("resource_tracker" in word for word in process.cmdline())
