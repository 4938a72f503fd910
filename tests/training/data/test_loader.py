import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import get_worker_info

from resources.outages import Outage
from training.data.corpus import Corpus, open_corpus
from training.data.faults import Fault, SampleFault, Skipping, TooManyFaults
from training.data.loader import AHEAD, HELD, load
from training.data.order import Order, Position
from training.request import Track


@pytest.fixture
def corpus(latents) -> Corpus:
    return open_corpus(*latents)


def read_one(corpus: Corpus, epoch: int, index: int) -> tuple[int, str, torch.Tensor]:
    """An example that, like those of a run, is drawn by epoch and sample."""
    sample = corpus.read(index, [Track.MIX, Track.VOCALS])
    noise = np.random.default_rng((0, epoch, index)).standard_normal(sample.latents[Track.MIX].shape)
    return epoch, sample.name, sample.latents[Track.MIX] + torch.from_numpy(noise).float()


def side_by_side(examples):
    epochs, names, latents = zip(*examples, strict=True)
    return epochs, names, torch.nn.utils.rnn.pad_sequence(list(latents), batch_first=True)


def number(epoch: int, index: int) -> int:
    return index


def faulty_in(broken: set[int], epoch: int, index: int) -> int:
    if index in broken:
        raise SampleFault(Fault.TRUNCATED, f"shard-{index}.tar", "ends too early")
    return index


def order_of(corpus: Corpus) -> Order:
    return Order(corpus.frames, 2 * int(corpus.frames.max()), seed=5)


def numbers(count: int) -> Order:
    """As many samples of one length, two a batch."""
    return Order(np.full(count, 10), 20, seed=0)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_very_same_batches(corpus, workers):
    turns = order_of(corpus).turns
    make = partial(read_one, corpus)
    alone = islice(load(turns(Position()), make, side_by_side, workers=0), 9)
    shared = islice(load(turns(Position()), make, side_by_side, workers=workers), 9)
    for first, second in zip(alone, shared, strict=True):
        assert first.batch[:2] == second.batch[:2]
        assert torch.equal(first.batch[2], second.batch[2])
        assert (first.then, first.samples) == (second.then, second.samples)


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_that_are_kept_stay_as_they_are(corpus, workers):
    turns, make = order_of(corpus).turns, partial(read_one, corpus)
    count = 2 * (AHEAD * workers + HELD)
    alone = list(islice(load(turns(Position()), make, side_by_side, workers=0), count))
    kept = list(islice(load(turns(Position()), make, side_by_side, workers), count))
    assert all(torch.equal(a.batch[2], b.batch[2]) for a, b in zip(alone, kept, strict=True))


