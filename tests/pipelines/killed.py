"""Runs the road over a store in one process, and kills it (SIGKILL) at a named point: killed.py PROFILE [POINT]."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assets.profile import read_profile
from assets.stage import Policy
from assets.way import go
from resources.engines import InlineEngine
from resources.ledger import Ledger
from resources.stores import FolderStore, open_store
from resources.tars import TarWriter

BATCH = "b00000"


def kill_at(owner: Any, name: str, is_the_point: Callable[..., bool]) -> None:
    real = getattr(owner, name)

    def deadly(*arguments: Any, **named: Any) -> Any:
        if is_the_point(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)

    setattr(owner, name, deadly)


def nth(count: int) -> Callable[..., bool]:
    calls = iter(range(1, 1 << 30))
    return lambda *_: next(calls) == count


POINTS: dict[str, Callable[[], None]] = {
    "in a stage": lambda: kill_at(FolderStore, "put", lambda _, key, *rest: "vocals" in key),
    "between data and ledger": lambda: kill_at(Ledger, "append", lambda _, stage, *rest: stage == "stems"),
    "between two chunks": lambda: kill_at(Ledger, "append", nth(2)),
    "in the rename": lambda: kill_at(Path, "replace", nth(2)),
    "between ledger and pointer": lambda: kill_at(FolderStore, "point", lambda _, key, *rest: "lyrics" in key),
    "in a shard": lambda: kill_at(TarWriter, "add", nth(2)),
    "between a shard and its index": lambda: kill_at(Ledger, "append", lambda _, stage, *rest: stage == "shards"),
}


def main() -> None:
    profile = read_profile(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        POINTS[sys.argv[2]]()
    ledger = Ledger(open_store(profile.store_root))
    for _ in go(profile, BATCH, ledger, InlineEngine(), policy=Policy(chunk=1)):
        pass


if __name__ == "__main__":
    main()
