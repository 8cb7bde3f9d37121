"""The neighbourhood of a playlist, small enough to be read in a figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...corpus.cores import core_numbers
from ...corpus.corpus import Corpus, Ints
from ...errors import DataError

__all__ = ["Neighbourhood", "neighbourhood", "spring_layout"]

Kind = str
Node = tuple[Kind, int]

TRACKS, OTHERS, PLAYLISTS, ARTISTS = 12, 6, 6, 8
"""Tracks of the playlist, tracks that its neighbours share, neighbours, artists: at most."""

SEEN = (8, 60)
"""Lengths of the playlists among which one is chosen."""


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A few nodes around a playlist and all edges among them.

    Attributes:
        nodes: type and row of each, the playlist first.
        edges: (m, 2) places in ``nodes``.
        core: (n,) True for a node in the k-core of the playlists and tracks shown.
        k: the largest for which that core holds anything.
    """

    nodes: list[Node]
    edges: npt.NDArray[np.int64]
    core: npt.NDArray[np.bool_]
    k: int


def neighbourhood(corpus: Corpus, playlist: int | None = None, *, seed: int = 0) -> Neighbourhood:
    """The playlists that share most with a playlist, the tracks that most of them hold, and the artists of these.

    Args:
        corpus: the training entries: what the graph is made of.
        playlist: its row; none for the one of some hundred whose neighbours share most with it.

    Raises:
        DataError: the playlist has no track in the training data.
    """
    matrix = corpus.matrix
    if playlist is None:
        playlist = _readable(corpus, seed)
    own = np.unique(corpus.playlist(playlist))
    if not len(own):
        raise DataError(f"playlist {corpus.playlists['pid'][playlist].as_py()} has no training entries to draw")
    shared: npt.NDArray[np.float64] = np.asarray(matrix[:, own].sum(1)).ravel()
    shared[playlist] = 0
    near = [row for row in np.argsort(-shared, kind="stable")[:PLAYLISTS].tolist() if shared[row] > 0]
    held = np.asarray(matrix[near].sum(0)).ravel() if near else np.zeros(corpus.n_tracks)
    mine = own[np.argsort(-held[own], kind="stable")[:TRACKS]]
    rest = held.copy()
    rest[own] = 0
    others = [row for row in np.argsort(-rest, kind="stable")[:OTHERS].tolist() if rest[row] > 1]
    playlists, tracks = [playlist, *near], [*mine.tolist(), *others]
    artists = corpus.track_artist[tracks]
    known, counts = np.unique(artists[artists >= 0], return_counts=True)
    makers = known[np.argsort(-counts, kind="stable")[:ARTISTS]].tolist()
    pairs = matrix[playlists][:, tracks].tocoo()
    rows, cols = pairs.coords if hasattr(pairs, "coords") else (pairs.row, pairs.col)
    found = core_numbers(rows, cols, len(playlists), len(tracks))
    by = [(t, makers.index(a)) for t, a in enumerate(artists.tolist()) if a in makers]
    first = len(playlists)
    edges = [(int(r), first + int(c)) for r, c in zip(rows, cols)]
    edges += [(first + t, first + len(tracks) + a) for t, a in by]
    k = found.last
    core = np.concatenate([found.row == k, found.col == k, np.zeros(len(makers), bool)])
    nodes = [("playlist", p) for p in playlists] + [("track", t) for t in tracks] + [("artist", a) for a in makers]
    return Neighbourhood(nodes, np.array(edges).reshape(-1, 2), core, k)


def _readable(corpus: Corpus, seed: int) -> int:
    """Of some hundred playlists of middle length, the one whose nearest neighbours share most with it."""
    lengths = corpus.lengths
    able = np.flatnonzero((lengths >= SEEN[0]) & (lengths <= SEEN[1]))
    able = able if len(able) else np.flatnonzero(lengths)
    if not len(able):
        raise DataError("there are no training entries to draw")
    some = np.random.default_rng(seed).choice(able, min(len(able), 200), replace=False)
    shared = (corpus.matrix[some] @ corpus.matrix.T).toarray()
    shared[np.arange(len(some)), some] = 0
    size = np.maximum(lengths[some], SEEN[0])
    return int(some[(np.sort(shared, axis=1)[:, -PLAYLISTS:].sum(1) / size).argmax()])


def spring_layout(n: int, edges: Ints, *, seed: int = 0, steps: int = 400) -> npt.NDArray[np.float64]:
    """(n, 2) places at which edges are short and nodes keep apart. Fruchterman & Reingold 1991.

    Neighbours attract each other with ``d² / k``, less where a node has many, lest these fall upon each other; all
    nodes repel each other with ``k² / d``; a weak pull towards the middle keeps the parts together. No node moves
    further than the temperature, which falls to nothing.

    >>> places = spring_layout(3, np.array([[0, 1]]))
    >>> bool(np.linalg.norm(places[0] - places[1]) < np.linalg.norm(places[0] - places[2]))
    True
    """
    places = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    ideal = 2 / np.sqrt(max(1, n))
    degree = np.maximum(np.bincount(edges.ravel(), minlength=n), 1)
    weight = 2 / np.sqrt(degree[edges[:, 0]] * degree[edges[:, 1]])[:, None]
    for step in range(steps):
        apart = places[:, None] - places[None]
        distance = np.maximum(np.linalg.norm(apart, axis=2), 1e-3)
        moves = (apart * (ideal**2 / distance**2)[..., None]).sum(1) - 0.8 * places
        along = places[edges[:, 0]] - places[edges[:, 1]]
        pull = weight * along * np.linalg.norm(along, axis=1, keepdims=True) / ideal
        np.add.at(moves, edges[:, 0], -pull)
        np.add.at(moves, edges[:, 1], pull)
        length = np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1e-9)
        places += moves / length * np.minimum(length, 0.15 * (1 - step / steps))
    return places
