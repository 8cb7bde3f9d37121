"""The graph of playlists and tracks as a whole: its largest component, a sample of it, a core, and places for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ...config import require
from ...corpus.cores import core_numbers
from ...corpus.corpus import Corpus, Ints
from ...corpus.filters import largest_component
from ...errors import ConfigError, DataError

__all__ = ["Network", "graph_layout", "network"]

FEWEST = 10
"""Nodes that a picture of a network is worth."""
STEPS = 500


@dataclass(frozen=True, eq=False)
class Network:
    """A part of the graph.

    Attributes:
        playlists, tracks: rows of the corpus.
        edges: (n_edges, 2) places in ``playlists`` and in ``tracks``.
        core: (n_playlists + n_tracks,) which nodes are in the ``k``-core of the whole.
        whole: nodes of the component that this is (a sample of).
    """

    playlists: Ints
    tracks: Ints
    edges: Ints
    core: npt.NDArray[np.bool_]
    k: int
    whole: int

    @property
    def n_nodes(self) -> int:
        """Playlists and tracks."""
        return len(self.playlists) + len(self.tracks)


def network(corpus: Corpus, k: int | None = None, sample: int = 7000, *, seed: int = 0) -> Network:
    """The largest component of ``corpus``, or a connected part of it.

    The part grows from a random playlist by random ones that share a track with it, each with all its tracks, while
    these are ``sample`` nodes at most.

    Args:
        corpus: the training entries.
        k: the core that is marked, taken before the sample; none for the innermost.

    Raises:
        DataError: there are no entries, or no such core.
    """
    require(sample >= FEWEST, "sample", f"at least {FEWEST}", sample)
    require(k is None or k >= 1, "k_core", "at least 1", k)
    numbers = core_numbers(*corpus.pairs, corpus.n_playlists, corpus.n_tracks)
    depth = numbers.last if k is None else k
    if not 1 <= depth <= numbers.last:
        raise DataError(
            f"the {depth}-core of this data is empty; the largest k_core that leaves something is {numbers.last}"
        )
    held, known = largest_component(corpus)
    whole = int(held.sum() + known.sum())
    if whole > sample:
        held = _grown(corpus, held, sample, seed)
        known = corpus.where(held[corpus.entry_playlist]).popularity > 0
    playlists, tracks = np.flatnonzero(held), np.flatnonzero(known)
    rows, columns = corpus.pairs
    kept = held[rows] & known[columns]
    edges = np.stack([np.searchsorted(playlists, rows[kept]), np.searchsorted(tracks, columns[kept])], axis=1)
    core = np.concatenate([numbers.row[playlists] >= depth, numbers.col[tracks] >= depth])
    return Network(playlists, tracks, edges.astype(np.int64), core, depth, whole)


def _grown(corpus: Corpus, held: npt.NDArray[np.bool_], sample: int, seed: int) -> npt.NDArray[np.bool_]:
    """Playlists of ``held``, with their tracks at most ``sample`` nodes: a random one, then random neighbours."""
    random, columns = np.random.default_rng(seed), corpus.columns
    chosen, met, nodes = np.zeros(corpus.n_playlists, bool), np.zeros(corpus.n_tracks, bool), 0
    waiting = [int(random.choice(np.flatnonzero(held)))]
    seen = np.zeros(corpus.n_playlists, bool)
    seen[waiting] = True
    while waiting and nodes < sample:
        at = int(random.integers(len(waiting)))
        waiting[at], waiting[-1] = waiting[-1], waiting[at]
        playlist = waiting.pop()
        tracks = np.unique(corpus.playlist(playlist))
        new = tracks[~met[tracks]]
        if nodes and nodes + 1 + len(new) > sample:
            continue
        chosen[playlist], met[new], nodes = True, True, nodes + 1 + len(new)
        for track in new.tolist():
            beside = columns.indices[columns.indptr[track] : columns.indptr[track + 1]]
            beside = beside[~seen[beside]]
            seen[beside] = True
            waiting += beside.tolist()
    return chosen


def graph_layout(edges: Ints, n_rows: int, n_columns: int, *, seed: int = 0) -> npt.NDArray[np.float64]:
    """(n_rows + n_columns, 2) places of the nodes of a bipartite graph, neighbours near each other.

    t-SNE whose affinities are the normalised adjacency (Kruiger et al. 2017, tsNET), begun from the second and third
    singular vectors, so that a graph of thousands of nodes takes seconds.

    Raises ConfigError where openTSNE is missing.
    """
    try:
        from openTSNE import TSNEEmbedding  # type: ignore[import-untyped]
        from openTSNE.affinity import PrecomputedAffinities  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigError("a network needs the package openTSNE: pip install 'playlistrec[plots]'") from None
    n = n_rows + n_columns
    ends = edges[:, 0], edges[:, 1] + n_rows
    degree = np.maximum(np.bincount(np.concatenate(ends), minlength=n), 1)
    weight = 1 / np.sqrt(degree[ends[0]] * degree[ends[1]])
    half = sparse.coo_array((weight, ends), shape=(n, n))
    whole = sparse.csr_array(half + half.T)
    random = np.random.default_rng(seed)
    basis = random.standard_normal((n, 3))
    for _ in range(60):  # power iteration on (A + I) / 2, whose largest eigenvalues are those of A
        basis, _ = np.linalg.qr(whole @ basis + basis)
    start = basis[:, 1:] / basis[:, 1:].std(axis=0) * 1e-4
    affinities = PrecomputedAffinities(sparse.csr_matrix(whole / whole.sum()), normalize=False)
    places = TSNEEmbedding(start, affinities, negative_gradient_method="bh", random_state=seed, n_jobs=1)
    places = places.optimize(STEPS // 4, exaggeration=8, momentum=0.5, learning_rate=n / 8)
    places = places.optimize(STEPS, exaggeration=1.5, momentum=0.8, learning_rate=n / 1.5)
    return np.asarray(places, dtype=np.float64)
