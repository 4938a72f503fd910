"""A run ends with whoever started it: a launcher that is killed can stop nothing any more."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from resources.launchers import OWNER, birth_of

EVERY_S = 1.0


@contextmanager
def ended_with_its_owner() -> Iterator[None]:
    """While it is open, this process sends itself SIGINT when its launcher is gone, and so saves and stops.

    A pipe from the launcher would do without looking, but torchrun hands none on to its ranks.
    """
    owner = os.environ.get(OWNER, "")
    if not owner:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(EVERY_S):
            if birth_of(int(owner.split()[0])) != owner:
                os.kill(os.getpid(), signal.SIGINT)
                return

    threading.Thread(target=watch, name="owner", daemon=True).start()
    try:
        yield
    finally:
        over.set()
