"""Requests that come together are answered together, and no more wait than can be answered soon."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from .problems import busy

__all__ = ["Batcher", "Lane"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Answers what waits in one call, in a thread of its own; what comes meanwhile is the next call.

    Nothing is waited for: a lone request is answered at once.

    Args:
        answer: a result for each of several items.
        together: items of one call at most.
        waiting: items that may wait; one more raises Problem 503.
    """

    def __init__(self, answer: Callable[[Sequence[Item]], Sequence[Result]], *, together: int, waiting: int) -> None:
        self._answer, self._together, self._most = answer, together, waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._thread = ThreadPoolExecutor(1, "answer")
        self._task: asyncio.Task[None] | None = None
        self.calls = self.items = 0

    @property
    def waiting(self) -> int:
        """Items that wait for their call."""
        return len(self._waiting)

    async def ask(self, item: Item) -> Result:
        """The result for one item. Raises Problem 503 where too many wait, and what ``answer`` raises."""
        if len(self._waiting) >= self._most:
            raise busy(f"{self._most} requests are waiting: ask again in a second")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch: list[tuple[Item, asyncio.Future[Result]]] = []
            while self._waiting and len(batch) < self._together:
                item, future = self._waiting.popleft()
                if not future.done():  # the one who asked has not gone
                    batch.append((item, future))
            if not batch:
                continue
            self.calls, self.items = self.calls + 1, self.items + len(batch)
            results = await loop.run_in_executor(self._thread, self._results, [item for item, _ in batch])
            for (_, future), result in zip(batch, results):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _results(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """The results; where the call fails each item is tried alone, so that one cannot spoil the others."""
        try:
            return self._answer(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
            return [self._results([item])[0] for item in items]


class Lane:
    """A thread for what takes a while and is not scored together: names that are looked up, files that are read."""

    def __init__(self, waiting: int) -> None:
        self._most, self._here = waiting, 0
        self._thread = ThreadPoolExecutor(1, "lookup")

    async def run(self, function: Callable[[], Result]) -> Result:
        """The result of ``function``. Raises Problem 503 where too many wait."""
        if self._here >= self._most:
            raise busy(f"{self._most} lookups are waiting: ask again in a second")
        self._here += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        finally:
            self._here -= 1
