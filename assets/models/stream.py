"""What a run says while it goes on, handed on at a pace that event logs and stores bear."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from assets.models.results import CurveRow, curve_rows, write_curves
from resources.stores import Store

OBSERVED_S, WRITTEN_S = 10.0, 30.0  # between two rows that are handed on, and two writings of the table


class CurveStream:
    """Takes a stage's rows as they come: `observe` gets one now and then, and the table in the store follows.

    When it is left, whichever way, the table holds all that the trainer has written down in `folder`.
    """

    def __init__(self, store: Store, run: str, stage: str, folder: Path, observe: Callable[[CurveRow], None]) -> None:
        self.store, self.run, self.stage, self.folder, self.observe = store, run, stage, folder, observe
        self.observed_s = self.written_s = -float("inf")

    def __enter__(self) -> "CurveStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def add(self, row: CurveRow) -> None:
        now_s = time.monotonic()
        if now_s - self.observed_s >= OBSERVED_S:
            self.observe(row)
            self.observed_s = now_s
        if now_s - self.written_s >= WRITTEN_S:
            self._write()
            self.written_s = now_s

    def _write(self) -> None:
        write_curves(self.store, self.run, self.stage, curve_rows(self.folder))
