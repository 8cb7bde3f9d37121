"""Message passing as functions, under DGL's names: DGL's kernels where they can run, torch elsewhere.

DGL's kernels need graph and features on one device. A DGL without CUDA code keeps the graph on the CPU; features
on a GPU are then aggregated by torch (:mod:`playlistrec.graph.kernels`), on a mirror of the edges that is made
once per graph and device and dropped with the graph. Both ways give the same numbers and gradients.

Every function takes a graph with one relation: a homogeneous graph, one of ``relation(graph, etype)``, or a
block. Features of edges stand in the order of the edge ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dgl.ops
import torch
from dgl import DGLGraph
from torch import Tensor

from . import kernels
from .checks import check, check_ends
from .mirrors import in_degrees, mirror, relation, symmetric_norm

__all__ = [
    "copy_u_max",
    "copy_u_sum",
    "edge_softmax",
    "force_torch",
    "in_degrees",
    "relation",
    "symmetric_norm",
    "u_add_v",
    "u_dot_v",
    "u_mul_e_max",
    "u_mul_e_sum",
]

HALF = (torch.bfloat16, torch.float16)
"""Types that sums over many edges are not kept in: above 256 ones bfloat16 counts no further."""

_torch_forced: ContextVar[bool] = ContextVar("torch_forced", default=False)


@contextmanager
def force_torch() -> Iterator[None]:
    """Within this context the torch kernels run wherever the graph is: for tests and measurements."""
    token = _torch_forced.set(True)
    try:
        yield
    finally:
        _torch_forced.reset(token)


def copy_u_sum(graph: DGLGraph, x: Tensor) -> Tensor:
    """Sum over in-neighbours: ``out_v = sum_u x_u``, 0 where there are none.

    Args:
        graph: a graph with one relation.
        x: (n_src, …) features.

    Returns:
        (n_dst, …).

    >>> graph = dgl.graph(([0, 1, 1], [2, 2, 0]))
    >>> copy_u_sum(graph, torch.tensor([[1.0], [2.0], [4.0]])).flatten().tolist()
    [2.0, 0.0, 3.0]
    """
    check(graph, x_src=x)
    if not graph.num_edges():
        return _no_messages(graph, x)
    if _too_narrow(x):
        return copy_u_sum(graph, x.float()).to(x.dtype)
    if not _dgl_runs(graph, x):
        return kernels.copy_u_sum(mirror(graph, x.device), x)
    out: Tensor = dgl.ops.copy_u_sum(graph, x)
    return out


def copy_u_max(graph: DGLGraph, x: Tensor) -> Tensor:
    """Elementwise maximum over in-neighbours, 0 where there are none.

    The gradient goes to one neighbour that has the maximum.

    Args:
        graph: a graph with one relation.
        x: (n_src, …) features.

    Returns:
        (n_dst, …).
    """
    check(graph, x_src=x)
    if not graph.num_edges():
        return _no_messages(graph, x)
    if not _dgl_runs(graph, x):
        return kernels.copy_u_max(mirror(graph, x.device), x)
    return _zero_where_isolated(graph, dgl.ops.copy_u_max(graph, x))


def u_mul_e_max(graph: DGLGraph, x: Tensor, e: Tensor) -> Tensor:
    """Elementwise maximum of weighted features over in-neighbours, ``max_u e_uv x_u``, 0 where there are none.

    Args:
        graph: a graph with one relation.
        x: (n_src, d) features.
        e: (n_edges, 1) weights.

    Returns:
        (n_dst, d).
    """
    check(graph, x_src=x, e=e)
    if not graph.num_edges():
        return _no_messages(graph, x) + e.sum()
    if not _dgl_runs(graph, x, e):
        return kernels.u_mul_e_max(mirror(graph, x.device), x, e)
    return _zero_where_isolated(graph, dgl.ops.u_mul_e_max(graph, x, e))


def u_mul_e_sum(graph: DGLGraph, x: Tensor, e: Tensor) -> Tensor:
    """Weighted sum over in-neighbours: ``out_v = sum_u e_uv x_u``, 0 where there are none.

    Args:
        graph: a graph with one relation.
        x: (n_src, …, d) features.
        e: (n_edges, …, 1) weights, one for each edge and each of the dims before the last.

    Returns:
        (n_dst, …, d).
    """
    check(graph, x_src=x, e=e)
    if e.shape[1:] != (*x.shape[1:-1], 1):
        raise ValueError(
            f"e must be of shape {(len(e), *x.shape[1:-1], 1)} for x of {tuple(x.shape)} (got {tuple(e.shape)})"
        )
    if not graph.num_edges():
        return _no_messages(graph, x) + e.sum()
    if _too_narrow(x):
        return u_mul_e_sum(graph, x.float(), e.float()).to(x.dtype)
    if not _dgl_attends(graph, x, e):
        return kernels.u_mul_e_sum(mirror(graph, x.device), x, e)
    out: Tensor = dgl.ops.u_mul_e_sum(graph, x, e)
    return out


def u_add_v(graph: DGLGraph, x_src: Tensor, x_dst: Tensor) -> Tensor:
    """Sum of the two ends of every edge: ``out_uv = x_u + x_v``.

    Args:
        graph: a graph with one relation.
        x_src, x_dst: (n_src, …) and (n_dst, …) features.

    Returns:
        (n_edges, …).
    """
    check(graph, x_src=x_src, x_dst=x_dst)
    check_ends(x_src, x_dst)
    if not _dgl_runs(graph, x_src, x_dst):
        return kernels.u_add_v(mirror(graph, x_src.device), x_src, x_dst)
    out: Tensor = dgl.ops.u_add_v(graph, x_src, x_dst)
    return out


def u_dot_v(graph: DGLGraph, x_src: Tensor, x_dst: Tensor) -> Tensor:
    """Dot product of the two ends of every edge, over the last dim: ``out_uv = x_u · x_v``.

    Args:
        graph: a graph with one relation.
        x_src, x_dst: (n_src, …, d) and (n_dst, …, d) features.

    Returns:
        (n_edges, …, 1).
    """
    check(graph, x_src=x_src, x_dst=x_dst)
    check_ends(x_src, x_dst)
    if not _dgl_runs(graph, x_src, x_dst):
        return kernels.u_dot_v(mirror(graph, x_src.device), x_src, x_dst)
    out: Tensor = dgl.ops.u_dot_v(graph, x_src, x_dst)
    return out


def edge_softmax(graph: DGLGraph, logits: Tensor) -> Tensor:
    """Softmax of the logits of the edges into each node.

    Args:
        graph: a graph with one relation.
        logits: (n_edges, …).

    Returns:
        (n_edges, …); over the edges into one node the weights sum to 1.
    """
    check(graph, e=logits)
    if not graph.num_edges():
        return logits
    if logits.dtype in HALF:
        return edge_softmax(graph, logits.float()).to(logits.dtype)
    if not _dgl_attends(graph, logits):
        return kernels.edge_softmax(mirror(graph, logits.device), logits)
    out: Tensor = _EdgeSoftmax.apply(graph, logits)  # type: ignore[no-untyped-call]
    return out


class _EdgeSoftmax(torch.autograd.Function):
    """DGL's softmax, with gradients of any order: DGL's own second one is wrong without a word."""

    @staticmethod
    def forward(ctx: Any, graph: DGLGraph, logits: Tensor) -> Tensor:
        weight: Tensor = dgl.ops.edge_softmax(graph, logits)
        ctx.graph = graph
        ctx.save_for_backward(weight)
        return weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (weight,) = ctx.saved_tensors
        out = weight * grad
        return None, out - weight * dgl.ops.copy_v(ctx.graph, dgl.ops.copy_e_sum(ctx.graph, out))


def _dgl_runs(graph: DGLGraph, *features: Tensor) -> bool:
    return not _torch_forced.get() and all(feature.device == graph.device for feature in features)


def _dgl_attends(graph: DGLGraph, *features: Tensor) -> bool:
    """True if DGL's kernels run an operation with a weight for every edge.

    On a CPU torch's need little more than half the time (benchmarks/step_speed.py), once the edges are mirrored: not
    worth it for a block, which is used once, and torch has no sparse products in half precision there.
    """
    on_cpu = all(feature.device.type == "cpu" for feature in features)
    full = all(feature.dtype in (torch.float32, torch.float64) for feature in features)
    return _dgl_runs(graph, *features) and not (on_cpu and full and not graph.is_block)


def _too_narrow(x: Tensor) -> bool:
    """True on a CPU, where kernels add up in the type of the features; on a GPU they add up in float32."""
    return x.dtype in HALF and x.device.type == "cpu"


def _no_messages(graph: DGLGraph, x: Tensor) -> Tensor:
    """(n_dst, …) zeros that are joined to ``x``, as a graph without edges must not end the gradient."""
    return x[:0].sum(0).expand(graph.num_dst_nodes(), *x.shape[1:]).clone()


def _zero_where_isolated(graph: DGLGraph, out: Tensor) -> Tensor:
    """DGL leaves -inf there."""
    return out.masked_fill((graph.in_degrees() == 0).view(-1, *[1] * (out.dim() - 1)), 0.0)
