"""Batches for a training run, made by worker processes while the step before is computed.

The same batches come in the same order with any number of workers. A sample that cannot be read is left out of its
batch; what is done about it is for a policy to say (`training/data/faults.py`).
"""

import atexit
import ctypes
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from training.data.faults import OnFault, SampleFault, stop
from training.data.order import Position, Turn
from training.data.passing import Slots

AHEAD = 4  # batches that each worker makes before they are asked for
HELD = 32  # batches that who asked for them may hold on to, before passing them becomes slower
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
KEPT_BYTES, WHOLE_BYTES = 1 << 30, 1 << 25

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

    Workers are forked: what `make` holds in memory they share. A batch consists of tensors and of what can be pickled.

    Raises:
        Whatever `on_fault`, `make` or `collate` raises, but for the SampleFaults of `make`.
    """
    maker = Maker(make, collate)
    read = 0
    for loaded in _by_workers(maker, turns, workers) if workers else map(maker.made, turns):
        read += loaded.samples
        for fault in loaded.faults:
            on_fault(fault, read)
        yield loaded


@dataclass(frozen=True, slots=True)
class Maker(Generic[E, B]):
    make: Callable[[int, int], E]
    collate: Callable[[Sequence[E]], B]

    def made(self, turn: Turn) -> Loaded[B]:
        examples, faults = [], []
        for sample in turn.samples.tolist():
            try:
                examples.append(self.make(turn.epoch, sample))
            except SampleFault as fault:
                faults.append(fault)
        batch = self.collate(examples) if examples else None
        return Loaded(batch, turn.then, len(turn.samples), tuple(faults))


def _by_workers(maker: Maker[E, B], turns: Iterable[Turn], workers: int) -> Iterator[Loaded[B]]:
    passed = _passed(maker, turns, workers)
    atexit.register(passed.close)  # else Python would wait for workers that heed no signal
    try:
        yield from passed
    finally:
        atexit.unregister(passed.close)


def _passed(maker: Maker[E, B], turns: Iterable[Turn], workers: int) -> Generator[Loaded[B], None, None]:
    slots = Slots(AHEAD * workers + HELD)
    loader = DataLoader(
        Passed(maker, slots),
        batch_size=None,  # an item is a batch already
        sampler=((slots.lend(), turn) for turn in turns),  # type: ignore[arg-type]  # any iterable will do
        collate_fn=_as_it_is,
        num_workers=workers,
        prefetch_factor=AHEAD,
        multiprocessing_context="fork",
        worker_init_fn=_settle,
        generator=torch.Generator(),  # without one of its own it would draw from that of the run
    )
    for slot, made in loader:
        yield made if slot is None else slots.take(slot, made)


class Passed(Dataset[tuple[int | None, Any]]):
    """What a worker does with a turn, and a slot if one was free; without, torch passes the batch in its own way."""

    def __init__(self, maker: Maker, slots: Slots) -> None:
        self.maker, self.slots = maker, slots

    def __getitem__(self, asked: tuple[int | None, Turn]) -> tuple[int | None, Any]:
        slot, turn = asked
        made = self.maker.made(turn)
        return slot, made if slot is None else self.slots.put(slot, made)


def _as_it_is(passed: Any) -> Any:
    return passed


def _settle(worker: int) -> None:
    """A worker leaves signals to the trainer, which says when it ends: who stops a run stops all processes at once.

    And it keeps the memory that a batch took for the next one: to give it back and be given it again, page by page,
    takes longer than to make the batch.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    with suppress(AttributeError):  # another C library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, WHOLE_BYTES)
