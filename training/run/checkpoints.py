"""All that a run needs to go on as if it had not stopped: weights, their average, the optimiser, and where it was.

A checkpoint is a folder, `step-00001000`, written by all ranks under another name and renamed when all of it is there:
what has that name is whole. Written by torch.distributed.checkpoint, so that a run may go on with other ranks.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load as load_parts
from torch.distributed.checkpoint.state_dict_saver import save as save_parts
from torch.optim import Optimizer

from training.run.ema import Ema
from training.run.ranks import Ranks

PROGRESS = "progress.json"


class CheckpointError(Exception):
    """A checkpoint that cannot be written or read; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What learns, and what it learns with."""

    model: nn.Module
    optimiser: Optimizer
    ema: Ema


def save(folder: Path, step: int, learner: Learner, progress: dict[str, Any], keep: int, ranks: Ranks) -> Path:
    """Saves a checkpoint, and takes away those that are older than the newest `keep`.

    Raises:
        CheckpointError: it could not be written. The ones before are as they were.
    """
    final = folder / step_name(step)
    part = folder / f".{final.name}.part"

    def begin() -> None:
        if ranks.first:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)

    def write() -> None:
        with _alone_or_together():
            save_parts(_state(learner), checkpoint_id=part, no_dist=not ranks.together)

    def end() -> None:
        if ranks.first:
            (part / PROGRESS).write_text(json.dumps(progress), encoding="utf-8")
            flush(part)

    def publish() -> None:
        if ranks.first:
            remove(final)
            part.rename(final)
            flush(folder)
            keep_newest(folder, keep)

    for work in (begin, write, end, publish):
        fault = _fault_of(work)
        if float(ranks.total(torch.tensor(float(fault is not None), device=ranks.device))):
            if ranks.first:
                shutil.rmtree(part, ignore_errors=True)
            before = found(folder)
            left = f"{before[-1]} is whole, and the run goes on from there" if before else "there is none before it"
            raise CheckpointError(f"{final} could not be saved: {_cause(fault)}; {left}") from fault
    return final


def step_name(step: int) -> str:
    return f"step-{step:08d}"


def step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def progress_of(checkpoint: Path) -> dict[str, Any]:
    """What was saved beside the weights. Raises CheckpointError."""
    try:
        progress: dict[str, Any] = json.loads((checkpoint / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(_unreadable(checkpoint, error)) from error
    return progress


def load(checkpoint: Path, learner: Learner, ranks: Ranks) -> None:
    """Brings a checkpoint back.

    Raises:
        CheckpointError: it is not of this model, or some of it is lost.
    """
    state = _state(learner)
    try:
        with _alone_or_together():
            load_parts(state, checkpoint_id=checkpoint, no_dist=not ranks.together)
    except (OSError, CheckpointException, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise CheckpointError(_unreadable(checkpoint, error)) from error
    set_model_state_dict(learner.model, state["model"])
    set_optimizer_state_dict(learner.model, learner.optimiser, state["optimiser"])
    learner.ema.weights = state["ema"]


def keep_newest(folder: Path, keep: int) -> None:
    """Takes away the folders of all steps but the newest ones."""
    for old in found(folder)[:-keep]:
        remove(old)


def drop_newer(folder: Path, step: int) -> None:
    """Takes away the folders of all steps after one."""
    for later in found(folder):
        if step_of(later) > step:
            remove(later)


def remove(folder: Path) -> None:
    """First the name, then what is in it: so that what has a name is whole."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def found(folder: Path) -> list[Path]:
    """The folders of steps, the newest last."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def _state(learner: Learner) -> dict[str, Any]:
    return {
        "model": get_model_state_dict(learner.model),
        "optimiser": get_optimizer_state_dict(learner.model, learner.optimiser),
        "ema": dict(learner.ema.weights),
    }


def _fault_of(work: Callable[[], None]) -> BaseException | None:
    try:
        work()
    except (OSError, CheckpointException, RuntimeError) as error:
        return error
    return None


@contextmanager
def _alone_or_together() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")  # a single process is meant to be one
        yield


def _unreadable(checkpoint: Path, error: BaseException) -> str:
    return f"{checkpoint} cannot be read: {_cause(error)}; take it away, and the run goes on from the one before"


def _cause(error: BaseException | None) -> str:
    """The innermost of what failed: DCP wraps what each rank has met."""
    if error is None:
        return "another rank failed"
    if isinstance(error, CheckpointException) and error.failures:
        inner = next(iter(error.failures.values()))
        return str(inner[0] if isinstance(inner, tuple) else inner)
    return str(error)


def flush(folder: Path) -> None:
    """Has the disk hold what is in a folder, before a rename says that it does."""
    for path in (*folder.glob("*"), folder):
        if path.is_dir() and path != folder:
            continue
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
