"""The ledger of device-hours of a run: a small file for each time it was started; a killed one has left its own."""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from training.run.ranks import Ranks


@dataclass(frozen=True, slots=True)
class Session:
    """From one start of a run to when it was last heard of."""

    started: str  # UTC
    device: str
    devices: int
    from_step: int
    to_step: int
    hours: float  # of all devices


class Hours:
    """Written by the first rank, whenever it is told how far the run is."""

    def __init__(self, folder: Path, from_step: int, ranks: Ranks) -> None:
        self.started = datetime.now(UTC)
        self.from_step, self.ranks = from_step, ranks
        self.folder = folder
        self.file = folder / f"{self.started:%Y%m%dT%H%M%S.%f}.json"
        self.clock_s = time.monotonic()

    def reached(self, step: int) -> None:
        if not self.ranks.first:
            return
        hours = self.ranks.world * (time.monotonic() - self.clock_s) / 3600
        session = Session(
            f"{self.started:%Y-%m-%dT%H:%M:%SZ}", device_name(self.ranks), self.ranks.world, self.from_step, step, hours
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(asdict(session)), encoding="utf-8")
        part.replace(self.file)


def sessions(folder: Path) -> list[Session]:
    """All of a run, in the order of their starts."""
    return [Session(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]


def device_name(ranks: Ranks) -> str:
    return torch.cuda.get_device_name(ranks.device) if ranks.device.startswith("cuda") else "cpu"
