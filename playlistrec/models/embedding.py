"""Models that score a playlist and a track by the dot product of their vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import Self

from ..config import Config, require
from ..corpus.corpus import Corpus
from ..errors import ConfigError
from .base import Arrays, Query, Recommender

__all__ = ["EmbeddingModel", "EmbeddingOptions", "drawn_with"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions(Config):
    """Options of every embedding model.

    Attributes:
        dim: width of the vectors.
        features: ``.npz`` file whose arrays ``playlist``, ``track`` (and ``artist``), each (n, dim), are the
            initial embeddings; a node type without an array gets Xavier's.
    """

    dim: int = 64
    features: str | None = None

    def __post_init__(self) -> None:
        require(self.dim >= 1, "dim", "at least 1", self.dim)


class EmbeddingModel(nn.Module, Recommender):
    """Base of the gradient models whose score is ``z_playlist · z_track``.

    The trainer calls :meth:`embed` for the vectors and :meth:`tables` for the layer-0 embeddings behind them.
    """

    trainable: ClassVar[bool] = True
    options: ClassVar[type[Config]] = EmbeddingOptions
    training_defaults: ClassVar[dict[str, Any]] = {}
    """What ``fit`` uses for this model where nothing else is said."""
    propagates: ClassVar[bool] = False
    """Whether the model has a graph, so that the sampled regime means something to it."""

    tables: nn.ParameterDict
    """Layer-0 embeddings by node type, each (n, dim)."""

    def __init__(self, sizes: dict[str, int], options: EmbeddingOptions) -> None:
        super().__init__()
        self.config = options
        self.n_tracks = sizes["track"]
        self.tables = nn.ParameterDict({kind: nn.Parameter(_initial(kind, n, options)) for kind, n in sizes.items()})
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
            model = cls.build(corpus, replace(config, features=None))  # the file may be gone, and is not needed
        model.config = config
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
        return model.eval()


@contextmanager
def drawn_with(seed: int) -> Iterator[None]:
    """Seed torch inside the block and leave its generator outside as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _initial(kind: str, n: int, options: EmbeddingOptions) -> Tensor:
    table = torch.empty(n, options.dim)
    if n:
        nn.init.xavier_uniform_(table)
    if options.features is None:
        return table
    try:
        with np.load(options.features, allow_pickle=False) as given:
            if kind not in given:
                return table
            features = torch.from_numpy(np.asarray(given[kind], dtype=np.float32))
    except (OSError, ValueError) as error:
        raise ConfigError(f"features must be an .npz file ({options.features}: {error})") from error
    if features.shape != table.shape:
        raise ConfigError(
            f"features of {kind!r} must have shape {tuple(table.shape)}, one row a {kind} and dim columns "
            f"(got {tuple(features.shape)})"
        )
    return features
