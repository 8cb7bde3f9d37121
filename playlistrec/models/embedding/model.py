"""Models that score a playlist and a track by the dot product of their vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...graph.products import products
from ..base import Arrays, Query, ScoreVectors
from ..titles.features import TitleKind
from ..titles.title_map import TitledSpace, TitleMap
from .initial import given, named, sentences, spectral, xavier
from .trained import TrainedModel

__all__ = ["EmbeddingConfig", "EmbeddingModel", "VectorConfig", "Vectors", "compared", "initial_tables"]

INITS = ("xavier", "svd", "ngrams", "wordllama")
"""Ways to begin that need no model of others."""

Vectors = tuple[Tensor, Tensor]
"""Of playlists and of tracks, (n, d) each."""


@dataclass(frozen=True, kw_only=True)
class VectorConfig(Config):
    """Options of every model of vectors.

    Attributes:
        dim: width of the vectors.
        similarity: the score is the ``dot`` product or the ``cosine`` of the vectors of a playlist and a track.
        init: first embeddings: ``xavier`` (Glorot & Bengio 2010); ``svd`` of the normalised adjacency; ``ngrams`` or
            ``wordllama`` vectors of the playlists' names; or ``sentence:MODEL``, of the names of playlists and tracks.
            MODEL is ``wordllama`` or a local folder of model2vec or sentence-transformers (see
            :mod:`playlistrec.models.embedding.initial`).
        features: ``.npz`` file with first embeddings: arrays ``playlist``, ``track`` and ``artist``, each (n, dim). A
            node type without an array gets those of ``init``.
    """

    dim: int = 64
    similarity: Literal["dot", "cosine"] = "dot"
    init: str = "xavier"
    features: str | None = None

    def __post_init__(self) -> None:
        require(self.dim >= 1, "dim", "at least 1", self.dim)
        kind, _, model = self.init.partition(":")
        fine = self.init in INITS or (kind == "sentence" and bool(model))
        require(fine, "init", f"one of {', '.join(INITS)}, or sentence:MODEL", self.init)


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig(VectorConfig):
    """Options of every embedding model.

    Attributes:
        popularity_prior: adds this times the logarithm of a track's playlists to its score, in training and ranking.
            The vectors then need not learn popularity. In softmax a track's odds are its playlists to the power of
            this over the temperature, times those of the vectors.
        title_weight: number of seeds that the title of an unseen playlist counts for; 0: titles are not read.
        title_features: features of a title: ``ngrams``, its words and character n-grams, or ``wordllama``, a sentence
            embedding (see :mod:`playlistrec.models.titles.features`).
    """

    popularity_prior: float = 0.0
    title_weight: float = 1.0
    title_features: TitleKind = "ngrams"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.popularity_prior >= 0, "popularity_prior", "at least 0", self.popularity_prior)
        require(self.title_weight >= 0, "title_weight", "at least 0", self.title_weight)


class EmbeddingModel(TrainedModel):
    """Base of the gradient models whose score is ``z_playlist · z_track + π ln(n_track)``.

    n are the playlists that hold a track (at least 1), π is the ``popularity_prior``.

    The trainer calls :meth:`embed` for the vectors and :meth:`tables` for the layer-0 embeddings behind them.

    An unseen playlist with ``n`` distinct seeds and a title gets ``(n z_seeds + τ z_title) / (n + τ)``, where τ is
    the ``title_weight``, ``z_seeds`` what :meth:`fold_in` gives, and ``z_title`` what a linear map makes of the title
    (:class:`~playlistrec.models.titles.title_map.TitleMap`), which stands for a playlist of typical length and is
    scaled as ``z_seeds`` is. The map is fitted to the training playlists on first use. Without
    seeds and without a title that shares a feature with any, tracks are scored by popularity.
    """

    config_class: ClassVar[type[Config]] = EmbeddingConfig
    has_vectors: ClassVar[bool] = True
    config: EmbeddingConfig
    prior: Tensor | None
    """(n_tracks,) π ln(n), what a track's score is whoever asks; none where π is 0."""

    def __init__(self, tables: Mapping[str, Tensor], config: EmbeddingConfig) -> None:
        super().__init__(tables, config)
        self._cache: tuple[Tensor, Tensor] | None = None
        self._map: TitleMap | None = None
        self.register_buffer("prior", None, persistent=False)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0, device: torch.device | str = "cpu") -> Self:
        return super().from_corpus(corpus, config, seed=seed, device=device)._knowing(corpus)

    @classmethod
    def from_state(cls, corpus: Corpus, config: Config, state: Arrays) -> Self:
        return super().from_state(corpus, config, state)._knowing(corpus)

    def _knowing(self, corpus: Corpus) -> Self:
        self._known = TitledSpace(corpus, self.config.title_features)
        if self.config.popularity_prior:
            playlists = torch.from_numpy(self._known.popularity).clamp(min=1)
            self.prior = self.config.popularity_prior * playlists.log()
        return self

    @classmethod
    def blank(cls, corpus: Corpus, config: Any) -> Self:
        return super().blank(corpus, replace(config, features=None, init="xavier"))

    @abstractmethod
    def embed(self) -> tuple[Tensor, Tensor]:
        """Final vectors of all playlists and all tracks: (n_playlists, d) and (n_tracks, d)."""

    @abstractmethod
    def fold_in(self, query: Query) -> Tensor:
        """(batch, d) vectors of playlists the model has never seen, from their seeds."""

    def regularised_embeddings(self) -> Vectors:
        """The regularised layer-0 embeddings, (n_playlists, …) and (n_tracks, …)."""
        return self.tables["playlist"], self.tables["track"]

    def contexts(self, corpus: Corpus) -> Tensor | None:
        """(n_pairs,) the context of each training pair, None where it is the playlist alone."""
        return None

    def embed_pairs(self, playlist: Tensor, context: Tensor) -> tuple[Vectors, Vectors]:
        """Final vectors, and what the penalty is on, of (n,) playlists in their contexts and of all tracks."""
        raise NotImplementedError(f"{self.name} knows no contexts")

    def compared(self, vectors: Tensor) -> Tensor:
        """Final vectors as they are compared: see :func:`compared`."""
        return compared(vectors, self.config.similarity)

    def prior_of(self, tracks: Tensor | None) -> Tensor | None:
        """The ``prior`` of some tracks, or of all."""
        return self.prior if self.prior is None or tracks is None else self.prior[tracks]

    def vectors(self) -> tuple[Tensor, Tensor]:
        """:meth:`embed` without gradients, kept until the parameters may have changed."""
        if self._cache is None:
            with torch.no_grad():
                self._cache = self.embed()
        return self._cache

    def playlist_vectors(self, rows: npt.NDArray[np.int64]) -> Tensor:
        """(n, d) final vectors of some playlists."""
        return self.vectors()[0][torch.from_numpy(rows)]

    def score_vectors(self, query: Query | None = None) -> ScoreVectors:
        playlists, tracks = self.vectors()
        return ScoreVectors(playlists if query is None else self.queries(query), tracks, self.prior)

    def node_vectors(self) -> dict[str, Tensor]:
        """Final vectors by type of node: (n, d) of ``playlist`` and ``track``, and of ``artist`` where it has any."""
        playlists, tracks = self.vectors()
        return {"playlist": playlists, "track": tracks}

    @torch.no_grad()
    def queries(self, query: Query) -> Tensor:
        """(batch, d) vectors of the asking playlists, known ones and others."""
        playlists, _ = self.vectors()
        rows = torch.as_tensor(query.playlists, device=playlists.device)
        known = rows >= 0
        wanted = playlists[rows.clamp(min=0)]
        return wanted if known.all() else torch.where(known.unsqueeze(1), wanted, self._unseen(query))

    @torch.no_grad()
    def score(self, query: Query) -> Tensor:
        scores = products(self.queries(query), self._keys(), self.prior)
        cold = torch.from_numpy(self.cold(query)).to(scores.device)
        if cold.any():
            scores[cold] = torch.from_numpy(self._known.popularity).to(scores)
        return scores

    def _keys(self) -> Tensor:
        """The vectors of the tracks that queries are multiplied with."""
        return self.vectors()[1]

    def cold(self, query: Query) -> npt.NDArray[np.bool_]:
        cold = super().cold(query)
        return cold & ~self._titled(query)[1] if cold.any() else cold

    def _unseen(self, query: Query) -> Tensor:
        """(batch, d) vectors of playlists the model has never seen, from their seeds and titles."""
        folded = self.fold_in(query)
        vectors, said = self._titled(query)
        if not said.any():
            return folded
        n = np.diff(query.matrix(self.n_tracks).indptr)
        weight = np.where(said, self.config.title_weight / (self.config.title_weight + n), 0.0)
        assert self._map is not None, "it made the vectors"
        lengths = folded.norm(dim=1, keepdim=True) / max(self._map.length, 1e-12)
        some = torch.from_numpy(n > 0).to(folded.device).unsqueeze(1)
        share = torch.from_numpy(weight).to(folded).unsqueeze(1)
        return (1 - share) * folded + share * vectors.to(folded) * torch.where(some, lengths, 1.0)

    def _titled(self, query: Query) -> tuple[Tensor, npt.NDArray[np.bool_]]:
        """(batch, d) the vectors of the titles, and (batch,) which titles mean anything to the model."""
        titles = query.titles
        if titles is None or not any(titles) or not self.config.title_weight or not self._known.titled.titles:
            return torch.empty(0), np.zeros(len(query), dtype=bool)
        if self._map is None:
            self._map = TitleMap(self._known, self.playlist_vectors(self._known.titled.playlists))
        return self._map(titles)

    def _forget(self) -> None:
        self._cache = None
        self._map = None


def compared(vectors: Tensor, similarity: Literal["dot", "cosine"]) -> Tensor:
    """Vectors whose dot product is the similarity."""
    return vectors if similarity == "dot" else F.normalize(vectors, dim=-1)


def initial_tables(corpus: Corpus, kinds: Iterable[str], config: VectorConfig) -> dict[str, Tensor]:
    """Layer-0 embeddings of the node types ``kinds`` that ``options`` asks for, each (n, dim)."""
    sizes = {"playlist": corpus.n_playlists, "track": corpus.n_tracks, "artist": corpus.n_artists}
    sizes = {kind: sizes[kind] for kind in kinds}
    if config.init == "svd":
        tables = spectral(corpus, config.dim)
    elif config.init == "xavier":
        tables = xavier(sizes, config.dim)
    elif config.init.startswith("sentence:"):
        tables = sentences(corpus, config.dim, config.init.partition(":")[2])
    else:
        tables = named(corpus, config.dim, cast("TitleKind", config.init))
    if config.features is not None:
        tables |= given(config.features, sizes, config.dim)
    return {kind: tables[kind] for kind in sizes}
