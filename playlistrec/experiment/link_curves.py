"""Loss and ROC-AUC of each part as of link prediction, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..config import require
from ..corpus.split import TEST, TRAIN, VALID
from ..graph.negatives.random import UniformNegatives
from ..models.base import Recommender
from ..rank.metrics import roc_auc
from ..train.losses.bce import bce
from ..train.losses.bpr import bpr
from ..train.negatives import edges_of
from .data import Data

__all__ = ["LinkCurves"]

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"bce": bce, "bpr": bpr}
"""Losses that one pair and one negative have."""
MOST, CHUNK = 1_000_000, 100_000
"""Pairs of a part that are scored at most, drawn once, and pairs scored at a time."""


class LinkCurves:
    """Scores the pairs of each part, and as many that are in no part, and compares them.

    Each pair has one track that its playlist holds in no part, drawn once, so that epochs compare. The model passes
    messages along the training pairs, as in ranking.

    Args:
        loss: ``bce`` or ``bpr``; with another only the AUC is measured.
        test: true for the test part too. Nothing may be chosen by it.
    """

    def __init__(self, data: Data, loss: str, *, test: bool) -> None:
        corpus, part, kind = data.corpus, data.split.part, data.split.kind
        require(kind != "continuation", "link_curves", "none where whole playlists are hidden", kind)
        self._loss = LOSSES.get(loss)
        sampler = UniformNegatives(*edges_of(corpus), k=1)
        self._parts: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
        for name, number in (("train", TRAIN), ("valid", VALID), ("test", TEST))[: 3 if test else 2]:
            generator = torch.Generator().manual_seed(number)
            playlists, tracks = (torch.from_numpy(ids.astype(np.int64)) for ids in corpus.where(part == number).pairs)
            some = ~sampler.non_edges.full(playlists)
            playlists, tracks = playlists[some], tracks[some]
            if len(playlists) > MOST:
                chosen = torch.randperm(len(playlists), generator=generator)[:MOST]
                playlists, tracks = playlists[chosen], tracks[chosen]
            if len(playlists):
                self._parts[name] = playlists, tracks, sampler.sample(playlists, generator).flatten()

    def __call__(self, model: Recommender) -> dict[str, float]:
        """``auc_train``, ``loss_train`` and so on."""
        require(model.has_vectors, "link_curves", f"none for {model.name}, which has no vectors", "valid")
        vectors = model.score_vectors().padded()
        found: dict[str, float] = {}
        for name, (playlists, tracks, others) in self._parts.items():
            positive, negative = _scores(vectors, playlists, tracks), _scores(vectors, playlists, others)
            if self._loss is not None:
                found[f"loss_{name}"] = float(self._loss(positive, negative.unsqueeze(1)))
            found[f"auc_{name}"] = roc_auc(positive, negative)
        return found


def _scores(vectors: tuple[Tensor, Tensor], playlists: Tensor, tracks: Tensor) -> Tensor:
    """(n,) the scores of some pairs."""
    queries, keys = vectors
    chunks = zip(torch.split(playlists.to(queries.device), CHUNK), torch.split(tracks.to(keys.device), CHUNK))
    return torch.cat([(queries[some] * keys[ids]).sum(1) for some, ids in chunks])
