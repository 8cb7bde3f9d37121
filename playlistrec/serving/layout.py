"""A place in the plane for each of many vectors, near those that are like it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["layout"]

Floats = npt.NDArray[np.float32]

LANDMARKS, NEIGHBOURS, NEGATIVES, EPOCHS = 12_000, 12, 5, 250
A, B = 0.583, 1.334
"""Of the curve 1 / (1 + a d^2b): what UMAP fits to a least distance of 0.5, so that groups spread out."""

BLOCK = 2_048


def layout(vectors: Tensor, weights: npt.NDArray[np.integer], *, seed: int = 0) -> Floats:
    """(n, 2) places: neighbours by cosine drawn together, others pushed apart.

    The heaviest vectors are laid out by the gradient of UMAP's loss (McInnes, Healy & Melville 2018, section 3.2), all
    edges at once; each other vector goes to the mean of its nearest of them, weighted by likeness. Vectors of length 0
    are strewn over the plane.

    Args:
        vectors: (n, d).
        weights: (n,) the higher, the sooner a vector is laid out itself.
    """
    rng = np.random.default_rng(seed)
    unit = F.normalize(vectors.float(), dim=1)
    known = np.flatnonzero(unit.any(1).numpy())
    places: Floats = rng.normal(0, 1, (len(unit), 2)).astype(np.float32)
    if len(known) <= NEIGHBOURS:
        return places
    order = known[np.argsort(-weights[known], kind="stable")]
    main, rest = np.sort(order[:LANDMARKS]), np.sort(order[LANDMARKS:])
    landmarks = unit[main]
    alike, near = _nearest(landmarks, landmarks, NEIGHBOURS + 1)
    laid = _optimised(_started(landmarks, rng), near[:, 1:], alike[:, 1:], rng)
    places = (places * laid.std(0) * 1.2 + laid.mean(0)).astype(np.float32)
    places[main] = laid
    for low in range(0, len(rest), BLOCK):
        rows = rest[low : low + BLOCK]
        alike, near = _nearest(unit[rows], landmarks, 4)
        share = np.exp(8 * (alike - alike[:, :1]))
        share /= share.sum(1, keepdims=True)
        spread = rng.normal(0, 0.15, (len(rows), 2))
        places[rows] = (laid[near] * share[:, :, None]).sum(1) + spread
    return places


def _nearest(queries: Tensor, keys: Tensor, k: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """(n, k) the highest cosines, and whose they are."""
    found = [(queries[low : low + BLOCK] @ keys.T).topk(k, dim=1) for low in range(0, len(queries), BLOCK)]
    return torch.cat([one.values for one in found]).numpy(), torch.cat([one.indices for one in found]).numpy()


def _started(unit: Tensor, rng: np.random.Generator) -> Floats:
    """The two principal components, some ten units wide, a little shaken so that equal vectors part."""
    centred = unit - unit.mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    start = (centred @ directions[:, -2:].flip(1)).numpy()
    start = 10 * start / max(float(np.abs(start).max()), 1e-9)
    return np.asarray(start + rng.normal(0, 0.05, start.shape), dtype=np.float32)


def _optimised(places: Floats, near: npt.NDArray[np.int64], alike: Floats, rng: np.random.Generator) -> Floats:
    n, k = near.shape
    heads, tails = np.repeat(np.arange(n), k), near.ravel()
    pull = np.exp(6 * (alike - alike[:, :1])).ravel()[:, None]
    for epoch in range(EPOCHS):
        rate = 0.25 * (1 - epoch / EPOCHS)
        moves = np.zeros((2, n))
        apart = places[heads] - places[tails]
        square = (apart**2).sum(1, keepdims=True) + 1e-6
        force = np.clip(-2 * A * B * square ** (B - 1) / (1 + A * square**B) * apart, -4, 4) * pull
        for axis in (0, 1):
            moves[axis] += np.bincount(heads, force[:, axis], n) - np.bincount(tails, force[:, axis], n)
        others = rng.integers(0, n, (n, NEGATIVES * k // 4))
        apart_n = places[:, None] - places[others]
        square_n = (apart_n**2).sum(2, keepdims=True)
        push = np.clip(2 * B / ((0.001 + square_n) * (1 + A * square_n**B)) * apart_n, -4, 4)
        moves += 4 * push.sum(1).T
        places = (places + rate * np.clip(moves.T, -8, 8) / 2).astype(np.float32)
    return places
