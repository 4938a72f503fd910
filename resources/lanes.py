"""How tensors get to where a network computes, and its answers back. Needs torch.

On the host there is nothing to carry. With CUDA, copies run on streams of their own, to and from pinned memory, so that
the next batch travels while the last one is computed.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

Network = Callable[[Tensor], Tensor]


class Lane(Protocol):
    """One thread at a time calls `run`; any may send and receive."""

    @property
    def depth(self) -> int:
        """How many batches are worth having ready: one where everything waits for the device, two where it runs on."""

    def send(self, item: Tensor) -> Any:
        """Starts an item, without its batch dimension, on its way."""

    def has_room(self) -> bool:
        """Whether a batch could be handed over now without anyone waiting for the device."""

    def make_room(self) -> None:
        """Waits until no more than one batch is before the next."""

    def run(self, network: Network, sent: Sequence[Any]) -> list[Any]:
        """One answer on its way for each item that was sent."""

    def receive(self, answer: Any) -> Tensor:
        """The answer, here."""


def open_lane(device: torch.device) -> Lane:
    return CudaLane(device) if device.type == "cuda" else HostLane()


class HostLane:
    depth = 1

    def send(self, item: Tensor) -> Tensor:
        return item

    def has_room(self) -> bool:
        return False  # the host computes while one waits

    def make_room(self) -> None:
        pass

    def run(self, network: Network, sent: Sequence[Tensor]) -> list[Tensor]:
        with torch.inference_mode():
            batch = sent[0][None] if len(sent) == 1 else torch.stack(list(sent))
            return list(network(batch).unbind())

    def receive(self, answer: Tensor) -> Tensor:
        return answer


class CudaLane:
    depth = 2

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._up, self._down = torch.cuda.Stream(device), torch.cuda.Stream(device)
        self._running: deque[torch.cuda.Event] = deque()  # one for each batch that may not be computed yet

    def send(self, item: Tensor) -> tuple[Tensor, torch.cuda.Event]:
        with torch.cuda.stream(self._up):
            there = item.pin_memory().to(self._device, non_blocking=True)
            return there, self._up.record_event()

    def has_room(self) -> bool:
        while self._running and self._running[0].query():
            self._running.popleft()
        return len(self._running) < self.depth

    def make_room(self) -> None:
        while len(self._running) >= self.depth:
            self._running.popleft().synchronize()

    def run(
        self, network: Network, sent: Sequence[tuple[Tensor, torch.cuda.Event]]
    ) -> list[tuple[Tensor, torch.cuda.Event]]:
        with torch.cuda.device(self._device), torch.inference_mode():
            computing = torch.cuda.current_stream(self._device)
            for item, arrived in sent:
                computing.wait_event(arrived)
                item.record_stream(computing)  # or its memory could be given to the next item while this one is read
            answers = network(torch.stack([item for item, _ in sent]))
            self._running.append(computing.record_event(torch.cuda.Event(blocking=True)))
            self._down.wait_stream(computing)
            with torch.cuda.stream(self._down):
                here = torch.empty(answers.shape, dtype=answers.dtype, pin_memory=True)
                here.copy_(answers, non_blocking=True)
                answers.record_stream(self._down)
                back = self._down.record_event(torch.cuda.Event(blocking=True))  # one sleeps until it is there
            return [(answer, back) for answer in here.unbind()]

    def receive(self, answer: tuple[Tensor, torch.cuda.Event]) -> Tensor:
        here, back = answer
        back.synchronize()
        return here
