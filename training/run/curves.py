"""What a run says of itself while it goes on: rows of numbers, for TensorBoard and for whoever reads JSON lines."""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Protocol

from torch import Tensor

Row = Mapping[str, float]


class Curves(Protocol):
    def add(self, step: int, row: Row) -> None: ...

    def add_sound(self, step: int, name: str, sound: Tensor, rate_hz: int) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class NoCurves:
    """Of the ranks after the first."""

    def add(self, step: int, row: Row) -> None: ...

    def add_sound(self, step: int, name: str, sound: Tensor, rate_hz: int) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class WrittenCurves:
    """TensorBoard's event files, and `curves.jsonl`. What a killed run wrote after its last checkpoint is dropped."""

    def __init__(self, folder: Path, from_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.board = SummaryWriter(str(folder), purge_step=from_step + 1)
        self.file = folder / "curves.jsonl"
        kept = [line for line in self._lines() if json.loads(line)["step"] <= from_step]
        part = self.file.with_suffix(".part")
        part.write_text("".join(kept), encoding="utf-8")
        part.replace(self.file)

    def add(self, step: int, row: Row) -> None:
        row = {name: value for name, value in row.items() if isfinite(value)}  # JSON knows no others
        for name, value in row.items():
            self.board.add_scalar(name, value, step)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **row}) + "\n")

    def add_sound(self, step: int, name: str, sound: Tensor, rate_hz: int) -> None:
        """sound t"""
        self.board.add_audio(name, sound / sound.abs().max().clamp(min=1.0), step, rate_hz)

    def flush(self) -> None:
        self.board.flush()

    def close(self) -> None:
        self.board.close()

    def _lines(self) -> list[str]:
        if not self.file.exists():
            return []
        return [line for line in self.file.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
