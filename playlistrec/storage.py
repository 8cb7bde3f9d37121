"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .errors import DataError

__all__ = ["check_replaceable", "write_whole"]


def check_replaceable(out: Path) -> None:
    """Before the work, not after it: ``--force`` only ever deletes a data folder, and ``out`` can be made."""
    if out.exists() and not (out / "manifest.json").exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not a data folder: it will not be replaced")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise DataError(f"{out} cannot be made: {parent} is not a folder that can be written to")


def write_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Fill a folder beside ``out`` and rename it, so that a killed or failed run leaves nothing half-made."""
    parent = out.absolute().parent
    partial = parent / f".{out.name}.partial-{os.getpid()}"
    for stale in parent.glob(f".{out.name}.partial-*"):
        if not _running(int(stale.name.rpartition("-")[2])):
            shutil.rmtree(stale, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        write(partial)
        if out.exists():
            old = parent / f".{out.name}.old-{os.getpid()}"
            os.replace(out, old)
            os.replace(partial, out)
            shutil.rmtree(old)
        else:
            os.replace(partial, out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
