"""Processes of our own work: how they are started, and how some of them share one piece of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

__all__ = ["ALONE", "Group", "start"]


class Group:
    """Processes that share one piece of work; here one, which is all there is.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def same(self, value: Any) -> Any:
        """The value of process 0, on all."""
        return value

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in their order, on process 0; nothing on the others."""
        return [value]


ALONE = Group()


def start(process: BaseProcess) -> None:
    """Start a spawned process that does not import the ``__main__`` of this one.

    Python's multiprocessing runs the calling script again in each process, which needs
    ``if __name__ == "__main__":`` there. Our processes run functions of this package alone, so that they need not.
    """
    with _no_main():
        process.start()


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide where ``__main__`` came from, which is what a new process would import."""
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    main.__spec__ = None
    if "__file__" in kept:
        del main.__file__
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)
