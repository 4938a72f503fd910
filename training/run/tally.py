"""What a stretch of steps came to, as a row of the curves."""

import time
from collections.abc import Mapping

import torch

from training.data.faults import Fault
from training.objective import LEVELS
from training.run.trainer import Step


class Tally:
    """Of the steps since `start_s`, on a clock that only counts."""

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s
        self.steps: list[Step] = []

    def add(self, step: Step) -> None:
        self.steps.append(step)

    def row(
        self, skipped: Mapping[str, int], faults: Mapping[Fault, int], frame_s: float, device: str
    ) -> dict[str, float]:
        """Losses are means over the frames of the steps that were taken, or of all where none was; speeds are of all
        ranks. Counts are since the run began (`skipped`) or was started (`faults`)."""
        taken = [step for step in self.steps if step.trouble is None] or self.steps
        seconds = time.monotonic() - self.start_s
        frames, padded = sum(step.frames for step in self.steps), sum(step.padded for step in self.steps)
        weight = sum(step.frames for step in taken) or 1.0
        sums, counts = torch.stack([step.levels for step in taken]).sum(dim=0)
        levels = {f"loss/noise_{i / LEVELS:.1f}": float(sums[i] / counts[i]) for i in range(LEVELS) if counts[i]}
        row = {
            "loss": sum(step.loss * step.frames for step in taken) / weight,
            **levels,
            "gradient": sum(step.gradient for step in taken) / len(taken),
            "learning_rate": self.steps[-1].learning_rate,
            "speed/audio_s_per_s": frames * frame_s / seconds,
            "speed/steps_per_s": len(self.steps) / seconds,
            "speed/padding": 1 - frames / padded if padded else 0.0,
            **{f"skipped/{name}": float(count) for name, count in skipped.items()},
            **{f"faults/{name}": float(count) for name, count in faults.items()},
        }
        if device.startswith("cuda"):
            row["memory/peak_gib"] = torch.cuda.max_memory_allocated(device) / 2**30
        return row
