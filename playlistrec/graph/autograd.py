"""Gradients of message passing in plain torch: one function an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from .kernels import Edges


class CopySum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        ctx.edges = edges
        return edges.sum(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        return None, ctx.edges.reverse.sum(grad.contiguous())


class CopyMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        best, winner = edges.max(x)
        ctx.n_src = len(x)
        ctx.save_for_backward(winner)
        return best

    @staticmethod
    @once_differentiable
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
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        x, e = ctx.saved_tensors
        _, wants_x, wants_e = ctx.needs_input_grad
        edges = ctx.edges
        return (
            None,
            edges.reverse.weighted_sum(grad, e) if wants_x else None,
            edges.dot(x, grad) if wants_e else None,
        )


class Dot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor, y: Tensor) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(x, y)
        return edges.dot(x, y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
        x, y = ctx.saved_tensors
        return None, ctx.edges.reverse.weighted_sum(y, grad), ctx.edges.weighted_sum(x, grad)


class Spread(torch.autograd.Function):
    """The destination's features on every edge."""

    @staticmethod
    def forward(ctx: Any, edges: Edges, x: Tensor) -> Tensor:
        ctx.edges = edges
        return x.index_select(0, edges.dst)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        return None, ctx.edges.sum_edges(grad)


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
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (weight,) = ctx.saved_tensors
        out = weight * grad
        return None, out - weight * ctx.edges.sum_edges(out).index_select(0, ctx.edges.dst)
