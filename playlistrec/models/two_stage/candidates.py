"""The first stage of playlist continuation: what several models name, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from ...errors import RunError
from ...events import Event, OnEvent
from ..base import Query, Recommender
from ..ensemble.blend import standardised
from .held_out import HeldOut
from .pair_features import PairFeatures

__all__ = ["Candidates", "FirstStage", "Pool"]


BATCH_BYTES = 32 * 2**20
"""Size of a part's scores that are held at once while candidates are collected."""

K = 20


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of a batch of queries: those of the first by rising track, those of the second, …

    Attributes:
        rows, tracks: (n,) int64 the query and the track of each.
        features: (n, n_features) float32.
        scores: (batch, n_tracks) of each part, as it gave them.
    """

    rows: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    scores: list[Tensor]


@dataclass(frozen=True, eq=False)
class FirstStage:
    """Names the union of each part's ``depth`` best tracks, and tells their features.

    A part names no seeds, and none of the tracks that it scores lowest: where neighbours have no vote they name
    nothing. Of each part the features are its score with mean 0 and variance 1 over all tracks, and 1 / rank, which is
    0 where it does not name the track; then come those of ``pairs``.
    """

    parts: Sequence[Recommender]
    pairs: PairFeatures
    depth: int

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        labels = [f"{part.name}_{i}" for i, part in enumerate(self.parts)]
        return [f"{part}_{what}" for part in labels for what in ("score", "rank")] + list(PairFeatures.NAMES)

    @torch.no_grad()
    def __call__(self, query: Query) -> Candidates:
        """The candidates of each query. Raises RunError where a part gives a NaN."""
        scores = [part.score(query).to("cpu", torch.float32) for part in self.parts]
        units = [standardised(s) for s in scores]
        ranks = [self._ranks(part, unit, query) for part, unit in zip(self.parts, units)]
        rows, tracks = torch.stack(ranks).amax(0).nonzero(as_tuple=True)
        labels = [of[rows, tracks].numpy() for pair in zip(units, ranks) for of in pair]
        known = self.pairs(query, rows.numpy(), tracks.numpy())
        return Candidates(rows.numpy(), tracks.numpy(), np.column_stack([*labels, known]), scores)

    def _ranks(self, part: Recommender, unit: Tensor, query: Query) -> Tensor:
        """(batch, n_tracks) 1 / rank of what a part names, 0 of the rest."""
        lowest = unit.amin(1, keepdim=True)
        if lowest.isnan().any():
            raise RunError(f"model {part.name} gave a score that is not a number; was its training finite?")
        free = unit.index_put((torch.from_numpy(query.rows), torch.from_numpy(query.tracks)), torch.tensor(-torch.inf))
        values, indices = free.topk(min(self.depth, free.shape[1]), dim=1)
        places = 1 / torch.arange(1.0, values.shape[1] + 1)
        return torch.zeros_like(unit).scatter_(1, indices, places.where(values > lowest, 0.0))


@dataclass(frozen=True, eq=False)
class Pool:
    """The candidates of all held-out playlists.

    Attributes:
        rows: (n,) int64 the query of each, rising.
        features: (n, n_features) float32.
        hits: (n,) whether it is right.
        n_truth: (n_queries,) how many tracks are.
    """

    rows: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    hits: npt.NDArray[np.bool_]
    n_truth: npt.NDArray[np.int64]

    @classmethod
    def of(cls, first: FirstStage, held_out: HeldOut, on_event: OnEvent) -> Self:
        """The candidates of ``first`` for the held-out playlists, with progress events."""
        size = max(1, BATCH_BYTES // (4 * first.parts[0].n_tracks))
        rows, features, hits = [], [], []
        for low in range(0, len(held_out), size):
            found = first(held_out.query.take(low, low + size))
            rows.append(found.rows + low)
            features.append(found.features)
            hits.append(held_out.truth[low : low + size].toarray()[found.rows, found.tracks] > 0)
            done = min(low + size, len(held_out))
            on_event(Event("progress", "collecting candidates", {"done": done, "total": len(held_out)}))
        n_truth = np.diff(held_out.truth.indptr).astype(np.int64)
        return cls(np.concatenate(rows), np.concatenate(features), np.concatenate(hits), n_truth)

    def ndcg(self, scores: npt.NDArray[np.float32]) -> float:
        """NDCG@20 of ranking the candidates by ``scores`` (n,), ties as they stand, over the queries with a truth."""
        order = np.lexsort((-scores, self.rows))
        starts = np.searchsorted(self.rows, np.arange(len(self.n_truth)))
        place = np.arange(len(order)) - starts[self.rows]
        gains = np.where(place < K, self.hits[order] / np.log2(place + 2), 0)
        ideal = np.cumsum(1 / np.log2(np.arange(K) + 2))
        answerable = self.n_truth > 0
        best = ideal[self.n_truth.clip(1, K) - 1]
        return float((np.bincount(self.rows, gains, minlength=len(best)) / best)[answerable].mean())
