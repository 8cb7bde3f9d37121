"""Popularity: the same for everyone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from ..config import Config
from ..corpus.corpus import Corpus
from .base import Arrays, Query, Recommender
from .state_schema import Field, schema

__all__ = ["Popularity"]


class Popularity(Recommender[Config]):
    """``score(p, t) = |{training playlists that hold t}|``, whatever the playlist.

    The floor under every other model (Cremonesi, Koren & Turrin 2010, "TopPop"). A playlist that repeats a track
    counts once.

    >>> model = Popularity.from_corpus(Corpus.from_lists([["a", "b", "b"], ["a"]]), Config())
    >>> model.score(Query.of([[]]))
    tensor([[2., 1.]])
    """

    name = "popularity"
    summary = "the tracks that stand in most playlists, the same for everyone"
    papers = ('Cremonesi, Koren & Turrin 2010, "Performance of recommender algorithms on top-N recommendation tasks"',)
    personalised = False
    state_schema = schema(counts=Field("f", ("tracks",), low=0))

    def __init__(self, counts: npt.NDArray[np.float32], config: Config) -> None:
        self.counts = torch.tensor(counts)
        self.config = config
        self.n_tracks = len(counts)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0) -> Self:
        return cls(corpus.popularity.astype(np.float32), config)

    def score(self, query: Query) -> Tensor:
        return self.counts.repeat(len(query), 1)

    def state(self) -> Arrays:
        return {"counts": self.counts.numpy()}

    @classmethod
    def from_state(cls, corpus: Corpus, config: Config, state: Arrays) -> Self:
        return cls(state["counts"].astype(np.float32), config)
