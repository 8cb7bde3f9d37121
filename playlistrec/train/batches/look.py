"""A look at how each playlist ranks all tracks, taken every few epochs, by which objectives weigh its pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...config import require
from ...graph.products import products
from ...models.embedding.model import EmbeddingModel
from ..losses.adaptive_temperature import adaptive_temperatures
from .pairs import Pairs

__all__ = ["Look", "Looked"]

ROWS = 256
"""Playlists ranked at a time."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The figures that an objective wants of each playlist.

    Attributes:
        top_k: K of the K-th best score; 0: not wanted.
        spread: ν of the adaptive temperatures; 0: not wanted.
        temperature: what the latter are about.
        every: epochs between looks.
    """

    top_k: int = 0
    spread: float = 0.0
    temperature: float = 0.1
    every: int = 5

    def __post_init__(self) -> None:
        require(self.top_k >= 0, "top_k", "at least 0", self.top_k)
        require(self.spread >= 0, "temperature_spread", "at least 0", self.spread)
        require(self.every >= 1, "look_every", "at least 1", self.every)

    @property
    def wanted(self) -> bool:
        """True if there is anything to look at."""
        return bool(self.top_k or self.spread)


class Looked:
    """The figures as they were when they were last looked at; a checkpoint keeps them.

    Attributes:
        thresholds: (n_playlists,) score of each playlist's K-th best track, its own among them; None if not wanted.
        temperatures: (n_playlists,) τ_u; None if not wanted.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.thresholds: Tensor | None = None
        self.temperatures: Tensor | None = None

    @torch.no_grad()
    def refresh(self, model: EmbeddingModel, pairs: Pairs, epoch: int) -> None:
        """Look again where that is due. ``epoch`` counts from 0."""
        if not self.look.wanted or epoch % self.look.every:
            return
        model.eval()
        vectors = model.score_vectors()
        sums, thresholds = [], []
        for low in range(0, pairs.n_playlists, ROWS):
            scores = products(vectors.playlists[low : low + ROWS], vectors.tracks, vectors.bias)
            if self.look.top_k:
                thresholds.append(scores.topk(min(self.look.top_k, scores.shape[1]), dim=1).values[:, -1].clone())
            if self.look.spread:
                sums.append(scores.logsumexp(1))
        if self.look.top_k:
            self.thresholds = torch.cat(thresholds)
        if self.look.spread:
            playlists, tracks = vectors.padded()
            parts = torch.split(torch.arange(len(pairs), device=pairs.src.device), 2**18)
            each = [(playlists[pairs.src[at]] * tracks[pairs.dst[at]]).sum(1) for at in parts]
            positive = torch.cat(each)
            mean = positive.new_zeros(pairs.n_playlists).index_add_(0, pairs.src, positive) / pairs.degree
            self.temperatures = adaptive_temperatures(torch.cat(sums) - mean, self.look.temperature, self.look.spread)
        model.train()

    def state(self) -> dict[str, Tensor]:
        """The figures, for a checkpoint."""
        found = {"thresholds": self.thresholds, "temperatures": self.temperatures}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        self.thresholds = state.get("thresholds", self.thresholds)
        self.temperatures = state.get("temperatures", self.temperatures)

    def of(self, playlists: Tensor) -> dict[str, Any]:
        """The figures of some playlists, as fields of a batch."""
        found = {"threshold": self.thresholds, "temperature": self.temperatures}
        return {name: None if tensor is None else tensor[playlists] for name, tensor in found.items()}
