"""Locks: one process at a time writes a folder or a file."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError
from .files import ErrorType, refused

__all__ = ["PATIENCE", "lock", "locked", "locked_file"]

LOCK = ".playlistrec-lock"
"""The ending of the file that is locked in place of one that is written; its name begins with a dot."""
PATIENCE = 2.0
"""Seconds to wait for a process that is about to end."""


@contextmanager
def locked(out: Path, error: ErrorType = DataError) -> Iterator[None]:
    """Within this block no other process writes the folder ``out``, which exists."""
    with refused(out, error):
        opened = lock(Path(os.path.realpath(out)), PATIENCE)
    if opened is None:
        raise error(f"{out} is being written by another process")
    try:
        yield
    finally:
        os.close(opened)


@contextmanager
def locked_file(out: Path, error: ErrorType = DataError) -> Iterator[None]:
    """Within this block, in which its content is made, no other process writes the file ``out``.

    A pipe or a device is not locked.
    """
    real = Path(os.path.realpath(out))
    if real.exists() and not real.is_file():
        yield
        return
    place = real.with_name(f".{real.name}{LOCK}")
    with refused(out, error):
        opened = lock(place, PATIENCE, os.O_RDWR | os.O_CREAT)
    if opened is None:
        raise error(f"{out} is being written by another process")
    try:
        yield
    finally:
        place.unlink(missing_ok=True)
        os.close(opened)


def lock(path: Path, patience: float = 0.0, how: int = os.O_RDONLY | os.O_DIRECTORY) -> int | None:
    """The descriptor of a folder or file, locked until it is closed; None where another process has it locked.

    Args:
        how: how it is opened.

    Raises FileNotFoundError where there is none.
    """
    end = time.monotonic() + patience
    while True:
        opened = os.open(path, how, 0o666)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            if time.monotonic() >= end:
                return None
            time.sleep(0.02)
            continue
        except OSError:  # a file system without locks
            return opened
        if _is(opened, path):
            return opened
        os.close(opened)  # another took its place meanwhile


def _is(opened: int, path: Path) -> bool:
    try:
        here = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(opened)
    return (mine.st_dev, mine.st_ino) == (here.st_dev, here.st_ino)
