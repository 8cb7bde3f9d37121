"""Models that are fitted by gradient: what the training loop and the run folder need of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import Self

from ...config import Config
from ...corpus.corpus import Corpus
from ...corpus.growth import Growth
from ..base import Arrays, Recommender
from ..state_schema import check_like
from .inductive import grown_state
from .initial import init_device

__all__ = ["TrainedModel", "torch_seed"]


class TrainedModel(nn.Module, Recommender):
    """Base of the gradient models: a module that is drawn from a seed, and kept and restored as arrays."""

    trainable: ClassVar[bool] = True
    propagates: ClassVar[bool] = False
    """True if messages pass over a graph, so that the sampled regime means something."""
    aggregates: ClassVar[bool] = False
    """True if playlists are aggregates of their tracks: trained in the aggregate regime, with sparse gradients."""
    reads_order: ClassVar[bool] = False
    """True if playlists are read in order: objectives are then over what follows each track."""

    tables: nn.ParameterDict
    """Embeddings by what they are of, each (n, dim)."""
    precision: torch.dtype = torch.float32
    """Of the propagation in training; embeddings, and all of ranking, are float32 in any case."""

    def __init__(self, tables: Mapping[str, Tensor], config: Config) -> None:
        super().__init__()
        self.config = config
        self.n_tracks = len(tables["track"])
        self.tables = nn.ParameterDict({kind: nn.Parameter(table) for kind, table in tables.items()})

    @classmethod
    @abstractmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        """The untrained model, drawn with torch's global generator."""

    @classmethod
    def blank(cls, corpus: Corpus, config: Any) -> Self:
        """A model of the right shapes, all of whose weights are to be overwritten."""
        return cls.build(corpus, config)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0, device: torch.device | str = "cpu") -> Self:
        """The untrained model, on the CPU.

        Args:
            device: where its first embeddings are computed, if they are.
        """
        with torch_seed(seed), init_device(device):
            return cls.build(corpus, config)

    def track_vectors(self) -> Tensor:
        """(n_tracks, d) the vectors of tracks: the final ones where there are any, else the embeddings."""
        return self.score_vectors().tracks if self.has_vectors else self.tables["track"]

    def _forget(self) -> None:
        """Drop what was computed from parameters that may have changed."""

    def train(self, mode: bool = True) -> Self:
        self._forget()
        return super().train(mode)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self._forget()
        return cast(Self, super()._apply(fn, recurse))  # type: ignore[no-untyped-call]

    def state(self) -> Arrays:
        return {name: tensor.detach().cpu().numpy() for name, tensor in self.state_dict().items()}

    @classmethod
    def from_state(cls, corpus: Corpus, config: Config, state: Arrays) -> Self:
        with torch_seed(0):
            model = cls.blank(corpus, config)
        model.config = config
        check_like(model.state(), state)
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
        return model.eval()

    @classmethod
    def updated(cls, corpus: Corpus, config: Config, state: Arrays, growth: Growth, *, seed: int = 0) -> Arrays:
        grown = grown_state(corpus, state, growth, refresh=not cls.propagates)
        if "popularity" in grown:
            grown["popularity"] = np.log1p(corpus.popularity).astype(np.float32)
        return grown


@contextmanager
def torch_seed(seed: int) -> Iterator[None]:
    """Seed torch inside the block and leave its generator outside as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
