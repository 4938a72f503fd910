"""Where a stage's work is done: worker processes of this machine, each with its models loaded once."""

import os
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from math import ceil
from multiprocessing import get_context
from typing import Any, Protocol

from pebble import ProcessExpired, ProcessPool

from resources.outages import Outage, outage_of
from resources.stores import is_alive

Work = Callable[[Any], Any]
ROUNDS = 4  # so many items for each thread go to a worker together, so that its threads seldom wait for the last one
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class EngineError(RuntimeError):
    """The work could not even begin: a model does not load, a worker does not start."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one item: its result or the error that it ended in, and what it cost."""

    item: Any
    result: Any
    error: Exception | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Crew:
    """How many are worth having for a work: a model on a GPU wants one process, and some items at once in it."""

    workers: int | None = None  # processes at most; None: as many as the engine has
    at_once: int = 1  # items that a process has under way, each in a thread of its own


ALONE = Crew()


class WorkerDied(Exception):
    """The process was gone before the item was done: a crash in native code, or the kernel's out-of-memory killer."""


class Engine(Protocol):
    def run(
        self, open_work: Callable[[], Work], items: Iterable[Any], timeout_s: float, crew: Crew = ALONE
    ) -> Iterator[Done]:
        """Does the work on each item, and gives what became of it in the order of the items.

        `open_work` is called once in every worker and gives the function that is called with each item, from several
        threads where the crew has more than one `at_once`. What that function raises is a `Done` with an error; so is
        a worker that dies (`WorkerDied`), or takes too long (`TimeoutError`). Only that item is lost.

        Raises:
            EngineError: `open_work` fails.
            Outage: it fails for want of room, or of a disk to write to.
        """


class InlineEngine:
    """In this process, one after the other; for tests and for measuring what the others add. Has no time limits."""

    def run(
        self, open_work: Callable[[], Work], items: Iterable[Any], timeout_s: float, crew: Crew = ALONE
    ) -> Iterator[Done]:
        work = None
        for item in items:
            work = work or open_work()
            done = _attempt(work, item)
            yield replace(done, item=item)


class LocalEngine:
    """A pool of worker processes. Each is handed groups of items; at most `ahead` of them are under way or wait."""

    def __init__(self, workers: int, threads: int = 1, ahead: int = 2) -> None:
        self.workers, self.threads, self.ahead = workers, threads, ahead

    def run(
        self, open_work: Callable[[], Work], items: Iterable[Any], timeout_s: float, crew: Crew = ALONE
    ) -> Iterator[Done]:
        workers = min(self.workers, crew.workers or self.workers)
        groups = _groups(iter(items), crew.at_once * ROUNDS if crew.at_once > 1 else 1)
        first = list(islice(groups, workers * self.ahead))
        if not first:
            return
        context = get_context("spawn")
        with _threads(self.threads):
            pool = ProcessPool(
                max_workers=min(workers, len(first)),
                context=context,
                initializer=_begin,
                initargs=(open_work, os.getpid(), context.Array("i", workers)),
            )

            def handed(group: list[Any]) -> tuple[list[Any], "Future[list[Done]]"]:
                return group, pool.schedule(_work, (group, timeout_s, crew.at_once))

            try:
                waiting = deque(handed(group) for group in first)
                while waiting:
                    group, future = waiting.popleft()
                    done = _results(group, future)
                    if len(group) > 1 and any(isinstance(each.error, WorkerDied | TimeoutError) for each in done):
                        # One of them took the worker along: each alone, so that it costs no other.
                        done = [each for item in group for each in _results(*handed([item]))]
                    waiting.extend(handed(group) for group in islice(groups, 1))
                    yield from done
            finally:
                pool.stop()
                pool.join()


def worker_number() -> int:
    """Which of the engine's workers this process is, from 0; 0 outside of one."""
    return _number


def _groups(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while group := list(islice(items, size)):
        yield group


_opened: Work | Exception | None = None
_number = 0


def _begin(open_work: Callable[[], Work], parent: int, places: Any) -> None:
    global _opened, _number  # noqa: PLW0603 - one worker process, one model; the pool offers no other place
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _die_with(parent)
    _number = _place_in(places)
    try:
        _opened = open_work()
    except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it as EngineError
        _opened = outage_of(error) or error


def _place_in(places: Any) -> int:
    """Takes the first place that nobody holds, or whose holder is gone: a worker that died is followed in its own."""
    with places.get_lock():
        number = next((i for i, pid in enumerate(places) if pid == 0 or not is_alive(pid)), 0)
        places[number] = os.getpid()
    return number


def _work(group: list[Any], timeout_s: float, at_once: int) -> list[Done]:
    if isinstance(_opened, Outage):
        raise _opened
    if isinstance(_opened, Exception) or _opened is None:
        raise EngineError(f"{type(_opened).__name__}: {_opened}")
    # The kernel ends this process when its time is over, even in native code; and by a clock that nobody sets, whereas
    # the pool would go by the time of day, and end whatever is under way when that jumps.
    signal.setitimer(signal.ITIMER_REAL, timeout_s * ceil(len(group) / at_once))
    try:
        if len(group) == 1:
            return [_attempt(_opened, group[0])]
        with ThreadPoolExecutor(at_once) as threads:
            return list(threads.map(partial(_attempt, _opened), group))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _attempt(work: Work, item: Any) -> Done:
    start = time.perf_counter()
    try:
        result, error = work(item), None
    except Exception as caught:  # noqa: BLE001 - an item's error is its result; the caller decides what it means
        result, error = None, _portable(caught)
    return Done(None, result, error, time.perf_counter() - start)


def _portable(error: Exception) -> Exception:
    """The error, or its words where it could not be rebuilt on the other side of a pipe."""
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PickleError, TypeError, AttributeError, ValueError):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _results(group: list[Any], future: "Future[list[Done]]") -> list[Done]:
    start = time.perf_counter()
    try:
        done = future.result()
    except Outage as error:
        raise Outage(str(error)) from None
    except EngineError as error:
        raise EngineError(str(error)) from None
    except BrokenProcessPool as error:
        raise EngineError(f"the workers die while they load their models (out of memory?): {error}") from None
    except ProcessExpired as error:
        died: Exception = WorkerDied(f"the worker process ended with exit code {error.exitcode}")
        if error.exitcode == -signal.SIGALRM:
            died = TimeoutError("it took longer than it may")
        return [Done(item, None, died, time.perf_counter() - start) for item in group]
    return [replace(each, item=item) for each, item in zip(done, group, strict=True)]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Libraries count their threads when they are loaded, so the children's environment must say it beforehand."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _die_with(parent: int) -> None:
    """Asks Linux to end this process with its parent: kill -9 must not leave workers behind."""
    import ctypes
    import sys

    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
