from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.order import Order, Position, batches_of

lengths = st.lists(st.integers(1, 400), min_size=1, max_size=200).map(lambda each: np.array(each, dtype=np.int32))
seeds = st.integers(0, 2**40)


def read(order: Order, start: Position, ranks: int, accumulation: int, steps: int) -> list[set[tuple[int, int]]]:
    """What all ranks together read in each step: epochs and samples."""
    rows = [order.turns(start, rank, ranks) for rank in range(ranks)]
    return [
        {(turn.epoch, i) for row in rows for turn in islice(row, accumulation) for i in turn.samples.tolist()}
        for _ in range(steps)
    ]


@given(lengths, seeds, st.integers(400, 3000))
def test_every_sample_is_in_one_batch(frames, seed, budget):
    batches = batches_of(frames, budget, seed, epoch=0)
    assert sorted(np.concatenate(list(batches)).tolist()) == list(range(len(frames)))


@given(lengths, seeds, st.integers(400, 3000))
def test_no_batch_exceeds_the_budget_with_its_padding(frames, seed, budget):
    for samples in batches_of(frames, budget, seed, epoch=0):
        assert 0 < frames[samples].max() * len(samples) <= budget


@given(lengths, seeds, st.integers(0, 100))
def test_seed_and_epoch_give_the_same_batches_again(frames, seed, epoch):
    first, again = (batches_of(frames, 1000, seed, epoch) for _ in range(2))
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


def test_the_order_is_written_down():
    """Should it ever change, a run that is resumed would read other samples than it was to read."""
    frames = np.array([10, 20, 20, 21, 10, 11, 40, 9], dtype=np.int32)
    assert [batch.tolist() for batch in batches_of(frames, 45, seed=7, epoch=3)] == [[6], [3], [7, 0, 4, 5], [1, 2]]


@pytest.mark.parametrize("other", [{"seed": 1, "epoch": 0}, {"seed": 0, "epoch": 1}])
def test_another_seed_or_epoch_puts_other_samples_together(other):
    frames = np.full(100, 10, dtype=np.int32)
    first, second = batches_of(frames, 50, seed=0, epoch=0), batches_of(frames, 50, **other)
    assert {frozenset(batch.tolist()) for batch in first} != {frozenset(batch.tolist()) for batch in second}


def test_little_is_padded():
    frames = np.random.default_rng(0).integers(300, 3900, 20_000)
    batches = batches_of(frames, 16_384, seed=0, epoch=0)
    padded = sum(frames[samples].max() * len(samples) for samples in batches)
    assert frames.sum() / padded > 0.97


def test_batches_are_nearly_as_full_as_they_may_be():
    frames = np.random.default_rng(0).integers(300, 3900, 20_000)
    batches = batches_of(frames, 16_384, seed=0, epoch=0)
    assert frames.sum() / (len(batches) * 16_384) > 0.88


def test_batches_of_one_length_are_not_read_one_after_another():
    frames = np.repeat([100, 300], 500)
    lengths_s = [frames[batch[0]] for batch in batches_of(frames, 1000, seed=0, epoch=0)]
    assert sum(a != b for a, b in zip(lengths_s, lengths_s[1:], strict=False)) > len(lengths_s) / 4


@given(lengths, seeds, st.sampled_from([(1, 4), (2, 2), (4, 1)]), st.integers(0, 5))
def test_more_ranks_read_in_a_step_what_one_reads_in_more_batches(frames, seed, shape, skipped):
    order = Order(frames, 1000, seed)
    start = next(islice(order.turns(Position(), 0, 1), skipped, None)).then
    ranks, accumulation = shape
    assert read(order, start, ranks, accumulation, steps=3) == read(order, start, 1, 4, steps=3)


@given(lengths, seeds, st.integers(1, 6))
def test_a_run_goes_on_where_it_stopped_with_another_number_of_ranks(frames, seed, steps):
    order = Order(frames, 1000, seed)
    whole = read(order, Position(), 2, 2, steps + 3)
    *_, last = islice(order.turns(Position(), rank=1, ranks=2), 2 * steps)
    assert read(order, last.then, 4, 1, 3) == whole[steps:]


@given(lengths, seeds)
def test_nothing_is_left_out_from_one_epoch_to_the_next(frames, seed):
    order = Order(frames, 1000, seed)
    count = len(order.epoch(0)) + len(order.epoch(1))
    turns = list(islice(order.turns(Position()), count))
    assert [turn.epoch for turn in turns] == [0] * len(order.epoch(0)) + [1] * len(order.epoch(1))
    assert sum(len(turn.samples) for turn in turns) == 2 * len(frames)


def test_a_sample_longer_than_the_budget_is_refused_with_what_to_set():
    with pytest.raises(ValueError, match="set `frames` to 1200 at least, or `crop_s` lower"):
        batches_of(np.array([300, 1200]), 1000, seed=0, epoch=0)


@pytest.mark.parametrize("frames", [[], [5, 0]])
def test_samples_without_frames_are_refused(frames):
    with pytest.raises(ValueError, match="no frames"):
        batches_of(np.array(frames, dtype=np.int32), 1000, seed=0, epoch=0)
