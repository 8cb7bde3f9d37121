"""Vectors of unseen playlists as ridge solutions over their seeds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...errors import RunError
from ..base import Query

__all__ = ["ridge_vectors"]

CHUNK = 256
"""EvaluationSet whose systems are solved together: 17 MB at 128 dimensions."""


def ridge_vectors(
    query: Query, tracks: Tensor, base: Tensor, *, square: float = 1.0, linear: float = 1.0, pull: Tensor | None = None
) -> Tensor:
    """(batch, d) solutions of ``(B + a Σ_seeds v vᵀ) z = b Σ_seeds v + c``, distinct seeds counting once.

    Args:
        tracks: (n_tracks, d) the vectors v.
        base: (d, d) B, positive definite.
        square, linear: a and b.
        pull: (d,) c; 0 if not given.
    """
    n_tracks, dim = tracks.shape
    solved = [tracks.new_zeros(0, dim)]
    for low in range(0, len(query), CHUNK):
        seeds = query.take(low, low + CHUNK).matrix(n_tracks)
        held = tracks[torch.from_numpy(seeds.indices.astype(np.int64)).to(tracks.device)]
        systems = base.repeat(seeds.shape[0], 1, 1)
        sums = tracks.new_zeros(seeds.shape[0], dim)
        for row, vectors in enumerate(torch.split(held, np.diff(seeds.indptr).tolist())):
            systems[row].addmm_(vectors.T, vectors, alpha=square)
            sums[row] = linear * vectors.sum(0)
        try:
            solved.append(torch.linalg.solve(systems, sums if pull is None else sums + pull))
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            raise RunError("the vectors of the tracks are no solution for this data: they are too large") from None
    return torch.cat(solved)
