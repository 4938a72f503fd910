"""The processes that train one model together: one a device, started by torchrun; or this one alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among the others."""

    rank: int = 0
    world: int = 1
    device: str = "cpu"

    @property
    def first(self) -> bool:
        """Whether it is the one that writes what is written once."""
        return self.rank == 0

    @property
    def together(self) -> bool:
        return self.world > 1

    def total(self, values: Tensor) -> Tensor:
        """The sum over all ranks, the same on each."""
        if self.together:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Until all ranks are here."""
        if self.together:
            dist.barrier()

    def first_says(self, value: int) -> int:
        """What the first rank passes, on all."""
        said = torch.tensor(value, device=self.device)
        if self.together:
            dist.broadcast(said, src=0)
        return int(said)


@contextmanager
def joined() -> Iterator[Ranks]:
    """The ranks that torchrun has started, each with a device of its own; without torchrun, this process."""
    cuda = torch.cuda.is_available()
    if "RANK" not in os.environ:
        yield Ranks(device="cuda" if cuda else "cpu")
        return
    rank, world, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    device = f"cuda:{local}" if cuda else "cpu"
    if cuda:
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    yield Ranks(rank, world, device)
    dist.destroy_process_group()  # not after an error: it would wait for ranks that wait for this one
