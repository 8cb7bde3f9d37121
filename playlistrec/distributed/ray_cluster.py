"""Work on the machines of a Ray cluster: functions over many files, and actors that answer."""

from __future__ import annotations

import logging
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ..errors import ConfigError, PlaylistrecError, RunError

__all__ = ["Cluster", "connected", "quieten"]

T = TypeVar("T")
R = TypeVar("R")

IN_FLIGHT = 2
"""Items that wait at an actor, the one that it works on included."""


@dataclass(frozen=True)
class Cluster:
    """Machines that this process has reached, see :func:`connected`, and how many processes work on them.

    All of them must see the same files under the same paths, and have this package installed.
    """

    workers: int

    def each(self, function: Callable[[T], Iterable[R]], items: Sequence[T]) -> Iterator[tuple[int, R]]:
        """All that ``function`` yields for each item, with the item's number, in order: a dataset of Ray Data.

        Results wait in Ray's object store, which holds back the workers and spills to disk. Memory here is that of a
        block of results, 128 MB unless one is larger.
        """
        import ray.data

        quieten("ray.data")
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        rows = [{"item": pickle.dumps((number, item))} for number, item in enumerate(items)]
        work = partial(_each, function)
        workers = ray.data.TaskPoolStrategy(size=min(self.workers, len(rows)))
        rows_of_each = ray.data.from_items(rows, override_num_blocks=len(rows))
        found = rows_of_each.map_batches(work, batch_size=1, compute=workers)
        with _ours():
            for batch in found.iter_batches(batch_size=None, prefetch_batches=1):
                for result in batch["result"]:
                    number, value = pickle.loads(result)
                    if isinstance(value, PlaylistrecError):
                        raise value
                    yield number, value

    def answered(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """The result for each item, in order, of actors: each calls ``make`` once, and then what that gives."""
        import ray

        kind = ray.remote(num_cpus=1, scheduling_strategy="SPREAD")(_Answering)
        actors = [kind.remote(make) for _ in range(self.workers)]
        waiting: deque[Any] = deque()
        with _ours():
            for number, item in enumerate(items):
                if len(waiting) == IN_FLIGHT * len(actors):
                    yield ray.get(waiting.popleft())
                waiting.append(actors[number % len(actors)].answer.remote(item))
            while waiting:
                yield ray.get(waiting.popleft())


def quieten(logger: str) -> None:
    """Leave only errors of what a part of Ray logs: the library is silent, and what ends the work comes as ours."""
    logging.getLogger(logger).setLevel(logging.ERROR)


class _Answering:
    """An actor: it makes a function once, and then answers with it."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self.function = make()

    def answer(self, item: Any) -> Any:
        return self.function(item)


def _each(function: Callable[[Any], Iterable[Any]], batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one item: each a number and a result, or the error that ends the work."""
    number, item = pickle.loads(batch["item"][0])
    try:
        for value in function(item):
            yield {"result": [pickle.dumps((number, value))]}
    except PlaylistrecError as error:
        yield {"result": [pickle.dumps((number, error))]}


@contextmanager
def _ours() -> Iterator[None]:
    """Within this block Ray's errors become ours: what a worker raised, or that it has ended."""
    import ray.exceptions

    try:
        yield
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, PlaylistrecError):
            raise cause from None
        raise
    except ray.exceptions.RayActorError as error:
        found = error.__cause__ or getattr(error, "cause", None) or error
        text = " ".join(str(found).split())[:200]
        raise RunError(f"a process on the Ray cluster has ended ({text}): begin it again") from None


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Cluster]:
    """The Ray cluster at an address; without one that of ``RAY_ADDRESS``, the one on this machine, or a new one here.

    Raises ConfigError where Ray, the extra ``ray``, is not installed, the address cannot be, or the cluster has fewer
    processors than ``workers``. RunError where there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        import ray
    except ImportError:
        raise ConfigError("Ray is not installed: pip install 'playlistrec[ray]'") from None
    if address is not None and address not in ("auto", "local") and ":" not in address:
        raise ConfigError(f"the address of a Ray cluster is host:port, auto or local (got {address})")
    begun = not ray.is_initialized()
    try:
        if begun:
            ray.init(address, log_to_driver=False, logging_level="ERROR", include_dashboard=_none_here(address))
    except (ConnectionError, RuntimeError, ValueError) as error:
        text = str(error).splitlines()[0][:200]
        raise RunError(f"no Ray cluster at {address}: {text}") from None
    try:
        processors = int(ray.cluster_resources().get("CPU", 0))
        if workers > processors:
            raise ConfigError(f"workers must be at most the {processors} processors of the Ray cluster (got {workers})")
        yield Cluster(workers)
    finally:
        if begun:
            ray.shutdown()


def _none_here(address: str | None) -> bool | None:
    """Ray's ``include_dashboard``, which only a new cluster takes."""
    return False if address == "local" else None
