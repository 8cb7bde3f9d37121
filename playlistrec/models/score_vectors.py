"""Vectors by which a model scores."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..graph.products import products

__all__ = ["ScoreVectors"]


@dataclass(frozen=True, eq=False)
class ScoreVectors:
    """``score(p, t) = playlists[p] · tracks[t] + bias[t]``: all that similarity, export and search indices read.

    Attributes:
        playlists: (n, d).
        tracks: (n_tracks, d).
        bias: (n_tracks,) what a track scores whatever the playlist: the popularity prior, the linear term of a
            factorisation machine; None where there is none.

    >>> vectors = ScoreVectors(torch.ones(1, 2), torch.eye(2), torch.tensor([0.5, 0.0]))
    >>> vectors.scores().tolist()
    [[1.5, 1.0]]
    >>> playlists, tracks = vectors.padded()
    >>> (playlists @ tracks.T).tolist()
    [[1.5, 1.0]]
    """

    playlists: Tensor
    tracks: Tensor
    bias: Tensor | None = None

    def scores(self) -> Tensor:
        """(n, n_tracks) the scores."""
        return products(self.playlists, self.tracks, self.bias)

    def padded(self) -> tuple[Tensor, Tensor]:
        """Vectors whose dot products are the scores: with a further column, 1 and the bias, where there is one."""
        if self.bias is None:
            return self.playlists, self.tracks
        return F.pad(self.playlists, (0, 1), value=1.0), torch.cat([self.tracks, self.bias.unsqueeze(1)], dim=1)
