"""The distinct (playlist, track) pairs of a corpus, a block of playlists at a time.

What concerns each playlist alone needs no sort of all entries: memory is that of a block, whose sort stays in cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .corpus import Corpus, Ints, Mask

__all__ = ["PairBlock", "distinct_pairs", "holders", "pair_blocks"]

BLOCK = 1 << 20  # entries


@dataclass(frozen=True, eq=False)
class PairBlock:
    """The distinct pairs of the playlists ``start:stop``.

    Attributes:
        start, stop: rows of the playlists.
        entries: (n_entries,) int64 rows of the entries that the block looked at.
        keys: (n_pairs,) int64, sorted: ``playlist * n_tracks + track``.
        rows: (n_pairs,) the playlist of each pair.
        first: (n_pairs,) the row of the first entry of each pair.
        of_entry: (n_entries,) the pair of each of ``entries``.
    """

    start: int
    stop: int
    entries: Ints
    keys: Ints
    rows: Ints
    first: Ints
    of_entry: Ints

    @cached_property
    def local(self) -> Ints:
        """(n_pairs,) the playlist of each pair, counted from ``start``."""
        return self.rows - self.start

    @cached_property
    def size(self) -> npt.NDArray[np.int64]:
        """(stop - start,) the pairs of each playlist."""
        return np.bincount(self.local, minlength=self.stop - self.start)

    def rank(self, key: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """(n_pairs,) the place, from 0, of each pair in its playlist by rising ``key`` in [0, 1)."""
        # Keys lie in [0, 1) and rows rise, so that one sort of the sums, much faster than a lexsort, keeps them apart.
        place = np.empty(len(self.rows), dtype=np.int64)
        begin = np.cumsum(self.size) - self.size
        place[np.argsort(self.rows + key)] = np.arange(len(self.rows)) - begin[self.local]
        return place

    def place(self, n_entries: int) -> npt.NDArray[np.int64]:
        """(n_pairs,) the place, from 0, of each pair's first entry among its playlist's distinct tracks."""
        return self.rank(self.first / max(1, n_entries))


def pair_blocks(corpus: Corpus, mask: Mask | None = None) -> Iterator[PairBlock]:
    """The pairs of the entries in ``mask`` (n_entries,), by default all, in blocks of whole playlists.

    >>> [block.keys.tolist() for block in pair_blocks(Corpus.from_lists([["a", "b", "a"], ["b"]]))]
    [[0, 1, 3]]
    """
    for start, stop in _stretches(corpus):
        entries, keys = _keys(corpus, start, stop, mask)
        keys, first, of_entry = np.unique(keys, return_index=True, return_inverse=True)
        yield PairBlock(start, stop, entries, keys, keys // max(1, corpus.n_tracks), entries[first], of_entry)


def distinct_pairs(corpus: Corpus) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The distinct pairs of all entries, sorted: two (n_pairs,) arrays, playlists and tracks.

    >>> [part.tolist() for part in distinct_pairs(Corpus.from_lists([["a", "b", "a"], ["b"]]))]
    [[0, 0, 1], [0, 1, 1]]
    """
    rows, tracks = (np.empty(corpus.n_entries, dtype=np.int32) for _ in range(2))
    n = 0
    for start, stop in _stretches(corpus):
        # Sorting, since np.unique hashes as of NumPy 2.3, which takes 25 times as long on millions of keys.
        keys = np.sort(_keys(corpus, start, stop)[1])
        keys = keys[np.diff(keys, prepend=-1) > 0]
        rows[n : n + len(keys)], tracks[n : n + len(keys)] = np.divmod(keys, max(1, corpus.n_tracks))
        n += len(keys)
    if n < corpus.n_entries:
        rows, tracks = rows[:n].copy(), tracks[:n].copy()
    return rows, tracks


def holders(corpus: Corpus) -> npt.NDArray[np.int64]:
    """(n_tracks,) how many playlists hold each track.

    >>> holders(Corpus.from_lists([["a", "b", "a"], ["b"]])).tolist()
    [1, 2]
    """
    # By track the copies of a pair are neighbours. To count entries into place takes a seventh of sorting the pairs.
    ones = np.ones(corpus.n_entries, dtype=np.int8)
    entries = (ones, corpus.tracks, corpus.offsets)
    held = sparse.csr_array(entries, shape=(corpus.n_playlists, corpus.n_tracks)).tocsc()
    copies = np.flatnonzero(held.indices[1:] == held.indices[:-1]) + 1
    track = np.searchsorted(held.indptr, copies, side="right") - 1
    track = track[held.indptr[track] < copies]
    return np.diff(held.indptr).astype(np.int64) - np.bincount(track, minlength=corpus.n_tracks)


def _stretches(corpus: Corpus) -> Iterator[tuple[int, int]]:
    """Rows of playlists ``start:stop`` with some ``BLOCK`` entries each, or one playlist."""
    start = 0
    while start < corpus.n_playlists:
        full = int(np.searchsorted(corpus.offsets, corpus.offsets[start] + BLOCK, side="right")) - 1
        stop = min(max(start + 1, full), corpus.n_playlists)
        yield start, stop
        start = stop


def _keys(corpus: Corpus, start: int, stop: int, mask: Mask | None = None) -> tuple[Ints, Ints]:
    """The rows of the entries of some playlists, and the key of each."""
    low, high = corpus.offsets[start], corpus.offsets[stop]
    playlist = np.repeat(np.arange(start, stop), np.diff(corpus.offsets[start : stop + 1]))
    entries = np.arange(low, high)
    if mask is not None:
        entries, playlist = entries[mask[low:high]], playlist[mask[low:high]]
    return entries, playlist * np.int64(corpus.n_tracks) + corpus.tracks[entries]
