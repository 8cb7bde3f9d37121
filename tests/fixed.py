"""A recommender whose scores are written down."""

from __future__ import annotations

from torch import Tensor

from playlistrec.models.base import Query, Recommender


class Fixed(Recommender):
    """Gives the rows it was made of, whoever asks."""

    name = "fixed"

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores
        self.n_tracks = scores.shape[1]

    @classmethod
    def from_corpus(cls, corpus, config, *, seed=0):
        raise NotImplementedError

    def score(self, query: Query) -> Tensor:
        return self.scores[: len(query)].clone()

    def state(self):
        return {}

    @classmethod
    def from_state(cls, corpus, config, arrays):
        raise NotImplementedError
