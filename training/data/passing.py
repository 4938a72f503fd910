"""How batches get from a worker to who asked for them: through memory that both hold and that is used again.

What torch itself does, fresh shared memory for each tensor, costs more than to make the batch: the kernel has to find
and clear every page of it.
"""

import io
import mmap
import pickle
import weakref
from math import prod
from typing import Any

import torch
from torch import Tensor

SLOT_BYTES = 1 << 27  # of addresses; memory is taken as far as batches reach
ALIGNED = 64

Place = tuple[int, torch.dtype, tuple[int, ...]]  # of a tensor: from which byte, and what it is


class Slots:
    """Room for some batches, which processes share that were forked since. Each slot has one user at a time."""

    def __init__(self, count: int, size_bytes: int = SLOT_BYTES) -> None:
        self.rooms = [mmap.mmap(-1, size_bytes) for _ in range(count)]
        self.free = list(range(count))

    def lend(self) -> int | None:
        """The slot that became free last, if one is; it is lent until the last tensor dies that was taken out of it."""
        return self.free.pop() if self.free else None

    def put(self, slot: int, thing: Any) -> bytes:
        """Copies the tensors of a picklable thing into a slot; gives the rest, and those that found no room."""
        rest = io.BytesIO()
        _Packer(rest, memoryview(self.rooms[slot])).dump(thing)
        return rest.getvalue()

    def take(self, slot: int, rest: bytes) -> Any:
        """The thing that was put there. Its tensors lie in the slot."""
        room = memoryview(self.rooms[slot])  # each tensor holds on to it
        weakref.finalize(room, self.free.append, slot).atexit = False
        return _Unpacker(io.BytesIO(rest), room).load()


class _Packer(pickle.Pickler):
    def __init__(self, rest: io.BytesIO, room: memoryview) -> None:
        super().__init__(rest, protocol=pickle.HIGHEST_PROTOCOL)
        self.room, self.filled = room, 0

    def persistent_id(self, thing: Any) -> Place | None:
        if not isinstance(thing, Tensor) or not thing.numel() or self.filled + thing.nbytes > len(self.room):
            return None
        place = (self.filled, thing.dtype, tuple(thing.shape))
        _tensor_at(self.room, place).copy_(thing)
        self.filled += thing.nbytes + -thing.nbytes % ALIGNED
        return place


class _Unpacker(pickle.Unpickler):
    def __init__(self, rest: io.BytesIO, room: memoryview) -> None:
        super().__init__(rest)
        self.room = room

    def persistent_load(self, place: Place) -> Tensor:
        return _tensor_at(self.room, place)


def _tensor_at(room: memoryview, place: Place) -> Tensor:
    start, dtype, shape = place
    return torch.frombuffer(room, dtype=dtype, count=prod(shape), offset=start).view(shape)
