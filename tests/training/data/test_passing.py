import gc
import multiprocessing
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.data.passing import Slots

KINDS = (torch.float32, torch.float16, torch.int64, torch.bool, torch.uint8)


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    tensors: tuple[torch.Tensor, ...]


def same(first: Thing, second: Thing) -> bool:
    return first.name == second.name and all(
        torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(first.tensors, second.tensors, strict=True)
    )


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.lists(st.integers(0, 7), max_size=3)), max_size=9),
    st.sampled_from([4096, 1 << 20]),
)
def test_what_is_taken_is_what_was_put_whether_it_fits_or_not(shapes, size_bytes):
    thing = Thing("a", tuple(torch.randint(0, 2, shape).to(kind) for kind, shape in shapes))
    slots = Slots(1, size_bytes)
    slot = slots.lend()
    assert same(slots.take(slot, slots.put(slot, thing)), thing)


def test_only_what_has_no_room_is_in_the_rest():
    slots = Slots(1, size_bytes=1 << 16)
    fitting, too_long = torch.rand(1 << 13), torch.rand(1 << 13)  # of half the slot each, and a little is in use
    rest = slots.put(0, Thing("a", (torch.rand(1), fitting)))
    assert len(rest) < 2000
    assert len(slots.put(0, Thing("a", (torch.rand(1), fitting, too_long)))) > too_long.nbytes


def test_tensors_that_are_views_are_passed_as_they_look():
    slots = Slots(1)
    thing = Thing("a", (torch.arange(12).view(3, 4).T, torch.ones(1, 3).expand(5, 3), torch.arange(9)[::2]))
    assert same(slots.take(0, slots.put(0, thing)), thing)


def test_a_slot_is_free_again_once_nothing_taken_out_of_it_lives():
    slots = Slots(1)
    slot = slots.lend()
    thing = slots.take(slot, slots.put(slot, Thing("a", (torch.ones(3), torch.zeros(3)))))
    part = thing.tensors[1][:2]
    assert slots.lend() is None
    del thing
    gc.collect()
    assert slots.lend() is None  # part of it is still in use
    del part
    assert slots.lend() == slot


def test_a_slot_out_of_which_no_tensor_was_taken_is_free_at_once():
    slots = Slots(1)
    slot = slots.lend()
    assert slots.take(slot, slots.put(slot, "nothing but text")) == "nothing but text"
    assert slots.lend() == slot


@pytest.mark.parametrize("size_bytes", [1 << 12, 1 << 20])
def test_a_forked_process_puts_what_this_one_takes(size_bytes):
    slots = Slots(1, size_bytes)
    thing = Thing("a", (torch.rand(100, 10), torch.arange(5)))
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    worker = fork.Process(target=lambda: there.send(slots.put(0, thing)))
    worker.start()
    taken = slots.take(0, here.recv())
    worker.join()
    assert same(taken, thing)
