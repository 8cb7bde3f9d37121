"""Inner products of some vectors with very many, at the processor's speed."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["products"]

TILE = 1024
"""Keys of a tile."""

SCRATCH = 2**20
"""Products that stand beside the result, in the cache (4 MB)."""

FEWEST = 16
"""Queries and tiles below which nothing is gained."""


def products(queries: Tensor, keys: Tensor, bias: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """``queries @ keys.T + bias``, without a gradient.

    On a CPU the products come tile by tile of the keys and are copied, with the bias, to where they belong: the rows
    of the result lie so far apart that, written to at once, they make the multiplication wait for memory half the time.

    Args:
        queries: (n, d).
        keys: (m, d).
        bias: (m,).
        out: (n, m), contiguous, to be filled; None: a new one.

    Returns:
        (n, m).

    >>> products(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 1.0], [0.0, 3.0]]), torch.tensor([0.5, 0.0]))
    tensor([[3.5000, 6.0000]])
    """
    n, m = len(queries), len(keys)
    if out is None:
        out = queries.new_empty(n, m)
    tiles = m // TILE
    if queries.device.type != "cpu" or min(n, tiles) < FEWEST:
        tiles = 0
    step = max(1, min(tiles, SCRATCH // (n * TILE))) if tiles else 1
    scratch = queries.new_empty(step if tiles else 0, n, TILE)
    for low in range(0, tiles, step):
        high = min(low + step, tiles)
        here = slice(low * TILE, high * TILE)
        tiled = keys[here].reshape(high - low, TILE, -1).transpose(1, 2)
        found = torch.bmm(queries.expand(high - low, -1, -1), tiled, out=scratch[: high - low]).transpose(0, 1)
        into = out[:, here].view(n, high - low, TILE)
        if bias is None:
            into.copy_(found)
        else:
            torch.add(found, bias[here].view(high - low, TILE), out=into)
    rest = slice(tiles * TILE, m)
    torch.mm(queries, keys[rest].T, out=out[:, rest])
    if bias is not None:
        out[:, rest] += bias[rest]
    return out
