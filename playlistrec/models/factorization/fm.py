"""Factorisation machine over playlist, track, artist and context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...nn.fm import pair_interactions
from ..base import Query, ScoreVectors
from ..embedding.initial import xavier
from ..embedding.model import EmbeddingConfig, Vectors, initial_tables
from .context import last_tracks, previous_tracks
from .mf import MF

__all__ = ["FM", "FMConfig"]


@dataclass(frozen=True, kw_only=True)
class FMConfig(EmbeddingConfig):
    """Options of the factorisation machines.

    Attributes:
        artists: whether the artist of the track is a field.
        context: a further field: ``none``, or the ``previous`` track of the playlist, before the target in training
            and the last seed in ranking.
    """

    artists: bool = True
    context: Literal["none", "previous"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.similarity == "dot", "similarity", "dot for a factorisation machine", self.similarity)


class FM(MF):
    """``score(p, t | c) = Σ_i w_i + Σ_i<j <v_i, v_j>`` over the fields playlist, track, its artist and context.

    Rendle 2010, "Factorization Machines", eq. 1. Less what is the same for all tracks it is a dot product of width
    dim + 1, so that it trains and ranks like one: ``[v_p + v_c, 1] · [v_t + v_a, w_t + w_a + <v_t, v_a>]``. The
    context has vectors of its own, one of them for "nothing before".

    A playlist that was not trained gets the ridge solution of :class:`~playlistrec.models.factorization.mf.MF` over
    its seeds, and the context of its last seed is added to that.
    """

    name: ClassVar[str] = "fm"
    summary: ClassVar[str] = "factorisation machine over playlist, track, artist and previous track"
    papers: ClassVar[tuple[str, ...]] = ('Rendle 2010, "Factorization machines", eq. 1',)
    config_class: ClassVar[type[Config]] = FMConfig

    artist: Tensor | None
    """(n_tracks,) rows of the artists' table; one past its end where a track has none."""

    def __init__(self, corpus: Corpus, tables: Mapping[str, Tensor], config: FMConfig) -> None:
        super().__init__(tables, config)
        kinds = [kind for kind in ("track", "artist") if kind in tables]
        self.linear = nn.ParameterDict({kind: nn.Parameter(torch.zeros(len(tables[kind]))) for kind in kinds})
        artist = np.where(corpus.track_artist < 0, corpus.n_artists, corpus.track_artist).astype(np.int64)
        self.register_buffer("artist", torch.from_numpy(artist) if "artist" in tables else None, persistent=False)
        self._contexts: Tensor | None = None

    @classmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        kinds = ("playlist", "track", "artist") if config.artists and corpus.n_artists else ("playlist", "track")
        tables = initial_tables(corpus, kinds, config)
        if config.context == "previous":
            tables |= xavier({"context": corpus.n_tracks + 1}, config.dim)
        return cls(corpus, tables, config)

    def factors(self) -> Mapping[str, Tensor]:
        """The vectors ``v`` of each field, (n, dim)."""
        return dict(self.tables.items())

    def embed(self) -> Vectors:
        factors = self.factors()
        if "context" in factors and not torch.is_grad_enabled():
            self._contexts = factors["context"].detach()  # no parameter, which a module would make its own
        return F.pad(factors["playlist"], (0, 1), value=1.0), self._tracks(factors)

    def regularised_embeddings(self) -> Vectors:
        tracks = self._of_tracks(dict(self.tables.items())) + self._of_tracks(dict(self.linear.items()))
        return self.tables["playlist"], torch.cat(tracks, dim=1)

    def score_vectors(self, query: Query | None = None) -> ScoreVectors:
        """The last column of a factorisation machine's vectors, 1 and what a track alone scores, is a bias."""
        whole = super().score_vectors(query)
        bias = whole.tracks[:, -1] if whole.bias is None else whole.tracks[:, -1] + whole.bias
        return ScoreVectors(whole.playlists[:, :-1], whole.tracks[:, :-1], bias)

    def last_contexts(self) -> Tensor | None:
        """(n_tracks + 1, dim) what a last seed adds to a playlist, the last row for none; None without contexts."""
        self.vectors()
        return self._contexts

    def contexts(self, corpus: Corpus) -> Tensor | None:
        return torch.from_numpy(previous_tracks(corpus)) if "context" in self.tables else None

    def embed_pairs(self, playlist: Tensor, context: Tensor) -> tuple[Vectors, Vectors]:
        factors, (playlists0, tracks0) = self.factors(), self.regularised_embeddings()
        both = factors["playlist"].index_select(0, playlist) + factors["context"].index_select(0, context)
        both0 = [playlists0.index_select(0, playlist), self.tables["context"].index_select(0, context)]
        return (F.pad(both, (0, 1), value=1.0), self._tracks(factors)), (torch.cat(both0, dim=1), tracks0)

    def queries(self, query: Query) -> Tensor:
        queries = super().queries(query)
        if self._contexts is None:
            return queries
        last = torch.from_numpy(last_tracks(query, self.n_tracks)).to(queries.device)
        return queries + F.pad(self._contexts[last], (0, 1))

    def _forget(self) -> None:
        super()._forget()
        self._contexts = None

    def _tracks(self, factors: Mapping[str, Tensor]) -> Tensor:
        """(n_tracks, dim + 1) what a playlist's vector meets."""
        fields = torch.stack(self._of_tracks(factors), dim=1)
        linear = torch.cat(self._of_tracks(dict(self.linear.items())), dim=1).sum(1)
        bias = linear + pair_interactions(fields)
        return torch.cat([fields.sum(1), bias.unsqueeze(1)], dim=1)

    def _of_tracks(self, parameters: Mapping[str, Tensor]) -> list[Tensor]:
        """(n_tracks, …) those of each track, and those of its artist, 0 where it has none; numbers as one column."""
        track = parameters["track"].view(self.n_tracks, -1)
        if self.artist is None:
            return [track]
        artist = parameters["artist"]
        return [track, F.pad(artist.view(len(artist), -1), (0, 0, 0, 1)).index_select(0, self.artist)]