def test_a_run_goes_on_where_it_stopped(corpus):
    turns, make = order_of(corpus).turns, partial(read_one, corpus)
    whole = list(islice(load(turns(Position()), make, side_by_side, workers=0), 9))
    rest = list(islice(load(turns(whole[3].then), make, side_by_side, workers=0), 5))
    assert [loaded.batch[:2] for loaded in rest] == [loaded.batch[:2] for loaded in whole[4:]]
    assert all(torch.equal(a.batch[2], b.batch[2]) for a, b in zip(rest, whole[4:], strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_faulty_samples_are_left_out_and_counted_by_reason(corpus, workers):
    path = corpus.store.root / corpus.shards[0]
    path.write_bytes(path.read_bytes()[: corpus.offset_bytes[3]])  # the last of four samples
    policy = Skipping(most=0.5)
    count = len(order_of(corpus).epoch(0))
    loader = load(order_of(corpus).turns(Position()), partial(read_one, corpus), side_by_side, workers, policy)
    names = [name for loaded in islice(loader, count) if loaded.batch for name in loaded.batch[1]]
    assert sorted(names) == ["s0000-2500ms-1", "s0000-4s-1", "s0004-4s-1"]
    assert policy.counts == {Fault.TRUNCATED: 1}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_of_faulty_samples_is_given_without_any(workers):
    order = numbers(4)
    broken = set(order.epoch(0)[0].tolist())
    policy = Skipping(most=0.5)
    loaded = list(islice(load(order.turns(Position()), partial(faulty_in, broken), list, workers, policy), 2))
    assert [each.batch is None for each in loaded] == [True, False]
    assert [each.then for each in loaded] == [Position(0, 1), Position(0, 2)]
    assert policy.counts == {Fault.TRUNCATED: 2}


def test_without_a_policy_the_first_fault_is_raised():
    loader = load(numbers(4).turns(Position()), partial(faulty_in, {2}), list, workers=0)
    with pytest.raises(SampleFault, match=r"shard-2\.tar: truncated: ends too early"):
        list(islice(loader, 2))


@pytest.mark.parametrize("workers", [0, 1])
def test_too_large_a_share_of_faults_is_fatal_and_says_what_is_wrong(workers):
    order, policy = numbers(3000), Skipping(most=0.01)
    loader = load(order.turns(Position()), partial(faulty_in, set(range(0, 3000, 50))), list, workers, policy)
    with pytest.raises(
        TooManyFaults, match=r"\(\d+ truncated\), and no more than 1\.00% may be; the last one is shard"
    ):
        list(islice(loader, 1500))
    assert 10 < policy.counts[Fault.TRUNCATED] < 25


def test_few_faults_are_not_fatal():
    order, policy = numbers(3000), Skipping(most=0.01)
    loader = load(order.turns(Position()), partial(faulty_in, set(range(0, 3000, 300))), list, 0, policy)
    assert len(list(islice(loader, 1500))) == 1500
    assert policy.counts[Fault.TRUNCATED] == 10


def out_of_reach(epoch: int, index: int) -> int:
    raise Outage("the store is out of reach: mount it, and run it again")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_outage_is_no_faulty_sample(workers):
    with pytest.raises(Outage, match="mount it"):
        next(load(numbers(4).turns(Position()), out_of_reach, list, workers, Skipping(most=1.0)))


def process_of(epoch: int, index: int) -> int:
    time.sleep(0.01)
    return os.getpid()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_workers_go_on_when_a_run_is_told_to_stop(sent):
    loader = load(numbers(1000).turns(Position()), process_of, list, workers=1)
    worker = next(loader).batch[0]
    assert worker != os.getpid()
    os.kill(worker, sent)
    assert {each for loaded in islice(loader, 50) for each in loaded.batch} == {worker}


@pytest.mark.parametrize("workers", [0, 1])
def test_random_numbers_of_the_run_are_not_drawn_from(workers):
    before = torch.get_rng_state()
    next(load(numbers(4).turns(Position()), number, list, workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_workers_end_with_the_loader():
    loader = load(numbers(1000).turns(Position()), process_of, list, workers=1)
    worker = next(loader).batch[0]
    started_s = time.monotonic()
    loader.close()
    assert time.monotonic() - started_s < 3
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


LEFT_OPEN = """
import numpy as np
from training.data.loader import load
from training.data.order import Order, Position

loader = load(Order(np.full(100, 10), 20, seed=0).turns(Position()), lambda epoch, index: index, list, workers=2)
next(loader)
"""


def test_a_program_ends_though_its_loader_is_left_open():
    house = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN], cwd=house, timeout=60, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_workers_read_from_a_bucket(latents, bucket):
    store, index = latents
    for key in store.list("latents/"):
        bucket.put(key, store.root / key)
    far, near = (open_corpus(each, index) for each in (bucket, store))
    loaded = [
        next(load(order_of(corpus).turns(Position()), partial(read_one, corpus), side_by_side, workers=1))
        for corpus in (far, near)
    ]
    assert torch.equal(loaded[0].batch[2], loaded[1].batch[2])


def threads_of(epoch: int, index: int) -> tuple[int, int]:
    return torch.get_num_threads(), get_worker_info().num_workers


def test_a_worker_uses_one_thread():
    assert next(load(numbers(4).turns(Position()), threads_of, list, workers=1)).batch[0] == (1, 1)
