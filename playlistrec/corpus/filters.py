"""Filters: which playlists and tracks to keep. Each returns the two masks that ``Corpus.subset`` takes.

All of them look at the distinct (playlist, track) pairs, and only at those of entries in ``counted``: with
a test part that came with the data, hidden entries must decide nothing.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ..config import require
from ..errors import DataError
from .cores import core
from .corpus import Corpus, Ints, Mask

__all__ = ["k_core", "largest_component", "neighbourhood"]

Masks = tuple[Mask, Mask]


def k_core(corpus: Corpus, k: int, counted: Mask | None = None) -> Masks:
    """The largest set of playlists and tracks with at least ``k`` pairs each among themselves.

    Returns the (n_playlists,) and (n_tracks,) masks of what stays: everything for ``k`` = 0, all that have an
    entry for ``k`` = 1. Seidman 1983, "Network structure and minimum degree".

    Raises ConfigError for a negative ``k`` and DataError when nothing stays.

    >>> corpus = Corpus.from_lists([["a", "b", "b"], ["a", "b"], ["b", "c"]])
    >>> [mask.tolist() for mask in k_core(corpus, 2)]
    [[True, True, False], [True, True, False]]
    """
    require(k >= 0, "k_core", "at least 0", k)
    if k == 0:
        return np.ones(corpus.n_playlists, dtype=bool), np.ones(corpus.n_tracks, dtype=bool)
    graph = *_pairs(corpus, counted), corpus.n_playlists, corpus.n_tracks
    found = core(*graph, k)
    if not found.row.any():
        low, high = 0, k  # the core of ``low`` holds something, or is that of 0; the core of ``high`` nothing
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if core(*graph, middle).row.any() else (low, middle)
        raise DataError(f"the {k}-core of this data is empty; the largest k_core that leaves something is {low}")
    return found.row, found.col


def largest_component(corpus: Corpus, counted: Mask | None = None) -> Masks:
    """The connected component of the playlist-track graph with the most nodes; the first of equals.

    Raises DataError when no entry counts.
    """
    rows, cols = _pairs(corpus, counted)
    if not len(rows):
        raise DataError("the data has no entries, so no component either")
    n = corpus.n_playlists + corpus.n_tracks
    graph = sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, cols + corpus.n_playlists)), shape=(n, n))
    _, label = csgraph.connected_components(graph, directed=False)
    largest = label == np.bincount(label).argmax()
    return largest[: corpus.n_playlists], largest[corpus.n_playlists :]


def neighbourhood(corpus: Corpus, playlist: int, hops: int, counted: Mask | None = None) -> Masks:
    """The nodes within ``hops`` edges of a playlist: 1 its tracks, 2 the playlists that share one, and so on.

    Raises ConfigError for ``hops`` below 1 and DataError for a row that no playlist has.
    """
    require(hops >= 1, "hops", "at least 1", hops)
    if not 0 <= playlist < corpus.n_playlists:
        raise DataError(f"playlist must be a row in 0..{corpus.n_playlists - 1} (got {playlist})")
    rows, cols = _pairs(corpus, counted)
    playlists, tracks = np.zeros(corpus.n_playlists, dtype=bool), np.zeros(corpus.n_tracks, dtype=bool)
    playlists[playlist] = True
    for hop in range(hops):
        to, found = (tracks, cols[playlists[rows]]) if hop % 2 == 0 else (playlists, rows[tracks[cols]])
        if to[found].all():
            break
        to[found] = True
    return playlists, tracks


def _pairs(corpus: Corpus, counted: Mask | None) -> tuple[Ints, Ints]:
    return corpus.pairs if counted is None else corpus.where(counted).pairs
