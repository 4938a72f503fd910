"""A file of JSON lines that another process writes, read as it grows."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


class StepTail:
    """New rows of a file whose rows have a `step` that rises.

    The file may be replaced by one that lacks its last rows, as when a run goes on from a checkpoint: rows of steps
    that were seen before are not given again. What is in it to begin with counts as seen.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.inode, self.at_byte, self.seen = 0, 0, -1
        self.new()

    def new(self) -> list[Mapping[str, float]]:
        """Whole rows that were added since the last call."""
        try:
            with self.file.open("rb") as file:
                status = os.fstat(file.fileno())  # of what is read: the name may be another's by now
                if status.st_ino != self.inode or status.st_size < self.at_byte:
                    self.inode, self.at_byte = status.st_ino, 0
                file.seek(self.at_byte)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self.at_byte += len(whole)
        rows = [row for line in whole.splitlines() if (row := json.loads(line))["step"] > self.seen]
        if rows:
            self.seen = rows[-1]["step"]
        return rows
