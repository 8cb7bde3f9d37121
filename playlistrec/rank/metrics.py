"""Ranking metrics with binary relevance: pure functions of tensors, one value a query.

All take ``hits`` (batch, depth) bool, whether the track at each rank is in the truth, best rank first, and
``n_truth`` (batch,), how many tracks the truth has; a rank that holds no track is a miss. All return (batch,)
float64; the mean over queries is taken by the caller.

Conventions: :func:`recall` divides by the size of the truth, not by ``min(k, size)``. Ties between scores are no
concern of these functions: the ranking is taken as it comes (:func:`~playlistrec.rank.topk.top_k` breaks ties by
the lower index). A query with empty truth has no recall and no ideal ranking, so it is refused (ValueError)
rather than counted as 0 or 1; leave such queries out. ValueError too for ``k`` below 1 or beyond the depth.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "average_precision",
    "coverage",
    "hit_rate",
    "mrr",
    "ndcg",
    "playlist_auc",
    "precision",
    "r_precision",
    "recall",
    "recommended",
    "roc_auc",
]

FEW = 100
"""Hidden tracks up to which comparing every score with each of them is quicker than one search for every score."""


def recall(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    """Share of the truth in the first ``k``: ``hits@k / |G|``."""
    return _first(hits, n_truth, k).sum(1).double() / n_truth


def precision(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    """Share of the first ``k`` that is truth: ``hits@k / k``."""
    return _first(hits, n_truth, k).sum(1).double() / k


def hit_rate(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    """1 where the first ``k`` hold any of the truth, else 0."""
    return _first(hits, n_truth, k).any(1).double()


def ndcg(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    """Normalised discounted cumulative gain with gains 0 and 1 (Järvelin & Kekäläinen 2002).

    ``sum_r hit_r / log2(r + 1)`` over the ranks r = 1..k, divided by its value were all of the first
    ``min(k, |G|)`` ranks hits.

    >>> ndcg(torch.tensor([[False, True]]), torch.tensor([1]), 2)
    tensor([0.6309], dtype=torch.float64)
    """
    first = _first(hits, n_truth, k).double()
    gains = 1 / torch.log2(_ranks(hits, k) + 1)
    return first @ gains / gains.cumsum(0)[n_truth.clamp(max=k) - 1]


def mrr(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    """One over the rank of the first hit in the first ``k``, 0 without a hit."""
    return (_first(hits, n_truth, k) / _ranks(hits, k)).amax(1)


def average_precision(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    """Mean of the precision at each hit: ``sum_r hit_r · precision@r / min(k, |G|)``; its mean is MAP@k."""
    first = _first(hits, n_truth, k)
    return (first * first.cumsum(1) / _ranks(hits, k)).sum(1) / n_truth.clamp(max=k)


def r_precision(hits: Tensor, n_truth: Tensor) -> Tensor:
    """Share of the first ``|G|`` that is truth, ``|G|`` being each query's own. The depth must reach it."""
    _first(hits, n_truth, max(1, int(n_truth.max())) if len(n_truth) else 1)
    within = torch.arange(hits.shape[1], device=hits.device) < n_truth[:, None]
    return (hits & within).sum(1).double() / n_truth


def recommended(indices: Tensor, n_tracks: int, k: int) -> Tensor:
    """(n_tracks,) bool: the tracks that stand in some row's first ``k`` of ``indices`` (batch, depth); -1 is none."""
    _check_k(k, indices.shape[1])
    chosen = torch.zeros(n_tracks, dtype=torch.bool, device=indices.device)
    first = indices[:, :k]
    chosen[first[first >= 0]] = True
    return chosen


def coverage(indices: Tensor, n_tracks: int, k: int) -> float:
    """Share of the catalogue that stands in some row's first ``k`` of ``indices`` (batch, depth); -1 is none."""
    return float(recommended(indices, n_tracks, k).double().mean())


def roc_auc(positive: Tensor, negative: Tensor) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann & Whitney 1947).

    All scores are pooled: each of ``positive`` (any shape) meets each of ``negative``. ``-inf`` is the lowest
    score there is. ValueError when one of them is empty or holds NaN.

    >>> roc_auc(torch.tensor([3.0, 1.0]), torch.tensor([1.0, 0.0]))
    0.875
    """
    if not positive.numel() or not negative.numel():
        raise ValueError("positive and negative must not be empty")
    if positive.isnan().any() or negative.isnan().any():
        raise ValueError("scores must not be NaN")
    order, positive = negative.flatten().double().sort().values, positive.flatten().double()
    below = torch.searchsorted(order, positive)
    not_above = torch.searchsorted(order, positive, right=True)
    return float((below + not_above).double().mean() / (2 * len(order)))


def playlist_auc(scores: Tensor, truth: Tensor, seeds: Tensor) -> float:
    """The AUC of one playlist: the chance that a hidden track scores above a track it does not hold, ties ½.

    Exact, over all tracks that are neither hidden nor a seed; NaN where there is none. Its mean over playlists is the
    AUC of Rendle et al. 2009 ("BPR"), section 3.2, and of LensKit and implicit; no score of one playlist meets one of
    another.

    Args:
        scores: (n_tracks,), ``-inf`` the lowest there is.
        truth: hidden tracks, distinct. seeds: tracks that do not take part.

    >>> playlist_auc(torch.tensor([3.0, 1.0, 1.0, 0.0, 9.0]), torch.tensor([0, 1]), torch.tensor([4]))
    0.875
    """
    seeds, positive = torch.unique(seeds), scores[truth].sort().values
    n = len(scores) - len(seeds) - len(truth)
    if n < 1:
        return float("nan")
    count = _counts_by_comparison if len(truth) <= FEW and not scores.is_cuda else _counts_by_bucket
    # What is counted among all tracks, less what is counted among those that do not take part.
    parts = [count(values, positive) for values in (scores, scores[seeds], positive)]
    return float((parts[0] - parts[1] - parts[2]).double().mean() / (2 * n))


def _counts_by_comparison(values: Tensor, limits: Tensor) -> Tensor:
    """(n,) twice the number of ``values`` below each limit, and once that of those equal to it."""
    row = values.numpy()
    counted = [np.count_nonzero(row < limit) + np.count_nonzero(row <= limit) for limit in limits.numpy()]
    return torch.tensor(counted)


def _counts_by_bucket(values: Tensor, limits: Tensor) -> Tensor:
    """Counts by sorting the values into the gaps between the rising limits: for many of these, or on a GPU."""
    n = len(limits)
    below, not_above = (
        torch.bincount(torch.bucketize(values, limits, right=right), minlength=n + 1).cumsum(0)[:n]
        for right in (True, False)
    )
    return below + not_above


def _first(hits: Tensor, n_truth: Tensor, k: int) -> Tensor:
    _check_k(k, hits.shape[1])
    if (n_truth < 1).any():
        raise ValueError("n_truth must be at least 1 everywhere (a query with empty truth has no score)")
    return hits[:, :k]


def _check_k(k: int, depth: int) -> None:
    if not 1 <= k <= depth:
        raise ValueError(f"k must lie in 1..{depth}, the depth of the ranking (got {k})")


def _ranks(hits: Tensor, k: int) -> Tensor:
    return torch.arange(1, k + 1, dtype=torch.float64, device=hits.device)
