"""Batches for a training run, made by worker processes while the step before is computed.

The same batches come in the same order with any number of workers. A sample that cannot be read is left out of its
batch; what is done about it is for a policy to say (`training/faults.py`).
"""

import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from training.faults import OnFault, SampleFault, stop
from training.order import Position, Turn

AHEAD = 4  # batches that each worker makes before they are asked for

E = TypeVar("E")  # an example
B = TypeVar("B")  # a batch of examples


@dataclass(frozen=True, slots=True)
class Loaded(Generic[B]):
    """A batch, None where all its samples are faulty; and where a run goes on after it."""

    batch: B | None
    then: Position
    samples: int
    faults: tuple[SampleFault, ...]


def load(
    turns: Iterable[Turn],
    make: Callable[[int, int], E],
    collate: Callable[[Sequence[E]], B],
    workers: int,
    on_fault: OnFault = stop,
) -> Iterator[Loaded[B]]:
    """The batches of some turns. `make` gives the example of an epoch and a sample, `collate` a batch of examples.

    Workers are forked, where the machine can: what `make` holds in memory they share.

    Raises:
        Whatever `on_fault`, `make` or `collate` raises, but for the SampleFaults of `make`.
    """
    loader: DataLoader[Loaded[B]] = DataLoader(
        Made(make, collate),
        batch_size=None,  # an item is a batch already
        sampler=turns,
        num_workers=workers,
        collate_fn=_as_it_is,
        prefetch_factor=AHEAD if workers else None,
        worker_init_fn=_leave_signals,
        generator=torch.Generator(),  # without one of its own it would draw from that of the run
    )
    read = 0
    for loaded in loader:
        read += loaded.samples
        for fault in loaded.faults:
            on_fault(fault, read)
        yield loaded


class Made(Dataset[Loaded[B]]):
    """Batches by turn: what a worker does."""

    def __init__(self, make: Callable[[int, int], E], collate: Callable[[Sequence[E]], B]) -> None:
        self.make, self.collate = make, collate

    def __getitem__(self, turn: Turn) -> Loaded[B]:
        examples, faults = [], []
        for sample in turn.samples.tolist():
            try:
                examples.append(self.make(turn.epoch, sample))
            except SampleFault as fault:
                faults.append(fault)
        batch = self.collate(examples) if examples else None
        return Loaded(batch, turn.then, len(turn.samples), tuple(faults))


def _as_it_is(loaded: Loaded[B]) -> Loaded[B]:
    return loaded


def _leave_signals(worker: int) -> None:
    """Who stops a run stops all its processes at once; when the workers end is for the trainer to say."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
