import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.together import Together


@given(st.lists(st.lists(st.integers(0, 99), max_size=7), min_size=1, max_size=6), st.integers(1, 4))
def test_every_thread_gets_its_own_results_in_its_own_order(requests, size):
    batches = Together(lambda items: [2 * item for item in items], size)
    with ThreadPoolExecutor(len(requests)) as threads:
        assert list(threads.map(batches, requests)) == [[2 * item for item in items] for items in requests]


def test_what_waits_while_the_model_is_busy_goes_through_it_together():
    busy, go_on, seen = threading.Event(), threading.Event(), []

    def work(items):
        seen.append(items)
        busy.set()
        go_on.wait()
        return items

    batches = Together(work, 8)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(batches, ["a"])
        busy.wait()
        others = [threads.submit(batches, [name]) for name in "bc"]
        while len(batches._waiting) < 2:
            pass
        go_on.set()
        assert [future.result() for future in (first, *others)] == [["a"], ["b"], ["c"]]
    assert Counter(map(len, seen)) == {1: 1, 2: 1}


def test_no_batch_is_larger_than_its_size():
    lengths = []
    batches = Together(lambda items: lengths.append(len(items)) or items, 3)
    assert batches(range(8)) == list(range(8))
    assert lengths == [3, 3, 2]


def test_an_error_reaches_those_whose_items_were_in_the_batch_and_no_one_after():
    def work(items):
        if None in items:
            raise OSError("broken")
        return items

    batches = Together(work, 2)
    with pytest.raises(OSError, match="broken"):
        batches([1, None, 3])
    assert batches([4]) == [4]
