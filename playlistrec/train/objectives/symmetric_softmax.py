"""The other direction of softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...config import require
from ..batches.batch import PlaylistBatch
from ..losses.softmax import softmax
from .objective import Batches, Term

__all__ = ["SymmetricSoftmax"]


@dataclass(frozen=True)
class SymmetricSoftmax(Term):
    """Softmax of each pair's playlist among those of the batch that do not hold its track.

    The other half of a loss over pairs of two views: Radford et al. 2021 (CLIP), figure 3. For objectives over whole
    playlists: FullSoftmax and SharedSoftmax.

    Attributes:
        temperature: divides the scores.
    """

    temperature: float = 0.1

    def check(self, model: Any, batches: Batches) -> None:
        unmet = getattr(batches, "contexts", None) is None
        require(unmet, "symmetric_weight", "0 for tracks in contexts", self.weight)

    def loss(self, batch: PlaylistBatch) -> Tensor:
        playlists, tracks = batch.vectors
        candidates, row = torch.unique(batch.track, return_inverse=True)
        order = torch.argsort(row, stable=True)
        masked = None
        if batch.own is not None:
            row_of = batch.columns(batch.own[1], candidates)
            here = row_of >= 0
            held, by = torch.sort(row_of[here], stable=True)
            masked = held, batch.own[0][here][by]
        queries = tracks.index_select(0, candidates) / self.temperature
        pairs = row[order], batch.playlist[order]
        return softmax(queries, playlists, pairs, masked=masked, reduced=batch.reduced)
