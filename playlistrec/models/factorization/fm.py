"""Factorisation machine over playlist, track, artist and context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from ...config import Config, require
from ...corpus.contexts import CONTEXTS
from ...corpus.corpus import Corpus
from ...nn.fm import pair_interactions
from ..base import Query, ScoreVectors
from ..embedding.initial import xavier
from ..embedding.model import EmbeddingConfig, Vectors, initial_tables
from .context import KINDS, asked, contexts_of, last_tracks
from .mf import MF

__all__ = ["FM", "FMConfig"]


@dataclass(frozen=True, kw_only=True)
class FMConfig(EmbeddingConfig):
    """Options of the factorisation machines.

    Attributes:
        artists: whether the artist of the track is a field.
        context: further fields: ``none``, or one or more with commas. ``previous`` is the track before the target in
            training, and the last seed in ranking. ``skip``, ``hour`` and ``day`` are contexts that the data was
            preprocessed with. A query that does not say one gets the mean of its vectors over the training pairs.
    """

    artists: bool = True
    context: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        fine = self.context == "none" or all(name in KINDS and self.contexts.count(name) == 1 for name in self.contexts)
        require(fine, "context", f"none, or one or more of {', '.join(KINDS)}", self.context)
        require(self.similarity == "dot", "similarity", "dot for a factorisation machine", self.similarity)

    @property
    def contexts(self) -> tuple[str, ...]:
        """The names of the contexts."""
        return () if self.context == "none" else tuple(self.context.split(","))


class FM(MF):
    """``score(p, t | c) = Σ_i w_i + Σ_i<j <v_i, v_j>`` over the fields playlist, track, its artist and context.

    Rendle 2010, "Factorization Machines", eq. 1. Less what is the same for all tracks it is a dot product of width
    dim + 1, so that it trains and ranks like one: ``[v_p + v_c, 1] · [v_t + v_a, w_t + w_a + <v_t, v_a>]``. Each
    context has vectors of its own, one of them for "nothing before" or "not known"; several are added up.

    A playlist that was not trained gets the ridge solution of :class:`~playlistrec.models.factorization.mf.MF` over
    its seeds, and the contexts of the query are added to that.
    """

    name: ClassVar[str] = "fm"
    summary: ClassVar[str] = "factorisation machine over playlist, track, artist and context"
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
        self.fields = {"context" if name == "previous" else name: name for name in config.contexts}
        """The table of each context."""
        self._contexts: dict[str, Tensor] | None = None
        self._shares = {
            field: np.bincount(codes, minlength=len(tables[field])) / max(len(codes), 1)
            for field, codes in zip(self.fields, self._values(corpus).T)
            if field != "context"
        }

    @classmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        kinds = ("playlist", "track", "artist") if config.artists and corpus.n_artists else ("playlist", "track")
        tables = initial_tables(corpus, kinds, config)
        if config.contexts:
            sizes = {
                name: ("context", corpus.n_tracks) if name == "previous" else (name, CONTEXTS[name])
                for name in config.contexts
            }
            tables |= xavier({field: size + 1 for field, size in sizes.values()}, config.dim)
        return cls(corpus, tables, config)

    def factors(self) -> Mapping[str, Tensor]:
        """The vectors ``v`` of each field, (n, dim)."""
        return dict(self.tables.items())

    def embed(self) -> Vectors:
        factors = self.factors()
        if self.fields and not torch.is_grad_enabled():
            # No parameters, which a module would make its own.
            self._contexts = {field: factors[field].detach() for field in self.fields}
        return F.pad(factors["playlist"], (0, 1), value=1.0), self._tracks(factors)

    def regularised_embeddings(self) -> Vectors:
        tracks = self._of_tracks(dict(self.tables.items())) + self._of_tracks(dict(self.linear.items()))
        return self.tables["playlist"], torch.cat(tracks, dim=1)

    def score_vectors(self, query: Query | None = None) -> ScoreVectors:
        """The last column of a factorisation machine's vectors, 1 and what a track alone scores, is a bias."""
        whole = super().score_vectors(query)
        bias = whole.tracks[:, -1] if whole.bias is None else whole.tracks[:, -1] + whole.bias
        return ScoreVectors(whole.playlists[:, :-1], whole.tracks[:, :-1], bias)

    def context_vectors(self) -> Mapping[str, Tensor]:
        """By table (n + 1, dim) what each value of a context adds to a playlist, the last row for none."""
        self.vectors()
        return self._contexts or {}

    def mean_context(self, field: str) -> Tensor:
        """(dim,) the mean of the vectors of a context over the training pairs: for queries that do not say it."""
        vectors = self.context_vectors()[field]
        return torch.from_numpy(self._shares[field]).to(vectors) @ vectors

    def contexts(self, corpus: Corpus) -> Tensor | None:
        return torch.from_numpy(self._values(corpus)) if self.fields else None

    def _values(self, corpus: Corpus) -> npt.NDArray[np.int64]:
        """(n_pairs, n_contexts) the value of each context of each pair."""
        names = list(self.fields.values())
        return contexts_of(corpus, names) if names else np.zeros((0, 0), np.int64)

    def embed_pairs(self, playlist: Tensor, context: Tensor) -> tuple[Vectors, Vectors]:
        factors, (playlists0, tracks0) = self.factors(), self.regularised_embeddings()
        whole = factors["playlist"].index_select(0, playlist)
        parts = [playlists0.index_select(0, playlist)]
        for field, values in zip(self.fields, context.unbind(1)):
            whole = whole + factors[field].index_select(0, values)
            parts.append(self.tables[field].index_select(0, values))
        return (F.pad(whole, (0, 1), value=1.0), self._tracks(factors)), (torch.cat(parts, dim=1), tracks0)

    def queries(self, query: Query) -> Tensor:
        queries = super().queries(query)
        for field, vectors in (self._contexts or {}).items():
            if field == "context":
                found = vectors[torch.from_numpy(last_tracks(query, self.n_tracks)).to(queries.device)]
            else:
                values = torch.from_numpy(asked(query, field)).to(queries.device)
                found = torch.where((values < 0).unsqueeze(1), self.mean_context(field), vectors[values])
            queries = queries + F.pad(found, (0, 1))
        return queries

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
