import os
import signal
import time
from functools import partial

import pytest

from resources.engines import EngineError, InlineEngine, LocalEngine, WorkerDied


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


def test_workers_count_their_threads_before_libraries_do():
    engine = LocalEngine(workers=1, threads=3)
    (done,) = engine.run(partial(open_environment, "OMP_NUM_THREADS"), [0], timeout_s=9.0)
    assert done.result == "3"
