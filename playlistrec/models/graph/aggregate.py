"""Playlists as aggregates of their tracks: no table of playlists, and a step that costs what its batch holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ..base import Query, ScoreVectors
from ..embedding.model import EmbeddingConfig, EmbeddingModel, Vectors, initial_tables

__all__ = ["Aggregate", "AggregateConfig"]

CHUNK = 8192
"""Playlists whose vectors are made at a time."""


@dataclass(frozen=True, kw_only=True)
class AggregateConfig(EmbeddingConfig):
    """Options of :class:`Aggregate`.

    Attributes:
        conv: the layer from tracks to playlists: ``lightgcn``, a weighted sum; ``gat``, attention that asks with that
            sum; ``sage``, the sum and the mean, each through a matrix.
        heads: attention heads of ``gat``, each of width dim / heads.
        seed_weight_exponent: a seed weighs its playlists to minus this power; 0.5 is LightGCN's normalisation.
        artists: true to add a vector of the artist to those of its tracks.
    """

    conv: Literal["lightgcn", "gat", "sage"] = "lightgcn"
    heads: int = 4
    seed_weight_exponent: float = 0.25
    artists: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.seed_weight_exponent >= 0, "seed_weight_exponent", "at least 0", self.seed_weight_exponent)
        whole = self.conv != "gat" or (self.heads >= 1 and self.dim % self.heads == 0)
        require(whole, "heads", f"a divisor of dim = {self.dim}", self.heads)


class Aggregate(EmbeddingModel):
    """``z_p = conv({x_s : s in seeds(p)})`` and ``score(p, t) = z_p · y_t``, with two vectors x and y for each track.

    One round of message passing from tracks to playlists (Hamilton et al. 2017, inductive), over a random part of a
    playlist's tracks in training, its seeds, for the others as targets; item-based factors with two tables as in
    Kabbur, Ning & Karypis 2013 (FISM), eq. 3. With ``conv=lightgcn`` it is ``z_p = Σ_s n_s^-γ x_s / sqrt(|seeds|)``.
    Known and unseen playlists are scored alike, from their distinct seeds.
    """

    name: ClassVar[str] = "aggregate"
    summary: ClassVar[str] = "playlists as aggregates of their tracks, by a graph layer; for millions of playlists"
    papers: ClassVar[tuple[str, ...]] = (
        'Kabbur, Ning & Karypis 2013, "FISM: factored item similarity models for top-N recommender systems", eq. 3',
        'Hamilton, Ying & Leskovec 2017, "Inductive representation learning on large graphs" (the round of messages)',
    )
    config_class: ClassVar[type[Config]] = AggregateConfig
    aggregates: ClassVar[bool] = True
    config: AggregateConfig
    weight: Tensor
    """(n_tracks,) of each track as a seed."""
    artist: Tensor
    """(n_tracks,) the row of each track in the table of artists, the last where it has none."""

    def __init__(self, corpus: Corpus, tables: dict[str, Tensor], config: AggregateConfig) -> None:
        super().__init__(tables, config)
        self._corpus = corpus
        popularity = np.maximum(corpus.popularity, 1).astype(np.float32)
        self.register_buffer("weight", torch.from_numpy(popularity**-config.seed_weight_exponent), persistent=False)
        artist = np.where(corpus.track_artist >= 0, corpus.track_artist, corpus.n_artists).astype(np.int64)
        self.register_buffer("artist", torch.from_numpy(artist), persistent=False)
        self.conv = _layer(config)
        self._tracks: Tensor | None = None

    @classmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        track = initial_tables(corpus, ("track",), config)["track"]
        tables = {"track": track, "seed": track.clone()}
        if config.artists and corpus.n_artists:
            tables["artist"] = torch.zeros(corpus.n_artists + 1, config.dim)
        return cls(corpus, tables, config)

    def track_rows(self, tracks: Tensor) -> Tensor:
        """(n, d) the vectors y of some tracks, before they are compared; their gradient is sparse."""
        return self._rows("track", tracks)

    def _rows(self, table: str, tracks: Tensor) -> Tensor:
        rows = F.embedding(tracks, self.tables[table], sparse=True)
        if "artist" in self.tables:
            rows = rows + F.embedding(self.artist[tracks], self.tables["artist"], sparse=True)
        return rows

    def aggregate(self, seeds: Tensor, offsets: Tensor) -> Tensor:
        """(n, d) vectors of playlists from their distinct seeds: those of playlist i begin at ``offsets[i]``."""
        counts = torch.diff(offsets, append=offsets.new_tensor([len(seeds)]))
        weights = self.weight[seeds]
        h = self._sums("seed", seeds, offsets, weights)
        if "artist" in self.tables:
            h = h + self._sums("artist", self.artist[seeds], offsets, weights)
        h = h / counts.clamp(min=1).to(h).sqrt().unsqueeze(1)
        return h if self.conv is None else self._attended(h, seeds, counts)

    def _sums(self, table: str, rows: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        out: Tensor = F.embedding_bag(
            rows, self.tables[table], offsets, mode="sum", sparse=True, per_sample_weights=weights
        )
        return out

    def _attended(self, h: Tensor, seeds: Tensor, counts: Tensor) -> Tensor:
        import dgl

        assert self.conv is not None, "called where there is a layer"
        tracks, columns = torch.unique(seeds, return_inverse=True)
        playlist = torch.repeat_interleave(torch.arange(len(h), device=h.device), counts)
        edges = {("track", "in", "playlist"): (columns.cpu(), playlist.cpu())}
        graph = dgl.heterograph(edges, num_nodes_dict={"track": len(tracks), "playlist": len(h)})
        out: Tensor = self.conv(graph, (self._rows("seed", tracks), h))
        return h + out

    @torch.no_grad()
    def fold_in(self, query: Query) -> Tensor:
        pairs = query.matrix(self.n_tracks)
        device = self.tables["seed"].device
        seeds = torch.from_numpy(pairs.indices.astype(np.int64)).to(device)
        offsets = torch.from_numpy(pairs.indptr[:-1].astype(np.int64)).to(device)
        return self.compared(self.aggregate(seeds, offsets))

    @torch.no_grad()
    def embed(self) -> Vectors:
        return self.playlist_vectors(np.arange(self._corpus.n_playlists)), self.track_vectors()

    @torch.no_grad()
    def playlist_vectors(self, rows: npt.NDArray[np.int64]) -> Tensor:
        corpus, parts = self._corpus, [torch.empty(0, self.config.dim, device=self.tables["seed"].device)]
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            lengths = corpus.offsets[some + 1] - corpus.offsets[some]
            offsets = np.concatenate([[0], lengths.cumsum()])
            entries = np.arange(offsets[-1]) + np.repeat(corpus.offsets[some] - offsets[:-1], lengths)
            parts.append(self.fold_in(Query(offsets, corpus.tracks[entries].astype(np.int64), some)))
        return torch.cat(parts)

    @torch.no_grad()
    def track_vectors(self) -> Tensor:
        if self._tracks is None:
            every = torch.arange(self.n_tracks, device=self.tables["track"].device)
            self._tracks = self.compared(self.track_rows(every))
        return self._tracks

    @torch.no_grad()
    def queries(self, query: Query) -> Tensor:
        known = torch.as_tensor(query.playlists, device=self.tables["seed"].device) >= 0
        if known.all():
            return self.fold_in(query)
        unseen = self._unseen(query)
        return torch.where(known.unsqueeze(1), self.fold_in(query), unseen) if known.any() else unseen

    def score_vectors(self, query: Query | None = None) -> ScoreVectors:
        playlists = self.vectors()[0] if query is None else self.queries(query)
        return ScoreVectors(playlists, self.track_vectors(), self.prior)

    def _keys(self) -> Tensor:
        return self.track_vectors()

    def regularised_embeddings(self) -> Vectors:
        return self.tables["seed"], self.tables["track"]

    def _forget(self) -> None:
        super()._forget()
        self._tracks = None


def _layer(config: AggregateConfig) -> nn.Module | None:
    if config.conv == "lightgcn":
        return None
    from ...nn.gat import GATConv
    from ...nn.sage import SAGEConv

    return GATConv(config.dim, config.dim, config.heads) if config.conv == "gat" else SAGEConv(config.dim, config.dim)
