"""Batches that several tracks share."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import torch
from torch import Tensor

from resources.batching import SharedBatches, is_out_of_memory

CPU = torch.device("cpu")


class Doubling:
    """A network that keeps the sizes of its batches, and has no memory for more than `room` items."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.sizes: list[int] = []

    def __call__(self, batch: Tensor) -> Tensor:
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nmore of it")
        return batch * 2


def items(*values: float, size: int = 3) -> Iterator[Tensor]:
    return (torch.full((size,), float(value)) for value in values)


def values(answers: Iterator[Tensor]) -> list[float]:
    return [float(answer[0]) for answer in answers]


def test_a_track_gets_its_answers_in_order():
    assert values(SharedBatches(Doubling(), CPU, 4).map(items(*range(11)))) == [2.0 * i for i in range(11)]


def test_a_track_alone_fills_its_batches():
    network = Doubling()
    values(SharedBatches(network, CPU, 4).map(items(*range(8))))
    assert network.sizes == [4, 4]


def test_tracks_in_threads_share_batches_and_each_gets_its_own():
    network = Doubling()
    batches = SharedBatches(network, CPU, 4)
    together = Barrier(4)

    def track(number: int) -> list[float]:
        def sounds() -> Iterator[Tensor]:
            for i in range(20):
                if i == 0:
                    together.wait()
                yield torch.full((3,), float(100 * number + i))

        return values(batches.map(sounds()))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(track, range(4))) == [[2.0 * (100 * n + i) for i in range(20)] for n in range(4)]
    assert sum(network.sizes) == 80
    assert max(network.sizes) == 4


def test_a_batch_is_of_one_shape():
    network = Doubling()
    batches = SharedBatches(network, CPU, 4)
    mixed = [*items(1, 2), *items(3, size=2), *items(4)]
    answers = list(batches.map(iter(mixed)))
    assert [tuple(answer.shape) for answer in answers] == [(3,), (3,), (2,), (3,)]
    assert values(iter(answers)) == [2, 4, 6, 8]
    assert network.sizes == [3, 1]


def test_with_batches_of_one_nothing_is_asked_for_ahead():
    asked = []

    def sounds() -> Iterator[Tensor]:
        for i in range(3):
            asked.append(i)
            yield torch.zeros(2)

    for number, _ in enumerate(SharedBatches(Doubling(), CPU, 1).map(sounds())):
        assert asked == list(range(number + 1))


def test_an_error_goes_to_the_tracks_of_the_batch_and_to_no_other():
    def fragile(batch: Tensor) -> Tensor:
        if (batch < 0).any():
            raise ValueError("negative")
        return batch

    batches = SharedBatches(fragile, CPU, 2)
    good, bad = batches.map(items(1, 2, 3, 4)), batches.map(items(-1, -2))
    assert next(good)[0] == 1
    with pytest.raises(ValueError, match="negative"):
        next(bad)
    assert values(good) == [2, 3, 4]


def test_what_a_track_has_asked_for_is_forgotten_when_it_ends_early():
    network = Doubling()
    batches = SharedBatches(network, CPU, 2)
    ended = batches.map(items(1, 2, 3, 4, 5))
    next(ended)
    ended.close()
    before = sum(network.sizes)
    assert values(batches.map(items(7))) == [14]
    assert sum(network.sizes) == before + 1


def test_a_batch_too_large_for_the_memory_is_halved_once_for_good_and_that_is_said(caplog):
    network = Doubling(room=5)
    with caplog.at_level(logging.WARNING, "resources.batching"):
        batches = SharedBatches(network, CPU, 8)
        assert values(batches.map(items(*range(20)))) == [2.0 * i for i in range(20)]
    assert network.sizes[0] == 8
    assert max(network.sizes[1:]) == 4
    assert [record.message for record in caplog.records] == ["no memory for a batch of 8: from now on batches of 4"]


def test_a_batch_halved_and_still_too_large_is_a_memory_error_that_names_it():
    batches = SharedBatches(Doubling(room=1), CPU, 4)
    with pytest.raises(MemoryError, match=r"batch of 2, set a smaller `batch`: CUDA out of memory\. Tried .* MiB\.$"):
        values(batches.map(items(*range(8))))


def test_one_item_that_finds_no_memory_is_a_memory_error():
    with pytest.raises(MemoryError, match="batch of 1"):
        values(SharedBatches(Doubling(room=0), CPU, 1).map(items(1)))


def test_a_track_after_one_that_found_no_memory_is_done():
    network = Doubling(room=0)
    batches = SharedBatches(network, CPU, 1)
    with pytest.raises(MemoryError):
        values(batches.map(items(1)))
    network.room = 1
    assert values(batches.map(items(2))) == [4]


def test_an_interrupt_in_one_thread_leaves_the_work_to_the_others():
    running, others_wait = Event(), Event()

    def interrupted_once(batch: Tensor) -> Tensor:
        if not running.is_set():
            running.set()
            others_wait.wait(10)
            raise KeyboardInterrupt
        return batch

    batches = SharedBatches(interrupted_once, CPU, 1)

    def other() -> list[float]:
        running.wait(10)
        answers = batches.map(items(1, 2))
        others_wait.set()
        return values(answers)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(lambda: values(batches.map(items(9)))), pool.submit(other)
        with pytest.raises(KeyboardInterrupt):
            first.result(10)
        assert second.result(10) == [1, 2]


def test_the_host_running_out_of_memory_is_recognised():
    with pytest.raises(RuntimeError) as failed:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(failed.value)
    assert not is_out_of_memory(RuntimeError("shapes differ"))
