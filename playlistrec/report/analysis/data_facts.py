"""Statistics of a corpus: degrees, lengths, popularity, cores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...corpus.cores import core_numbers
from ...corpus.corpus import Corpus, Ints

__all__ = ["at_least", "core_curve", "degrees", "histogram", "popularity_curve", "thinned"]

Floats = npt.NDArray[np.float64]

POINTS = 300
"""Points of a curve: as many as can be seen."""


def degrees(corpus: Corpus) -> dict[str, Ints]:
    """Of every node type its degrees: tracks of a playlist, playlists of a track, tracks of an artist."""
    rows, _ = corpus.pairs
    artist = corpus.track_artist
    return {
        "playlist": np.bincount(rows, minlength=corpus.n_playlists),
        "track": corpus.popularity,
        "artist": np.bincount(artist[artist >= 0], minlength=corpus.n_artists),
    }


def at_least(values: Ints) -> tuple[Ints, Floats]:
    """The distinct values above 0, and the share of the nodes that have at least each.

    >>> [part.tolist() for part in at_least(np.array([1, 1, 2, 5]))]
    [[1, 2, 5], [1.0, 0.5, 0.25]]
    """
    distinct, counts = np.unique(values[values > 0], return_counts=True)
    return distinct, counts[::-1].cumsum()[::-1] / max(1, len(values))


def histogram(values: Ints, bins: int = 24) -> tuple[Ints, Ints]:
    """Counts of values of at least 1 in bins that are about as wide as each other on a log axis.

    Returns:
        edges (bins + 1,), whole numbers; bin i holds ``edges[i] <= value < edges[i + 1]``. And counts (bins,). There
        are fewer bins where there are fewer values.

    >>> [part.tolist() for part in histogram(np.array([1, 1, 2, 3, 9]), 3)]
    [[1, 3, 5, 10], [3, 1, 1]]
    """
    values = values[values > 0]
    if not len(values):
        return np.array([1, 2]), np.array([0])
    edges = np.unique(np.ceil(np.geomspace(1, int(values.max()) + 1, bins + 1) - 1e-9).astype(np.int64))
    return edges, np.histogram(values, edges)[0]


def popularity_curve(popularity: Ints) -> tuple[Ints, Ints, Floats]:
    """Ranks from 1, the popularity of the track at each rank, and the share of all pairs that it and those above hold.

    >>> [part.tolist() for part in popularity_curve(np.array([1, 6, 3, 0]))]
    [[1, 2, 3], [6, 3, 1], [0.6, 0.9, 1.0]]
    """
    falling = np.sort(popularity[popularity > 0])[::-1]
    return np.arange(1, len(falling) + 1), falling, falling.cumsum() / max(1, int(falling.sum()))


def core_curve(corpus: Corpus) -> tuple[Ints, dict[str, Ints]]:
    """k from 1 to the last core that holds something, and the playlists, tracks and pairs in each.

    >>> ks, left = core_curve(Corpus.from_lists([["a", "b"], ["a", "b"], ["b", "c"]]))
    >>> ks.tolist(), left["playlists"].tolist(), left["pairs"].tolist()
    ([1, 2], [3, 2], [6, 4])
    """
    found = core_numbers(*corpus.pairs, corpus.n_playlists, corpus.n_tracks)
    parts = {"playlists": found.row, "tracks": found.col, "pairs": found.pairs}
    return np.arange(1, found.last + 1), {
        name: np.bincount(values, minlength=found.last + 1)[::-1].cumsum()[::-1][1:] for name, values in parts.items()
    }


def thinned(n: int, most: int = POINTS) -> Ints:
    """Indices of ``n`` points to draw on a log axis: the first, the last, and about ``most`` in all.

    >>> thinned(1000, 4).tolist()
    [0, 9, 99, 999]
    """
    return np.unique(np.geomspace(1, max(1, n), min(n, most)).round().astype(np.int64)) - 1 if n else np.arange(0)
