"""The context of a target track: the track before it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...corpus.corpus import Corpus
from ..base import Query

__all__ = ["last_tracks", "previous_seeds", "previous_tracks"]

Ids = npt.NDArray[np.int64]


def previous_tracks(corpus: Corpus) -> Ids:
    """(n_pairs,) the track before each of the corpus' pairs, before its first occurrence where it has several.

    ``n_tracks`` where nothing is before it.

    >>> corpus = Corpus.from_lists([["c", "a", "b", "c"], ["b"]])  # tracks 0, 1, 2; pairs (0, 0) (0, 1) (0, 2) (1, 2)
    >>> previous_tracks(corpus).tolist()
    [3, 0, 1, 3]
    """
    before = _before(corpus.tracks.astype(np.int64), corpus.offsets, corpus.n_tracks)
    keys = corpus.entry_playlist.astype(np.int64) * corpus.n_tracks + corpus.tracks
    order = np.argsort(keys, kind="stable")
    return before[order[np.diff(keys[order], prepend=-1) > 0]]


def previous_seeds(query: Query, n_tracks: int) -> Ids:
    """(n_seeds,) the seed before each seed of a query, ``n_tracks`` before the first.

    >>> previous_seeds(Query.of([[4, 2, 2], [], [7]]), 9).tolist()
    [9, 4, 2, 9]
    """
    return _before(query.tracks, query.offsets, n_tracks)


def last_tracks(query: Query, n_tracks: int) -> Ids:
    """(batch,) the last seed of each query, ``n_tracks`` where there is none.

    >>> last_tracks(Query.of([[4, 2], []]), 9).tolist()
    [2, 9]
    """
    last = np.full(len(query), n_tracks, dtype=np.int64)
    some = np.diff(query.offsets) > 0
    last[some] = query.tracks[query.offsets[1:][some] - 1]
    return last


def _before(tracks: Ids, offsets: Ids, nothing: int) -> Ids:
    before = np.roll(tracks, 1)
    before[offsets[:-1][np.diff(offsets) > 0]] = nothing
    return before
