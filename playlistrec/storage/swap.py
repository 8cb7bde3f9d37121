"""Putting one folder in the place of another, so that the old or the new is there at every moment."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path

from .locks import PATIENCE, lock

__all__ = ["NEW", "exchange", "recover", "recover_for_reading", "swap", "unfinished"]

NEW, OLD = ".playlistrec-new", ".playlistrec-old"
"""The endings of a folder that is being filled, and of one that was replaced."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def unfinished(folder: Path) -> Path:
    """The folder beside ``folder`` that takes its place when it is finished."""
    return folder.with_name(f".{folder.name}{NEW}")


def exchange(one: Path, other: Path) -> bool:
    """Give each of two folders the name of the other in one step; False where the system cannot do that."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def swap(new: Path, folder: Path) -> Path:
    """Put ``new`` in the place of ``folder``; returns where the old one is now.

    Where the system cannot exchange two names, ``folder`` is missing for a moment: :func:`recover` brings it back if
    the process is killed within it.
    """
    if exchange(new, folder):
        return new
    old = _old(folder)
    os.rename(folder, old)
    os.rename(new, folder)
    return old


def recover(folder: Path) -> None:
    """Tidy up after a process that was killed while it replaced ``folder``; the caller holds the lock of the new one.

    The old one gets its name back where no other has it, and is removed where the new one is in place.
    """
    old = _old(folder)
    if old.is_dir():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.rename(old, folder)


def recover_for_reading(folder: Path) -> None:
    """Bring ``folder`` back where a process was killed while it replaced it, and only then."""
    if folder.exists() or not _old(folder).is_dir():
        return
    new = unfinished(folder)
    opened = lock(new, PATIENCE) if new.is_dir() else None
    try:
        if opened is not None or not new.is_dir():
            recover(folder)
    finally:
        if opened is not None:
            os.close(opened)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}{OLD}")
