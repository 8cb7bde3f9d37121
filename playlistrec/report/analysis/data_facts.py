"""What the data is, in numbers: degrees, lengths, popularity, cores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...corpus.corpus import Corpus, Ints

__all__ = ["Cores", "at_least", "cores", "degrees", "histogram", "popularity_curve", "thinned"]

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


@dataclass(frozen=True)
class Cores:
    """What is left of playlists and tracks when each must have k of the other.

    Attributes:
        playlist, track: (n,) the largest k in whose core the node still is.
        pairs: (n_pairs,) the same of every pair.
    """

    playlist: Ints
    track: Ints
    pairs: Ints

    def sizes(self) -> tuple[Ints, dict[str, Ints]]:
        """k from 1 to the last core that holds something, and the nodes and pairs in each."""
        last = int(self.pairs.max(initial=0))
        ks = np.arange(1, last + 1)
        parts = {"playlists": self.playlist, "tracks": self.track, "pairs": self.pairs}
        left = {
            name: np.bincount(values, minlength=last + 1)[::-1].cumsum()[::-1][1:] for name, values in parts.items()
        }
        return ks, left


def cores(rows: Ints, cols: Ints, n_rows: int, n_cols: int) -> Cores:
    """The core numbers of a bipartite graph of distinct pairs. Seidman 1983, "Network structure and minimum degree".

    >>> found = cores(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 2]), 3, 3)
    >>> found.playlist.tolist(), found.track.tolist(), found.sizes()[1]["pairs"].tolist()
    ([2, 2, 1], [2, 2, 1], [6, 4])
    """
    playlist, track = np.zeros(n_rows, np.int64), np.zeros(n_cols, np.int64)
    pairs = np.zeros(len(rows), np.int64)
    left = np.arange(len(rows))
    k = 1
    while len(left):
        r, c = rows[left], cols[left]
        kept = (np.bincount(r, minlength=n_rows) >= k)[r] & (np.bincount(c, minlength=n_cols) >= k)[c]
        if kept.all():
            playlist[r], track[c], pairs[left] = k, k, k
            k += 1
        else:
            left = left[kept]
    return Cores(playlist, track, pairs)


def thinned(n: int, most: int = POINTS) -> Ints:
    """Which of ``n`` points of a curve on a log axis to draw: the first, the last, and about ``most`` in all.

    >>> thinned(1000, 4).tolist()
    [0, 9, 99, 999]
    """
    return np.unique(np.geomspace(1, max(1, n), min(n, most)).round().astype(np.int64)) - 1 if n else np.arange(0)
