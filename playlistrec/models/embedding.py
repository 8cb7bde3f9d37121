"""Models that score a playlist and a track by the dot product of their vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from ..config import Config, require
from ..corpus.corpus import Corpus
from .base import Query
from .initial import given, spectral, xavier
from .trained import TrainedModel

__all__ = ["EmbeddingModel", "EmbeddingOptions", "Vectors", "compared", "initial_tables"]

Vectors = tuple[Tensor, Tensor]
"""Of playlists and of tracks, (n, d) each."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions(Config):
    """Options of every embedding model.

    Attributes:
        dim: width of the vectors.
        similarity: what scores a playlist and a track: the ``dot`` product of their vectors, or the ``cosine``.
        norm_power: with ``cosine``, the power of a track's length by which its scores are multiplied when it is ranked
            (not in training): well connected tracks have long vectors, so a little of it favours them.
        init: first embeddings: ``xavier`` (Glorot & Bengio 2010), or ``svd``: the singular vectors of the normalised
            adjacency with its largest singular values (see :mod:`playlistrec.models.initial`).
        features: ``.npz`` file whose arrays ``playlist``, ``track`` (and ``artist``), each (n, dim), are the
            initial embeddings; a node type without an array gets those of ``init``.
    """

    dim: int = 64
    similarity: Literal["dot", "cosine"] = "dot"
    norm_power: float = 0.0
    init: Literal["xavier", "svd"] = "xavier"
    features: str | None = None

    def __post_init__(self) -> None:
        require(self.dim >= 1, "dim", "at least 1", self.dim)
        require(self.norm_power == 0 or self.similarity == "cosine", "norm_power", "0 for dot", self.norm_power)


class EmbeddingModel(TrainedModel):
    """Base of the gradient models whose score is ``z_playlist · z_track``.

    The trainer calls :meth:`embed` for the vectors and :meth:`tables` for the layer-0 embeddings behind them.
    """

    options: ClassVar[type[Config]] = EmbeddingOptions
    propagates: ClassVar[bool] = False
    """Whether the model has a graph, so that the sampled regime means something to it."""

    config: EmbeddingOptions

    def __init__(self, tables: Mapping[str, Tensor], options: EmbeddingOptions) -> None:
        super().__init__(tables, options)
        self._cache: tuple[Tensor, Tensor] | None = None

    @classmethod
    def blank(cls, corpus: Corpus, options: Any) -> Self:
        return super().blank(corpus, replace(options, features=None, init="xavier"))

    @abstractmethod
    def embed(self) -> tuple[Tensor, Tensor]:
        """Final vectors of all playlists and all tracks: (n_playlists, d) and (n_tracks, d)."""

    @abstractmethod
    def fold_in(self, query: Query) -> Tensor:
        """(batch, d) vectors of playlists the model has never seen, from their seeds."""

    def penalised(self) -> Vectors:
        """What the penalty is on, (n_playlists, …) and (n_tracks, …): the layer-0 embeddings."""
        return self.tables["playlist"], self.tables["track"]

    def contexts(self, corpus: Corpus) -> Tensor | None:
        """(n_pairs,) the context in which each training pair is asked, None where it is the playlist alone."""
        return None

    def embed_pairs(self, playlist: Tensor, context: Tensor) -> tuple[Vectors, Vectors]:
        """Final vectors, and what the penalty is on, of (n,) playlists in their contexts and of all tracks."""
        raise NotImplementedError(f"{self.name} knows no contexts")

    def compared(self, vectors: Tensor, power: float = 0.0) -> Tensor:
        """Final vectors as they are compared: see :func:`compared`."""
        return compared(vectors, self.config.similarity, power)

    @property
    def track_power(self) -> float:
        """The ``power`` for tracks: ``norm_power`` when ranking, 0 in training."""
        return 0.0 if torch.is_grad_enabled() else self.config.norm_power

    def vectors(self) -> tuple[Tensor, Tensor]:
        """:meth:`embed` without gradients, kept until the parameters may have changed."""
        if self._cache is None:
            with torch.no_grad():
                self._cache = self.embed()
        return self._cache

    @torch.no_grad()
    def queries(self, query: Query) -> Tensor:
        """(batch, d) vectors of the asking playlists, known ones and others."""
        playlists, _ = self.vectors()
        rows = torch.as_tensor(query.playlists, device=playlists.device)
        known = rows >= 0
        wanted = playlists[rows.clamp(min=0)]
        return wanted if known.all() else torch.where(known.unsqueeze(1), wanted, self.fold_in(query))

    @torch.no_grad()
    def score(self, query: Query) -> Tensor:
        return self.queries(query) @ self.vectors()[1].T

    def _forget(self) -> None:
        self._cache = None


def compared(vectors: Tensor, similarity: Literal["dot", "cosine"], power: float = 0.0) -> Tensor:
    """Vectors whose dot product is the similarity: where that is the cosine, of their length to the ``power``."""
    if similarity == "dot":
        return vectors
    unit = F.normalize(vectors, dim=-1)
    return unit * vectors.norm(dim=-1, keepdim=True) ** power if power else unit


def initial_tables(corpus: Corpus, kinds: Iterable[str], options: EmbeddingOptions) -> dict[str, Tensor]:
    """Layer-0 embeddings of the node types ``kinds`` that ``options`` asks for, each (n, dim)."""
    sizes = {"playlist": corpus.n_playlists, "track": corpus.n_tracks, "artist": corpus.n_artists}
    sizes = {kind: sizes[kind] for kind in kinds}
    tables = spectral(corpus, options.dim) if options.init == "svd" else xavier(sizes, options.dim)
    if options.features is not None:
        tables |= given(options.features, sizes, options.dim)
    return {kind: tables[kind] for kind in sizes}
