"""Questions of several threads, answered together: who finds the model free takes along what the others have waiting.

For models that are asked in Python values and plan their own memory; networks that turn tensors into tensors have
`resources/batching.py`.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Generic[Item, Result]):
    """Calls `work` with at most `size` items at a time and never twice at once, whichever threads they come from.

    `size` may change while it runs, so that `work` can make do with less memory.
    """

    def __init__(self, work: Callable[[list[Item]], Sequence[Result]], size: int) -> None:
        self.work, self.size = work, size
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._model = Lock()

    def __call__(self, items: Sequence[Item]) -> list[Result]:
        """What `work` makes of the items, in their order.

        Raises:
            Exception: what `work` raised on a batch that held one of them.
        """
        own: list[Future[Result]] = [Future() for _ in items]
        self._waiting.extend(zip(items, own, strict=True))
        while not all(future.done() for future in own):
            with self._model:
                if not all(future.done() for future in own):
                    self._next()
        return [future.result() for future in own]

    def _next(self) -> None:
        """Works on the batch that has waited longest. Only the thread that has the model takes from the queue."""
        batch = [self._waiting.popleft() for _ in range(min(self.size, len(self._waiting)))]
        try:
            results = self.work([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
