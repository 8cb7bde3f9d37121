"""Models that score a playlist and a track by the dot product of their vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from ..config import Config, require
from ..corpus.corpus import Corpus
from .base import Arrays, Query, Recommender
from .initial import given, spectral, xavier

__all__ = ["EmbeddingModel", "EmbeddingOptions", "Vectors", "drawn_with", "initial_tables"]

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


class EmbeddingModel(nn.Module, Recommender):
    """Base of the gradient models whose score is ``z_playlist · z_track``.

    The trainer calls :meth:`embed` for the vectors and :meth:`tables` for the layer-0 embeddings behind them.
    """

    trainable: ClassVar[bool] = True
    options: ClassVar[type[Config]] = EmbeddingOptions
    propagates: ClassVar[bool] = False
    """Whether the model has a graph, so that the sampled regime means something to it."""

    tables: nn.ParameterDict
    """Layer-0 embeddings by node type, each (n, dim)."""
    precision: torch.dtype = torch.float32
    """Of the propagation in training; embeddings, and all of ranking, are float32 in any case."""

    def __init__(self, tables: Mapping[str, Tensor], options: EmbeddingOptions) -> None:
        super().__init__()
        self.config: EmbeddingOptions = options
        self.n_tracks = len(tables["track"])
        self.tables = nn.ParameterDict({kind: nn.Parameter(table) for kind, table in tables.items()})
        self._cache: tuple[Tensor, Tensor] | None = None

    @classmethod
    @abstractmethod
    def build(cls, corpus: Corpus, options: Any) -> Self:
        """The untrained model, drawn with torch's global generator."""

    @abstractmethod
    def embed(self) -> tuple[Tensor, Tensor]:
        """Final vectors of all playlists and all tracks: (n_playlists, d) and (n_tracks, d)."""

    @abstractmethod
    def fold_in(self, query: Query) -> Tensor:
        """(batch, d) vectors of playlists the model has never seen, from their seeds."""

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0) -> Self:
        with drawn_with(seed):
            return cls.build(corpus, config)

    def compared(self, vectors: Tensor, power: float = 0.0) -> Tensor:
        """Final vectors as they are compared: where similarity is the cosine, of their length to the ``power``."""
        if self.config.similarity == "dot":
            return vectors
        unit = F.normalize(vectors, dim=-1)
        return unit * vectors.norm(dim=-1, keepdim=True) ** power if power else unit

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
    def score(self, query: Query) -> Tensor:
        playlists, tracks = self.vectors()
        rows = torch.as_tensor(query.playlists, device=playlists.device)
        known = rows >= 0
        wanted = playlists[rows.clamp(min=0)]
        if not known.all():
            wanted = torch.where(known.unsqueeze(1), wanted, self.fold_in(query))
        return wanted @ tracks.T

    def train(self, mode: bool = True) -> Self:
        self._forget()
        return super().train(mode)

    def _forget(self) -> None:
        self._cache = None

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self._forget()
        return cast(Self, super()._apply(fn, recurse))  # type: ignore[no-untyped-call]

    def arrays(self) -> Arrays:
        return {name: tensor.detach().cpu().numpy() for name, tensor in self.state_dict().items()}

    @classmethod
    def from_arrays(cls, corpus: Corpus, config: Config, arrays: Arrays) -> Self:
        assert isinstance(config, EmbeddingOptions)
        with drawn_with(0):
            model = cls.build(corpus, replace(config, features=None, init="xavier"))  # overwritten below
        model.config = config
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
        return model.eval()


@contextmanager
def drawn_with(seed: int) -> Iterator[None]:
    """Seed torch inside the block and leave its generator outside as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def initial_tables(corpus: Corpus, kinds: Iterable[str], options: EmbeddingOptions) -> dict[str, Tensor]:
    """Layer-0 embeddings of the node types ``kinds`` that ``options`` asks for, each (n, dim)."""
    sizes = {"playlist": corpus.n_playlists, "track": corpus.n_tracks, "artist": corpus.n_artists}
    sizes = {kind: sizes[kind] for kind in kinds}
    tables = spectral(corpus, options.dim) if options.init == "svd" else xavier(sizes, options.dim)
    if options.features is not None:
        tables |= given(options.features, sizes, options.dim)
    return {kind: tables[kind] for kind in sizes}
