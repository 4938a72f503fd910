"""Tracks, each in a thread of its own, that share a network's batches. Needs torch.

There is no thread for the device: whoever needs an answer, while nobody runs a batch, runs the next one with what waits
by then, its own items or others'. A batch is never waited for to become full.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from threading import Condition
from typing import Any

import torch
from torch import Tensor

from resources.lanes import Network, open_lane

log = logging.getLogger(__name__)
NO_ROOM = ("DefaultCPUAllocator", "CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED")


class _Job:
    """An item on its way to an answer or an error."""

    __slots__ = ("answer", "done", "error", "sent", "shape")

    def __init__(self, sent: Any, shape: torch.Size) -> None:
        self.sent, self.shape = sent, shape
        self.answer: Any = None
        self.error: Exception | None = None
        self.done = False

    def finish(self, answer: Any = None, error: Exception | None = None) -> None:
        self.answer, self.error, self.sent, self.done = answer, error, None, True


class SharedBatches:
    """One network on one device, for any number of threads.

    `network` makes b … out of b …, each item on its own; `batch` is how many items it is given at most. Where that is
    too much for the memory, once, the batch is halved for good and that is logged.
    """

    def __init__(self, network: Network, device: torch.device, batch: int) -> None:
        self._network = network
        self._lane = open_lane(device)
        self._batch = batch
        self._halved = False
        self._ahead = batch * self._lane.depth
        self._changed = Condition()
        self._waiting: deque[_Job] = deque()
        self._busy = False

    def map(self, items: Iterable[Tensor]) -> Iterator[Tensor]:
        """The network's answer to each item of a track, in order; of items of one shape as many as can share a batch.

        It asks for a bounded number of items ahead of the answer it gives.

        Raises:
            MemoryError: there is no room for half a batch, or for one item.
            Exception: what the network raised over a batch that held an item of this track.
        """
        asked: deque[_Job] = deque()
        try:
            for item in items:
                asked.append(self._ask(item))
                if len(asked) >= self._ahead:
                    yield self._answer(asked.popleft())
            while asked:
                yield self._answer(asked.popleft())
        finally:
            with self._changed:
                for job in asked:
                    if job in self._waiting:
                        self._waiting.remove(job)

    def _ask(self, item: Tensor) -> _Job:
        job = _Job(self._lane.send(item), item.shape)
        with self._changed:
            self._waiting.append(job)
            if self._busy or len(self._waiting) < self._batch or not self._lane.has_room():
                return job
            self._busy = True
        self._run()  # so that the device has work while this thread is busy with the answers it has
        return job

    def _answer(self, job: _Job) -> Tensor:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: job.done or not self._busy)
                if job.done:
                    break
                self._busy = True
            self._run()
        if job.error is not None:
            raise job.error
        return self._lane.receive(job.answer)

    def _run(self) -> None:
        """One batch of what waits. Only for the thread that has made this busy."""
        jobs: list[_Job] = []
        try:
            self._lane.make_room()
            with self._changed:
                jobs = self._take()
            if jobs:
                answers = self._lane.run(self._network, [job.sent for job in jobs])
                for job, answer in zip(jobs, answers, strict=True):
                    job.finish(answer)
        except Exception as error:  # noqa: BLE001 -- it belongs to the tracks in the batch, this thread's or others'
            self._fail(jobs, error)
        finally:
            with self._changed:
                # What is not finished now is to be run again: this thread was interrupted, or there was no room.
                self._waiting.extendleft(job for job in reversed(jobs) if not job.done)
                self._busy = False
                self._changed.notify_all()

    def _take(self) -> list[_Job]:
        """The first that waits, and those after it that can share its batch."""
        taken: list[_Job] = []
        left: deque[_Job] = deque()
        for job in self._waiting:
            fits = len(taken) < self._batch and (not taken or job.shape == taken[0].shape)
            (taken if fits else left).append(job)
        self._waiting = left
        return taken

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        if not is_out_of_memory(error):
            for job in jobs:
                job.finish(error=error)
            return
        if len(jobs) > 1 and not self._halved:
            self._batch, self._halved = len(jobs) // 2, True
            log.warning("no memory for a batch of %d: from now on batches of %d", len(jobs), self._batch)
            return
        # Without the error itself: through its traceback it holds the very tensors that there is no room for.
        cause = str(error).partition("\n")[0] or type(error).__name__
        for job in jobs:
            job.finish(error=MemoryError(f"no memory for a batch of {len(jobs)}, set a smaller `batch`: {cause}"))


def is_out_of_memory(error: Exception) -> bool:
    """Not every allocator has an exception of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(sign in str(error) for sign in NO_ROOM)
