"""Gradients of message passing in plain torch: one function an operation.

The backward passes are made of these functions themselves, so that gradients of gradients are right too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .kernels import Edges


def _apply(function: Any, *args: Any) -> Any:
    return function.apply(*args)


class CopySum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        ctx.edges = edges
        return edges.sum(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        out: Tensor = _apply(CopySum, ctx.edges.reverse, grad.contiguous())
        return None, out


class CopyMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        best, winner = edges.max(x)
        ctx.n_src = len(x)
        ctx.save_for_backward(winner)
        return best

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (winner,) = ctx.saved_tensors
        out = grad.new_zeros(ctx.n_src + 1, grad.shape[1])  # the last row takes what came from no neighbour
        return None, out.scatter_add_(0, winner, grad)[:-1]


class WeightedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor, e: Tensor) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(x, e)
        return edges.weighted_sum(x, e)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        x, e = ctx.saved_tensors
        _, wants_x, wants_e = ctx.needs_input_grad
        edges = ctx.edges
        return (
            None,
            _apply(WeightedSum, edges.reverse, grad, e) if wants_x else None,
            _apply(Dot, edges, x, grad) if wants_e else None,
        )


class Dot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor, y: Tensor) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(x, y)
        return edges.dot(x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
        x, y = ctx.saved_tensors
        return None, _apply(WeightedSum, ctx.edges.reverse, y, grad), _apply(WeightedSum, ctx.edges, x, grad)


class Spread(torch.autograd.Function):
    """The destination's features on every edge."""

    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        ctx.edges = edges
        return x.index_select(0, edges.dst)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        out: Tensor = _apply(SumEdges, ctx.edges, grad)
        return None, out


class SumEdges(torch.autograd.Function):
    """The sum of the features of the edges into each node."""

    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        ctx.edges = edges
        return edges.sum_edges(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        out: Tensor = _apply(Spread, ctx.edges, grad)
        return None, out


class EdgeSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, z: Tensor) -> Tensor:
        dst = edges.dst
        top = z.new_full((edges.n_dst, z.shape[1]), -torch.inf)
        top.scatter_reduce_(0, dst.long()[:, None].expand_as(z), z, "amax")
        weight = torch.exp(z - top.index_select(0, dst))
        weight /= edges.sum_edges(weight).index_select(0, dst)
        ctx.edges = edges
        ctx.save_for_backward(weight)
        return weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (weight,) = ctx.saved_tensors
        out = weight * grad
        return None, out - weight * _apply(Spread, ctx.edges, _apply(SumEdges, ctx.edges, out))
