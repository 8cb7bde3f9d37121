"""Which code, beside ours, a run may have imported: that which the user names, never that which the run names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["trusted", "trusting"]

_trusted: ContextVar[frozenset[str]] = ContextVar("trusted", default=frozenset())


@contextmanager
def trusting(names: Iterable[str]) -> Iterator[frozenset[str]]:
    """Within this block runs may be of these models, ``module:Class``, as well as of ours; yields all such names.

    To read a run of another's model is to run its code, so the user names it, and not the run.
    """
    allowed = _trusted.get() | frozenset(names)
    token = _trusted.set(allowed)
    try:
        yield allowed
    finally:
        _trusted.reset(token)


def trusted() -> frozenset[str]:
    """The models, ``module:Class``, that the innermost :func:`trusting` allows."""
    return _trusted.get()
