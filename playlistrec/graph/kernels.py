"""Message passing in plain torch over the edges of one relation.

What :mod:`playlistrec.graph.ops` does where DGL's kernels cannot run.

Sums are products with a sparse matrix in CSR form and backward with its transpose; what must look at both ends
of an edge goes over the edges in slices. So nothing of edges × dims is built but the result.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor

from . import autograd

__all__ = ["Edges", "copy_u_max", "copy_u_sum", "edge_softmax", "u_add_v", "u_dot_v", "u_mul_e_max", "u_mul_e_sum"]

_CHUNK = {"cpu": 2**21, "cuda": 2**25}  # elements of such a slice


def copy_u_sum(edges: Edges, x: Tensor) -> Tensor:
    """(n_dst, …) sums of (n_src, …) features."""
    return _apply(autograd.CopySum, edges, _flat(x)).view(-1, *x.shape[1:])


def copy_u_max(edges: Edges, x: Tensor) -> Tensor:
    """(n_dst, …) maxima of (n_src, …) features."""
    return _apply(autograd.CopyMax, edges, _flat(x)).view(-1, *x.shape[1:])


def u_mul_e_sum(edges: Edges, x: Tensor, e: Tensor) -> Tensor:
    """(n_dst, …, d) sums of (n_src, …, d) features weighted by (n_edges, …, 1)."""
    return _apply(autograd.WeightedSum, edges, _heads(x), _flat(e)).view(-1, *x.shape[1:])


def u_mul_e_max(edges: Edges, x: Tensor, e: Tensor) -> Tensor:
    """(n_dst, d) maxima of (n_src, d) features weighted by (n_edges, 1). Builds a tensor of edges × d."""
    rows = x.index_select(0, edges.src) * e
    index = edges.dst.long().unsqueeze(1).expand_as(rows)
    return x.new_zeros(edges.n_dst, x.shape[1]).scatter_reduce(0, index, rows, "amax", include_self=False)


def u_add_v(edges: Edges, x: Tensor, y: Tensor) -> Tensor:
    """(n_edges, …) sums of (n_src, …) and (n_dst, …) features."""
    out = _apply(autograd.Spread, edges.reverse, _flat(x)) + _apply(autograd.Spread, edges, _flat(y))
    return out.view(-1, *x.shape[1:])


def u_dot_v(edges: Edges, x: Tensor, y: Tensor) -> Tensor:
    """(n_edges, …, 1) dot products of (n_src, …, d) and (n_dst, …, d) features."""
    return _apply(autograd.Dot, edges, _heads(x), _heads(y)).view(-1, *x.shape[1:-1], 1)


def edge_softmax(edges: Edges, logits: Tensor) -> Tensor:
    """(n_edges, …) softmax over the edges into each node."""
    return _apply(autograd.EdgeSoftmax, edges, _flat(logits)).view(logits.shape)


def _flat(x: Tensor) -> Tensor:
    return x.reshape(len(x), prod(x.shape[1:]))


def _heads(x: Tensor) -> Tensor:
    return x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])


def _apply(function: Any, edges: Edges, *features: Tensor) -> Tensor:
    with torch.autocast(edges.src.device.type, enabled=False):  # it would take half the bits where torch has no kernel
        out: Tensor = function.apply(edges, *features)
    return out


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of one relation on one device: ``src``, ``dst`` (n_edges,), and grouped by destination."""

    src: Tensor
    dst: Tensor
    n_src: int
    n_dst: int

    @cached_property
    def reverse(self) -> Edges:
        return Edges(self.dst, self.src, self.n_dst, self.n_src)

    @cached_property
    def order(self) -> Tensor:
        """(n_edges,) the edge ids, by destination."""
        return torch.argsort(self.dst, stable=True).to(self.dst.dtype)

    @cached_property
    def offsets(self) -> Tensor:
        """(n_dst + 1,) where the edges into each node start in ``order``."""
        counts = torch.bincount(self.dst, minlength=self.n_dst)
        return torch.nn.functional.pad(counts.cumsum(0), (1, 0)).to(self.dst.dtype)

    @cached_property
    def sources(self) -> Tensor:
        """(n_edges,) the sources, by destination."""
        return self.src.index_select(0, self.order)

    @cached_property
    def _adjacency(self) -> dict[torch.dtype, Tensor]:
        """The (n_dst, n_src) matrix of ones, by type."""
        return {}

    def sum(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        """(n_dst, d) sums of (n_src, d) features over the edges, weighted by (n_edges,) or by 1."""
        if not len(self.src):
            return x.new_zeros(self.n_dst, x.shape[1])
        if weight is not None:
            return self._matrix(self.sources, weight.index_select(0, self.order), self.n_src) @ x
        if x.dtype not in self._adjacency:
            self._adjacency[x.dtype] = self._matrix(self.sources, x.new_ones(len(self.src)), self.n_src)
        return self._adjacency[x.dtype] @ x

    def weighted_sum(self, x: Tensor, e: Tensor) -> Tensor:
        """(n_dst, heads, d) sums of (n_src, heads, d) features weighted by (n_edges, heads)."""
        return torch.stack([self.sum(a.contiguous(), w) for a, w in zip(x.unbind(1), e.unbind(1))], dim=1)

    def sum_edges(self, x: Tensor) -> Tensor:
        """(n_dst, d) sums of (n_edges, d) features of edges."""
        if not len(x):
            return x.new_zeros(self.n_dst, x.shape[1])
        return self._matrix(self.order, x.new_ones(len(x)), len(x)) @ x

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """(n_edges, heads) dot products of (n_src, heads, d) with (n_dst, heads, d)."""
        out = x.new_empty(len(self.src), x.shape[1])
        for part in self._chunks(x[0].numel() if len(x) else 1):
            ends = x.index_select(0, self.src[part]), y.index_select(0, self.dst[part])
            torch.sum(ends[0].mul_(ends[1]), -1, out=out[part])
        return out

    def max(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n_dst, d) maxima of (n_src, d) features, and the source of each: 0 from n_src where there is none."""
        best = x.new_full((self.n_dst, x.shape[1]), -torch.inf)
        winner = torch.full_like(best, self.n_src, dtype=torch.int64)
        parts = [(self.src[part], self.dst[part].long()) for part in self._chunks(x.shape[1])]
        for src, dst in parts:
            rows = x.index_select(0, src)
            best.scatter_reduce_(0, dst[:, None].expand_as(rows), rows, "amax")
        for src, dst in parts:
            mine = x.index_select(0, src) == best.index_select(0, dst)
            rank = torch.where(mine, src.long()[:, None], self.n_src)
            winner.scatter_reduce_(0, dst[:, None].expand_as(rank), rank, "amin")
        return best.masked_fill_(winner == self.n_src, 0.0), winner

    def _chunks(self, width: int) -> list[slice]:
        step = max(1, _CHUNK.get(self.src.device.type, _CHUNK["cpu"]) // max(1, width))
        return [slice(start, start + step) for start in range(0, len(self.src), step)]

    def _matrix(self, columns: Tensor, values: Tensor, n_columns: int) -> Tensor:
        """The sparse (n_dst, n_columns) matrix with an entry an edge, by destination."""
        _say_nothing_of_beta()
        shape = (self.n_dst, n_columns)
        return torch.sparse_csr_tensor(self.offsets, columns, values, shape, check_invariants=False)


@cache
def _say_nothing_of_beta() -> None:
    """Torch says once in a process that CSR tensors are in beta, and some releases that they are not checked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.sparse_csr_tensor([0, 1], [0], [1.0], (1, 1), check_invariants=False)
