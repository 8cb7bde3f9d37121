"""Paired tests of the mean difference between two models on the same queries.

All take ``differences`` (n,) or (comparisons, n): for each query the metric of one model minus that of another.
Comparisons are tested with the same resamples. Everything is drawn from ``seed`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["bootstrap_interval", "bootstrap_test", "holm", "permutation_test"]

Floats = npt.NDArray[np.float64]

SLICE = 1_000_000
"""Resampled queries held at a time, some 20 MB."""

ROUNDING = 1e-12
"""Share of the sum of absolute differences by which two sums may differ and count as the same."""


def permutation_test(differences: npt.ArrayLike, *, resamples: int = 10_000, seed: int = 0) -> Floats:
    """Two-sided p of the sign-flip test: were the models the same, each difference could as well have the other sign.

    ``p = (1 + #{|Σ ±d| >= |Σ d|}) / (1 + resamples)`` over random signs; where there are no more than ``resamples``
    ways to choose the signs, all are tried and p is exact. Fisher 1935, section 21; the added ones are the data
    themselves (Phipson & Smyth 2010). ValueError for no queries or values that are not finite.

    >>> permutation_test([1.0, 2.0, 3.0]).item()
    0.25
    """
    rows = _rows(differences)
    total = rows.sum(1)
    least = np.abs(total) - ROUNDING * np.abs(rows).sum(1)
    exact = 2 ** rows.shape[1] <= resamples
    signs = _all_signs(rows.shape[1]) if exact else _random_signs(rows.shape[1], resamples, seed)
    # Σ ±d = 2 · Σ of those that keep their sign − Σ d
    beyond = sum((np.abs(2 * (kept @ rows.T) - total) >= least).sum(0) for kept in signs)
    p = beyond / 2 ** rows.shape[1] if exact else (1 + beyond) / (1 + resamples)
    return _like(p, differences)


def bootstrap_test(differences: npt.ArrayLike, *, resamples: int = 10_000, seed: int = 0) -> Floats:
    """Two-sided p of the paired bootstrap: how often a mean of n differences drawn anew strays as far as they did.

    ``p = (1 + #{|mean* − mean| >= |mean|}) / (1 + resamples)``. Efron & Tibshirani 1993, section 16.4. ValueError as in
    :func:`permutation_test`.
    """
    rows = _rows(differences)
    mean = rows.mean(1)
    least = np.abs(mean) - ROUNDING * np.abs(rows).mean(1)
    beyond = (np.abs(_resampled_means(rows, resamples, seed) - mean) >= least).sum(0)
    return _like((1 + beyond) / (1 + resamples), differences)


def bootstrap_interval(
    differences: npt.ArrayLike, *, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Floats:
    """(2,) or (comparisons, 2): the percentile interval of the mean difference. Efron & Tibshirani 1993, section 13.3.

    ValueError as in :func:`permutation_test`, and for a level outside 0..1.

    >>> bootstrap_interval([2.0, 2.0, 2.0]).tolist()
    [2.0, 2.0]
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1 (got {level})")
    means = _resampled_means(_rows(differences), resamples, seed)
    return _like(np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0).T, differences)


def holm(p: npt.ArrayLike) -> Floats:
    """p-values corrected for their number, so that the chance of any false positive stays below the level.

    The i-th smallest of m is multiplied by ``m − i + 1``; none falls below a smaller one's. Holm 1979.

    >>> holm([0.04, 0.01, 0.03]).tolist()
    [0.06, 0.03, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return corrected.clip(max=1)


def _rows(differences: npt.ArrayLike) -> Floats:
    rows = np.atleast_2d(np.asarray(differences, dtype=np.float64))
    if not rows.shape[-1]:
        raise ValueError("there must be at least one query to compare on")
    if not np.isfinite(rows).all():
        raise ValueError("differences must be finite")
    return rows


def _like(result: Floats, differences: npt.ArrayLike) -> Floats:
    """One result a comparison; without that axis where there was but one comparison, given without it."""
    return result[0] if np.ndim(differences) == 1 else result


def _slices(n: int, resamples: int) -> Iterator[int]:
    """The number of resamples of ``n`` queries to take at a time."""
    size = max(1, SLICE // n)
    yield from (min(size, resamples - start) for start in range(0, resamples, size))


def _random_signs(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """(size, n) matrices, 1 where a difference keeps its sign and 0 where it does not."""
    rng = np.random.default_rng(seed)
    for size in _slices(n, resamples):
        bits = rng.integers(0, 256, (size, -(-n // 8)), dtype=np.uint8)
        yield np.unpackbits(bits, axis=1, count=n).astype(np.float64)


def _all_signs(n: int) -> Iterator[Floats]:
    yield (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.float64)


def _resampled_means(rows: Floats, resamples: int, seed: int) -> Floats:
    """(resamples, comparisons) means over as many queries drawn with replacement."""
    n = rows.shape[1]
    rng = np.random.default_rng(seed)
    means = []
    for size in _slices(n, resamples):
        drawn = rng.integers(0, n, (size, n), dtype=np.int32)
        means.append(np.stack([row[drawn].mean(1) for row in rows], axis=1))
    return np.concatenate(means)
