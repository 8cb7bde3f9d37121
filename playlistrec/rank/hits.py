"""The hits of a ranking: which of the first tracks are hidden tracks. Every metric, plot and blend reads this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..models.base import Recommender
from . import metrics as formulas
from .evaluation import AT_K, ScoredBatch
from .recommend import on, ranked

__all__ = ["RankedHits", "hidden_among"]


@dataclass(frozen=True, eq=False)
class RankedHits:
    """The first tracks of a ranking of some queries, and which of them are hidden tracks.

    Attributes:
        tracks: (batch, depth) best first, -1 where no further track can be ranked.
        hits: (batch, depth) True for a hidden track.
        n_hidden: (batch,) hidden tracks of each query.
        truth: (n_truth,) int64 keys ``row · n_tracks + track`` of the hidden tracks, in the order of the batch.
        n_tracks: tracks of the catalogue.
    """

    tracks: Tensor
    hits: Tensor
    n_hidden: Tensor
    truth: npt.NDArray[np.int64]
    n_tracks: int

    @classmethod
    def of(cls, model: Recommender, batch: ScoredBatch, depth: int) -> RankedHits:
        """Rank one batch; ``depth`` is at least the largest number of hidden tracks where R-precision is wanted.

        Raises RunError where the model gave a NaN.
        """
        tracks = ranked(model, batch.scores, depth)[1]
        truth = batch.truth_rows * model.n_tracks + batch.truth
        n_hidden = on(tracks, np.bincount(batch.truth_rows, minlength=len(batch.query)))
        return cls(tracks, hidden_among(tracks, truth, model.n_tracks), n_hidden, truth, model.n_tracks)

    def metric(self, name: str, k: int) -> Tensor:
        """(batch,) float64 of one of :data:`~.evaluation.AT_K` at depth ``k``."""
        return AT_K[name](self.hits, self.n_hidden, k)

    def r_precision(self) -> Tensor:
        """(batch,) float64: precision at the number of hidden tracks."""
        return formulas.r_precision(self.hits, self.n_hidden)

    def recommended(self, k: int) -> Tensor:
        """(n_tracks,) True for a track that is among the first ``k`` of any query."""
        return formulas.recommended(self.tracks, self.n_tracks, k)

    def ranks(self) -> npt.NDArray[np.int32]:
        """(n_truth,) the rank of each hidden track from 1, 0 where it is not among the first."""
        rows, places = (found.cpu().numpy() for found in self.hits.nonzero(as_tuple=True))
        keys = rows * self.n_tracks + self.tracks[self.hits].cpu().numpy()
        order = np.argsort(self.truth)
        ranks = np.zeros(len(self.truth), np.int32)
        ranks[order[np.searchsorted(self.truth, keys, sorter=order)]] = places + 1
        return ranks


def hidden_among(tracks: Tensor, truth: npt.NDArray[np.int64], n_tracks: int) -> Tensor:
    """(batch, n) True where a track is a hidden one of its row.

    Args:
        tracks: (batch, n), -1 for none.
        truth: (n_truth,) keys ``row · n_tracks + track`` of the hidden tracks, in any order; at least one.

    >>> hidden_among(torch.tensor([[2, 0], [1, -1]]), np.array([2, 4]), 3).tolist()
    [[True, False], [True, False]]
    """
    hidden = on(tracks, np.sort(truth))
    keys = torch.arange(len(tracks), device=tracks.device)[:, None] * n_tracks + tracks
    found = torch.searchsorted(hidden, keys).clamp_(max=len(hidden) - 1)
    return (hidden[found] == keys) & (tracks >= 0)  # a track of -1 would be the last one of the row before
