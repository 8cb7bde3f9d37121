"""Item neighbours: tracks vote for the tracks they share playlists with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...errors import ConfigError
from ..base import Arrays, Query, Recommender
from ..edge_weights import EdgeWeights, scaled_weights
from ..linear.side import side_rows
from ..state_schema import Csr, schema
from .top_neighbours import keep_highest, squares
from .weighting import TermWeights, Weighting

__all__ = ["ItemKNN", "ItemKNNConfig"]

CHUNK_PAIRS = 4_000_000
"""Co-occurrences counted at a time, copies included: some 80 MB, in blocks that the allocator keeps."""

MOST_PAIRS = 150_000_000
"""Similarities that a model may keep: 1.2 GB at eight bytes each."""


@dataclass(frozen=True, kw_only=True)
class ItemKNNConfig(Config):
    """Options of :class:`ItemKNN`.

    Attributes:
        neighbours: how many tracks may vote for a track, the most similar ones; None: all that co-occur with it.
        shrink: added to the denominator; damps similarities that rest on few playlists.
        alpha: the part of the denominator that is the voter's; below .5 popular tracks get fewer votes.
        weighting: of the playlists a track is in: ``tfidf`` and ``bm25`` count long playlists less
            (see :class:`~playlistrec.models.neighbours.weighting.TermWeights`, tracks being the documents).
        unit_playlists: scale each playlist to length 1 before tracks are compared, so that a short playlist says
            more about its tracks than a long one.
        artist_weight, album_weight: added to the similarity of two tracks of one artist, or album.
        edge_weights: weights of the training pairs, of data preprocessed with ``--weights``: ``none``, ``log1p`` or
            ``raw``, scaled to a mean of 1; they multiply those of ``weighting``.
    """

    neighbours: int | None = None
    shrink: float = 0.0
    alpha: float = 0.5
    weighting: Weighting = "none"
    unit_playlists: bool = False
    artist_weight: float = 0.0
    album_weight: float = 0.0
    edge_weights: EdgeWeights = "none"

    def __post_init__(self) -> None:
        require(self.neighbours is None or self.neighbours >= 1, "neighbours", "at least 1, or none", self.neighbours)
        require(0 <= self.alpha <= 1, "alpha", "between 0 and 1", self.alpha)
        for name in ("shrink", "artist_weight", "album_weight"):
            require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))


class ItemKNN(Recommender[ItemKNNConfig]):
    """Cosine item neighbours: ``score(p, t) = sum_{s in seeds(p)} sim(s, t)`` over the distinct seeds.

    ``sim(s, t) = n_st / (n_s^α n_t^(1-α) + shrink)`` with ``n_st`` the training playlists that hold both tracks,
    ``n_t = n_tt``, and ``sim(t, t) = 0``. With ``neighbours`` only the tracks most similar to ``t`` vote for it (ties
    to the lower index). Sarwar, Karypis, Konstan & Riedl 2001, section 3; summed, and with ``unit_playlists`` the rows
    of the playlist-track matrix normalised, as in Deshpande & Karypis 2004, section 4; α as in Aiolli 2013, section
    3.3. With other weights than ones, ``n_st`` is the product of two columns. Similarity of content is added to that of
    use, rather than stacked below the matrix as for EASE: on the validation part of the Polimi playlists that gives
    MAP@10 .107 in place of .102 (the other options at their defaults).

    Attributes:
        votes: (n_tracks, n_tracks) sparse; row s holds ``sim(s, t)`` for the tracks t that s votes for.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "b", "c"]])
    >>> model = ItemKNN.from_corpus(corpus, ItemKNNConfig())
    >>> model.score(Query.of([[0]]))
    tensor([[0.0000, 1.0000, 0.7071]])
    """

    name = "itemknn"
    summary = "tracks that share playlists with the seeds (cosine item neighbours)"
    papers = (
        'Sarwar, Karypis, Konstan & Riedl 2001, "Item-based collaborative filtering recommendation algorithms", sec. 3',
        'Deshpande & Karypis 2004, "Item-based top-N recommendation algorithms", section 4 (`unit_playlists`)',
        'Aiolli 2013, "Efficient top-N recommendation for very large scale binary rated datasets", 3.3 (`alpha`)',
    )
    config_class = ItemKNNConfig
    state_schema = schema(votes=Csr("tracks", "tracks", data="data"))

    def __init__(self, votes: sparse.csr_array[np.float32], config: ItemKNNConfig) -> None:
        self.votes = votes
        self.config = config
        self.n_tracks = votes.shape[0]

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: ItemKNNConfig, *, seed: int = 0) -> Self:
        holders = sparse.csr_array(corpus.matrix.T)  # tracks as documents, whose terms are their playlists
        holders = TermWeights.of(holders, config.weighting)(holders)
        weights = scaled_weights(corpus, config.edge_weights)
        if weights is not None:
            pairs = sparse.csr_array((weights, corpus.pairs), shape=corpus.matrix.shape)
            parts = holders.data * sparse.csr_array(pairs.T).data, holders.indices, holders.indptr
            holders = sparse.csr_array(parts, shape=holders.shape)
        if config.unit_playlists:
            roots = np.sqrt(squares(sparse.csr_array(holders.T)))
            parts = holders.data / roots[holders.indices], holders.indices, holders.indptr
            holders = sparse.csr_array(parts, shape=holders.shape)
        side = side_rows(corpus, artist=config.artist_weight, album=config.album_weight)
        return cls(_votes(holders, side, config), config)

    def score(self, query: Query) -> Tensor:
        # The alternative, Q·D·Xᵀ·X·D without similarities, needs no memory beyond the data but took as long on
        # Gowalla (1.0 s for 1,000 queries) and four times as long on Polimi's playlists (2.0 s against 0.5 s).
        return torch.from_numpy((query.matrix(self.n_tracks) @ self.votes).toarray())

    def state(self) -> Arrays:
        return {"indptr": self.votes.indptr, "indices": self.votes.indices, "data": self.votes.data}

    @classmethod
    def from_state(cls, corpus: Corpus, config: ItemKNNConfig, state: Arrays) -> Self:
        parts: Any = (state["data"], state["indices"], state["indptr"])
        return cls(sparse.csr_array(parts, shape=(corpus.n_tracks, corpus.n_tracks)), config)


def _votes(
    holders: sparse.csr_array[np.float32], side: sparse.csr_array[np.float32], config: ItemKNNConfig
) -> sparse.csr_array[np.float32]:
    """(n_tracks, n_tracks) similarities of the rows of ``holders`` (n_tracks, n_playlists), never dense.

    ``side`` (n_groups, n_tracks): the products of its columns are added to them.
    """
    pairs, groups = sparse.csr_array(holders.T), sparse.csr_array(side.T)
    n_tracks, size = holders.shape[0], squares(holders)
    voter, votee = size**config.alpha, size ** (1 - config.alpha)
    # Row t of Xᵀ·X takes as many additions as the playlists that hold t have tracks; chunks of equal work.
    binary = sparse.csr_array((np.ones(holders.nnz), holders.indices, holders.indptr), shape=holders.shape)
    work = np.cumsum(binary @ np.diff(pairs.indptr))
    cuts = np.searchsorted(work, np.arange(CHUNK_PAIRS, work[-1], CHUNK_PAIRS)) + 1
    chunks, kept = [], 0
    for low, high in pairwise(np.unique([0, *cuts.tolist(), n_tracks])):
        chunk = holders[low:high] @ pairs  # row t, column s
        chunk.data /= np.repeat(votee[low:high], np.diff(chunk.indptr)) * voter[chunk.indices] + config.shrink
        if side.nnz:
            chunk = sparse.csr_array(chunk + groups[low:high] @ side)
        own = np.repeat(np.arange(low, high, dtype=chunk.indices.dtype), np.diff(chunk.indptr))
        chunk.data[own == chunk.indices] = 0
        if config.neighbours is None:
            chunk.eliminate_zeros()
        else:
            keep_highest(chunk, config.neighbours)
        chunks.append(chunk)
        kept += chunk.nnz
        if kept > MOST_PAIRS:
            raise ConfigError(
                f"neighbours must be a smaller number, such as 100, for data of this size "
                f"(got {config.neighbours}, which is more than {MOST_PAIRS:,} similarities)"
            )
    similar = sparse.csr_array(sparse.vstack(chunks, format="csr"))
    symmetric = config.neighbours is None and config.alpha == 0.5
    return similar if symmetric else sparse.csr_array(similar.T)
