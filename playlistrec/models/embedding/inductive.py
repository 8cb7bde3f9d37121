"""Rows for nodes that a model was not fitted to, from those of their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ...corpus.corpus import Corpus
from ...errors import ConfigError

if TYPE_CHECKING:
    from ...corpus.growth import Growth
    from ..base import Arrays

__all__ = ["ROWS", "grown_state"]

Floats = npt.NDArray[np.float32]
Matrix = sparse.csr_array

ROWS = {
    **{"tables.playlist": "playlist", "tables.artist": "artist", "linear.artist": "artist"},
    **dict.fromkeys(
        ["tables.track", "tables.seed", "tables.output", "tables.context", "linear.track", "bias"], "track"
    ),
}
"""Arrays of a gradient model's state that have a row for each node of a type, by their names."""

PENALTY = 1e-2
"""Ridge of the maps, relative to the mean square of a feature."""


def grown_state(corpus: Corpus, state: Arrays, growth: Growth, *, refresh: bool) -> Arrays:
    """The state of a gradient model over the rows of ``corpus``: fitted rows as they are, the others inferred.

    A row of a new playlist is a linear map of the rows of its tracks, one of a new track of those of its playlists and
    of its artist, one of a new artist of those of its tracks. The maps are ridge regressions on the fitted rows, from
    the same features: the sum over the neighbours with the symmetric normalisation of a graph convolution, and their
    mean. Only rows that are known by then count as neighbours. They depend on the fitted rows and on ``corpus`` alone,
    so that growing twice is growing once.

    Args:
        refresh: infer the playlists that hold other tracks than they did as well: for models that do not pass
            messages, whose rows would not receive it.
    """
    fitted = {"playlist": growth.n_playlists, "track": growth.n_tracks, "artist": growth.n_artists}
    sizes = {"playlist": corpus.n_playlists, "track": corpus.n_tracks, "artist": corpus.n_artists}
    known = {kind: np.arange(sizes[kind]) < fitted[kind] for kind in sizes}
    if refresh:
        known["playlist"][: len(growth.changed)] &= ~growth.changed
    had = {
        "playlist": growth.before.n_playlists,
        "track": growth.before.n_tracks,
        "artist": growth.before.n_artists,
    }
    blocks = {kind: _Block(kind, state, fitted[kind], had[kind], sizes[kind]) for kind in sizes}
    pairs = corpus.matrix
    artist = corpus.track_artist
    named = np.flatnonzero(artist >= 0)
    made = sparse.csr_array(
        (np.ones(len(named), np.float32), (artist[named], named)), shape=(corpus.n_artists, corpus.n_tracks)
    )
    holders = sparse.csr_array(pairs.T)
    tracks, playlists, artists = blocks["track"], blocks["playlist"], blocks["artist"]
    for _ in range(2):  # the second time new tracks speak for new playlists too
        ready = {kind: known[kind] | blocks[kind].done for kind in sizes}
        if playlists.width:
            playlists.infer(_messages(pairs, tracks.rows, ready["track"]), known["playlist"])
            of_playlists, sending = playlists.rows, known["playlist"] | playlists.done
        else:
            of_playlists = _messages(pairs, tracks.rows, known["track"])[:, tracks.width :]
            sending = np.ones(corpus.n_playlists, dtype=bool)
        by_artist = _messages(made, tracks.rows, known["track"])[:, tracks.width :]
        own = by_artist if not artists.width else np.hstack([by_artist, artists.rows * known["artist"][:, None]])
        speaks = np.vstack([own, np.zeros((1, own.shape[1]), np.float32)])[artist]  # the last row is for no artist
        tracks.infer(np.hstack([_messages(holders, of_playlists, sending), speaks]), known["track"])
        if artists.width:
            artists.infer(_messages(made, tracks.rows, known["track"] | tracks.done), known["artist"])
    grown = {name: np.array(array) for name, array in state.items()}
    for block in blocks.values():
        grown |= block.arrays()
    return grown


class _Block:
    """The arrays of one type of node side by side, (n, width).

    Args:
        n_fitted: leading rows that are kept.
        n_before: rows that the arrays have for nodes; what is below them, such as that for no artist, stays last.
        size: rows wanted.
    """

    def __init__(self, kind: str, state: Arrays, n_fitted: int, n_before: int, size: int) -> None:
        self.arrays_of = {name: state[name] for name in state if ROWS.get(name) == kind}
        for name, array in self.arrays_of.items():
            if not n_before <= len(array) <= n_before + 1:
                raise ConfigError(f"{name} must have a row for each of {n_before} {kind}s (got {len(array)})")
        parts = [array[:n_fitted].reshape(n_fitted, -1).astype(np.float32) for array in self.arrays_of.values()]
        self.n_before, self.widths = n_before, [part.shape[1] for part in parts]
        self.width = sum(self.widths)
        self.rows = np.zeros((size, self.width), dtype=np.float32)
        if parts:
            self.rows[:n_fitted] = np.hstack(parts)
        self.done = np.zeros(size, dtype=bool)

    def infer(self, features: Floats, known: npt.NDArray[np.bool_]) -> None:
        """Fill the rows that are not known, where their features are not all 0."""
        says: npt.NDArray[np.bool_] = np.any(features != 0, axis=1)
        wanted = np.flatnonzero(~known)
        if not self.width or not len(wanted):
            return
        mean = self.rows[known].mean(0) if known.any() else np.zeros(self.width, np.float32)
        self.rows[wanted] = mean
        examples = np.flatnonzero(known & says)
        answered = wanted[says[wanted]]
        if len(examples) and len(answered):
            self.rows[answered] = mean + _mapped(features[examples], self.rows[examples] - mean, features[answered])
        self.done[answered] = True

    def arrays(self) -> Arrays:
        """The arrays by name, with the rows that they had below the last node."""
        found: Arrays = {}
        parts: Sequence[Floats] = np.split(self.rows, np.cumsum(self.widths)[:-1], axis=1) if self.widths else []
        for (name, before), part in zip(self.arrays_of.items(), parts):
            whole = part.reshape(len(part), *before.shape[1:])
            found[name] = np.concatenate([whole, before[self.n_before :]]).astype(before.dtype)
        return found


def _messages(edges: Matrix, rows: Floats, sending: npt.NDArray[np.bool_]) -> Floats:
    """(n, 2 width) the normalised sum and the mean of the rows of the neighbours in ``sending``."""
    counts = np.diff(edges.indptr)
    degree = np.maximum(np.bincount(edges.indices, minlength=edges.shape[1]), 1).astype(np.float32)
    among = edges @ sending.astype(np.float32)
    speaking = rows * sending[:, None]
    norm = np.sqrt(np.maximum(among, 1), dtype=np.float32)[:, None]
    smooth = (edges @ (speaking / np.sqrt(degree)[:, None])) / norm
    mean = (edges @ speaking) / np.maximum(among, 1, dtype=np.float32)[:, None]
    assert len(counts) == len(mean), "a row for each node"
    return np.hstack([smooth, mean]).astype(np.float32)


def _mapped(features: Floats, targets: Floats, wanted: Floats) -> Floats:
    """The ridge regression from features to targets, applied to the wanted features."""
    gram = (features.T @ features).astype(np.float64)
    penalty = PENALTY * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram + penalty * np.eye(len(gram)), (features.T @ targets).astype(np.float64))
    return np.asarray(wanted @ weights.astype(np.float32))
