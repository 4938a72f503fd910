"""One trainer in a folder: two would take each other's checkpoints away."""

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from resources.outages import outages_of

WAIT_S = 120.0  # for one that is about to end, as when its launcher was killed


class FolderTaken(Exception):
    """Another process trains in the folder; the message says which."""


@contextmanager
def locked(folder: Path, tell: Callable[[str], None], wait_s: float = WAIT_S) -> Iterator[None]:
    """Holds the folder. The kernel lets go of it when this process ends, however it does.

    Raises:
        FolderTaken: another process still holds it after `wait_s`.
        Outage: it cannot be written to.
    """
    with outages_of(f"the run's folder {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        until_s, waits = time.monotonic() + wait_s, False
        while not _taken(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or "another process"
            if time.monotonic() >= until_s:
                raise FolderTaken(f"{holder} trains in {folder}: let it end, or take another folder")
            if not waits:
                tell(f"waits for {holder}, which trains in {folder}")
                waits = True
            time.sleep(0.2)
        file.truncate(0)
        file.write(f"process {os.getpid()} of {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
        file.flush()
        yield


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
