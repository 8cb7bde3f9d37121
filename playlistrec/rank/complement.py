"""The tracks that playlists have nothing to do with, drawn uniformly without being listed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Complement", "draw_ranks"]

Ints = npt.NDArray[np.int64]

BITMAP_BYTES = 32 * 2**20


class Complement:
    """For each of ``n_rows`` playlists the tracks that none of its pairs (``rows``, ``tracks``) names, by rank.

    The r-th free track is found by counting the taken ones before it.

    >>> free = Complement(np.array([0, 0, 1]), np.array([1, 2, 0]), n_rows=2, n_tracks=4)
    >>> free.size.tolist(), free.tracks(np.array([0, 0, 1]), np.array([0, 1, 0])).tolist()
    ([2, 3], [0, 3, 1])
    """

    def __init__(self, rows: Ints, tracks: Ints, n_rows: int, n_tracks: int) -> None:
        keys = np.unique(rows * n_tracks + tracks)
        rows, tracks = keys // n_tracks, keys % n_tracks
        taken = np.bincount(rows, minlength=n_rows)
        self.size = n_tracks - taken
        self._start = np.cumsum(taken) - taken
        self._wide = n_tracks + 1
        free_before = tracks - (np.arange(len(keys)) - self._start[rows])
        self._keys = rows * self._wide + free_before

    def tracks(self, rows: Ints, ranks: Ints) -> Ints:
        """(n,) the free track of rank ``ranks`` (0 is the lowest number) of each of ``rows``."""
        taken = np.searchsorted(self._keys, rows * self._wide + ranks, side="right") - self._start[rows]
        return np.asarray(ranks + taken)


def draw_ranks(size: Ints, n: int, random: np.random.Generator) -> Ints:
    """(rows, n) distinct numbers below ``size`` (rows,) a row, each set of them as likely as any other.

    A row of ``size`` below ``n`` gets all there are, then -1. Every row takes ``n`` uniform numbers of the stream,
    so that what it gets does not depend on how rows are batched. Floyd's algorithm (Bentley & Floyd 1987, CACM 30:9).
    """
    drawn = np.tile(np.arange(n), (len(size), 1))
    drawn[drawn >= size[:, None]] = -1
    step = max(1, BITMAP_BYTES // max(1, int(size.max(initial=0))))
    for low in range(0, len(size), step):
        uniform = random.random((len(size[low : low + step]), n))
        enough = np.flatnonzero(size[low : low + step] >= n)
        chosen = np.zeros((len(enough), int(size.max())), dtype=bool)
        rows = np.arange(len(enough))
        for i in range(n):
            last = size[low + enough] - n + i
            pick = (uniform[enough, i] * (last + 1)).astype(np.int64)
            pick = np.where(chosen[rows, pick], last, pick)
            chosen[rows, pick] = True
            drawn[low + enough, i] = pick
    return drawn
