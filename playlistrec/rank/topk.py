"""The best k of every row, the same ones every time."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["mask_seeds", "top_k"]


def top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` highest scores of each row and where they stand, best first; ties go to the lower index.

    ``-inf`` means "cannot be ranked": where a row has fewer than ``k`` other scores, the rest of its result has
    value ``-inf`` and index -1.

    Args:
        scores: (batch, n) floating point.
        k: at least 1; may exceed ``n``.

    Returns:
        values (batch, k) of the scores' dtype, and indices (batch, k) int64, on the scores' device.

    Raises:
        ValueError: ``k`` is below 1, or a score is NaN.

    >>> values, indices = top_k(torch.tensor([[1.0, 3.0, 3.0, -torch.inf]]), 4)
    >>> indices.tolist()
    [[1, 2, 0, -1]]
    """
    if k < 1:
        raise ValueError(f"k must be at least 1 (got {k})")
    batch, n = scores.shape
    # One more than k shows in which rows the k-th place is tied; only there is torch's choice arbitrary.
    values, indices = torch.topk(scores, min(k + 1, n), dim=1)
    if values[:, :1].isnan().any():  # topk takes NaN for the greatest value
        raise ValueError("scores must not be NaN")
    if n > k:
        values, indices, beyond = values[:, :k], indices[:, :k], values[:, k]
        edge = values[:, -1]
        tied = ((edge == beyond) & (edge > -torch.inf)).nonzero().squeeze(1)
        if len(tied):
            above = values[tied] > edge[tied, None]
            indices[tied] = torch.where(above, indices[tied], _first_equal(scores[tied], edge[tied], above))
    indices, order = indices.sort(dim=1)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    indices = indices.gather(1, order).masked_fill_(values == -torch.inf, -1)
    if n < k:
        values = torch.cat([values, values.new_full((batch, k - n), -torch.inf)], dim=1)
        indices = torch.cat([indices, indices.new_full((batch, k - n), -1)], dim=1)
    return values, indices


def _first_equal(scores: Tensor, edge: Tensor, above: Tensor) -> Tensor:
    """(rows, k) indices: where ``above`` (rows, k) ends, the first scores that equal their row's ``edge`` (rows,)."""
    n, k = scores.shape[1], above.shape[1]
    countdown = torch.arange(n, 0, -1, dtype=torch.int32, device=scores.device)
    first = n - torch.topk(torch.where(scores == edge[:, None], countdown, 0), k, dim=1).values.long()
    place = torch.arange(k, device=scores.device) - above.sum(1, keepdim=True)
    return first.gather(1, place.clamp_(min=0))


def mask_seeds(scores: Tensor, rows: Tensor, tracks: Tensor) -> Tensor:
    """Set ``scores[rows, tracks]`` to ``-inf`` in place; returns ``scores``.

    Args:
        scores: (batch, n).
        rows, tracks: (n_seeds,) int64 on the scores' device; pairs may repeat.
    """
    scores[rows, tracks] = -torch.inf
    return scores
