"""The C allocator's habit of giving large blocks back, which costs a training step a third of its time."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>


def keep_freed_memory() -> bool:
    """Have glibc keep what is freed for the next tensor, in this process and from now on.

    By default it maps every large tensor anew, and the kernel fills its pages with zeros at the first touch. The
    command line calls this; in a program of your own it is for you to decide. The peak of memory stays about where it
    is, but memory is not given back after it. Call it before the first large tensor.

    Returns:
        Whether it could be done; not on macOS, nor with another C library.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all(mallopt(*pair) for pair in ((MMAP_THRESHOLD, 2**30), (TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, 2**28)))
