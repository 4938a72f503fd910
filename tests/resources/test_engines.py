import os
import signal
import threading
import time
from functools import partial

import pytest

from resources.engines import Crew, EngineError, InlineEngine, LocalEngine, WorkerDied, worker_number


def square(number: int) -> int:
    match number:
        case 2:
            os.kill(os.getpid(), signal.SIGKILL)
        case 3:
            time.sleep(60)
        case 4:
            raise ValueError("four")
    return number * number


def open_square():
    return square


def open_nothing():
    raise FileNotFoundError("no weights")


class Unportable(Exception):
    def __init__(self, one, two):
        super().__init__("words")


def fail_unportably(_):
    raise Unportable(1, 2)


def open_meeting():
    """Work that ends only if three are at it at once."""
    barrier = threading.Barrier(3)

    def meet(_):
        barrier.wait(timeout=5.0)
        return "met"

    return meet


def open_process():
    return lambda _: os.getpid()


def open_numbers():
    def number(item):
        time.sleep(0.2)
        if item == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return worker_number()

    return number


def open_environment(name):
    return lambda _: os.environ.get(name)


def test_one_item_that_kills_hangs_or_fails_costs_only_itself():
    done = list(LocalEngine(workers=2).run(open_square, range(7), timeout_s=2.0))
    assert [d.item for d in done] == list(range(7))
    assert [d.result for d in done] == [0, 1, None, None, None, 25, 36]
    assert [type(done[i].error) for i in (2, 3, 4)] == [WorkerDied, TimeoutError, ValueError]


@pytest.mark.parametrize("engine", [LocalEngine(workers=1), InlineEngine()], ids=["local", "inline"])
def test_results_come_in_the_order_of_the_items(engine):
    assert [d.result for d in engine.run(open_square, [9, 7, 8], timeout_s=9.0)] == [81, 49, 64]


def test_a_model_that_does_not_load_is_the_runs_error_and_not_the_items():
    with pytest.raises(EngineError, match="no weights"):
        list(LocalEngine(workers=2).run(open_nothing, range(3), timeout_s=9.0))


def test_an_error_that_cannot_travel_sends_its_words():
    (done,) = InlineEngine().run(lambda: fail_unportably, [1], timeout_s=9.0)
    assert "Unportable: words" in str(done.error)


TOGETHER = Crew(at_once=3)


def test_a_worker_has_as_many_items_under_way_as_its_crew_says():
    done = list(LocalEngine(workers=1).run(open_meeting, range(6), 9.0, TOGETHER))
    assert [d.result for d in done] == ["met"] * 6


def test_of_a_group_only_the_item_that_kills_hangs_or_fails_is_lost():
    done = list(LocalEngine(workers=1).run(open_square, range(7), 2.0, TOGETHER))
    assert [d.item for d in done] == list(range(7))
    assert [d.result for d in done] == [0, 1, None, None, None, 25, 36]
    assert [type(done[i].error) for i in (2, 3, 4)] == [WorkerDied, TimeoutError, ValueError]


def test_a_crew_has_no_more_workers_than_it_is_worth_having():
    done = list(LocalEngine(workers=3).run(open_process, range(6), 9.0, Crew(workers=1)))
    assert len({d.result for d in done}) == 1


def test_workers_are_numbered_and_one_that_dies_is_followed_by_one_of_its_number():
    done = list(LocalEngine(workers=2).run(open_numbers, range(12), 9.0))
    assert {d.result for d in done if d.error is None} == {0, 1}


def test_workers_count_their_threads_before_libraries_do():
    engine = LocalEngine(workers=1, threads=3)
    (done,) = engine.run(partial(open_environment, "OMP_NUM_THREADS"), [0], timeout_s=9.0)
    assert done.result == "3"
