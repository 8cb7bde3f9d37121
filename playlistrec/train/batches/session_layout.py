"""The layout of session-parallel mini-batches: each playlist's row and time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Stretches", "stretches"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stretches:
    """The tracks that the rows play in each step, by step, row and time: (n,) each.

    Attributes:
        step, row: when and where.
        playlist: which.
        first: its first track that is played here, counted from 0.
        length: how many.
    """

    step: Ints
    row: Ints
    playlist: Ints
    first: Ints
    length: Ints


def stretches(lengths: Ints, n_rows: int, unroll: int) -> Stretches:
    """Lay playlists of these lengths (at least 1) into rows, and cut the rows into steps of ``unroll`` tracks.

    In turn, each playlist is put into the row that is free first, the lowest of several: the mini-batches of Hidasi et
    al. 2016, figure 2, which have an ``unroll`` of 1. Nothing is cut off at the end: when there are no more playlists,
    a row that is done stays empty and the others go on.

    >>> plan = stretches(np.array([3, 1, 2]), n_rows=2, unroll=2)
    >>> plan.step.tolist(), plan.row.tolist(), plan.playlist.tolist(), plan.length.tolist()
    ([0, 0, 0, 1, 1], [0, 1, 1, 0, 1], [0, 1, 2, 0, 2], [2, 1, 1, 1, 1])
    """
    free = [(0, row) for row in range(n_rows)]
    start, row = np.empty_like(lengths), np.empty_like(lengths)
    for index, length in enumerate(lengths.tolist()):
        start[index], row[index] = free[0]
        heapq.heapreplace(free, (free[0][0] + length, free[0][1]))
    low, high = start // unroll, (start + lengths - 1) // unroll
    playlist = np.repeat(np.arange(len(lengths)), high - low + 1)
    step = np.arange(len(playlist)) - np.repeat(np.cumsum(high - low + 1) - (high + 1), high - low + 1)
    begin = np.maximum(step * unroll, start[playlist])
    end = np.minimum((step + 1) * unroll, (start + lengths)[playlist])
    order = np.lexsort((begin, row[playlist], step))
    found = step, row[playlist], playlist, begin - start[playlist], end - begin
    return Stretches(*(column[order] for column in found))
