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
from weakref import WeakKeyDictionary

import dgl.ops
import torch
from dgl import DGLGraph
from torch import Tensor

from . import kernels
from .checks import check, check_ends
from .kernels import Edges

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
    "u_mul_e_sum",
]

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
    if not _dgl_runs(graph, x):
        return kernels.copy_u_sum(_mirror(graph, x.device), x)
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
    if not _dgl_runs(graph, x):
        return kernels.copy_u_max(_mirror(graph, x.device), x)
    out: Tensor = dgl.ops.copy_u_max(graph, x)
    isolated = graph.in_degrees() == 0  # DGL leaves -inf there
    return out.masked_fill(isolated.view(-1, *[1] * (out.dim() - 1)), 0.0)


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
    if not _dgl_attends(graph, x, e):
        return kernels.u_mul_e_sum(_mirror(graph, x.device), x, e)
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
        return kernels.u_add_v(_mirror(graph, x_src.device), x_src, x_dst)
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
        return kernels.u_dot_v(_mirror(graph, x_src.device), x_src, x_dst)
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
    if not _dgl_attends(graph, logits):
        return kernels.edge_softmax(_mirror(graph, logits.device), logits)
    out: Tensor = dgl.ops.edge_softmax(graph, logits)
    return out


def in_degrees(graph: DGLGraph, like: Tensor) -> Tensor:
    """(n_dst,) in-degrees in the type and on the device of a tensor, kept with the graph; not to be changed.

    >>> in_degrees(dgl.graph(([0, 1], [1, 1])), torch.ones(1)).tolist()
    [0.0, 2.0]
    """
    kept, key = _kept(graph), ("in_degrees", like.dtype, like.device)
    if key not in kept:
        kept[key] = graph.in_degrees().to(like)
    degrees: Tensor = kept[key]
    return degrees


def symmetric_norm(graph: DGLGraph) -> tuple[Tensor, Tensor]:
    """The factors of the symmetric normalisation ``1 / sqrt(|N_u| |N_v|)``, one for each end of an edge.

    Returns:
        (n_src,) and (n_dst,) float32: out- and in-degrees to the power -1/2, 0 where isolated.

    >>> [norm.tolist() for norm in symmetric_norm(dgl.graph(([0, 0, 0, 0], [0, 1, 1, 1])))]
    [[0.5, 0.0], [1.0, 0.5773502588272095]]
    """
    out, into = (degree.float().rsqrt() for degree in (graph.out_degrees(), graph.in_degrees()))
    return out.masked_fill_(out.isinf(), 0.0), into.masked_fill_(into.isinf(), 0.0)


def relation(graph: DGLGraph, etype: str | tuple[str, str, str]) -> DGLGraph:
    """``graph[etype]``, the same object at every call, so that what was mirrored of it is found again.

    Use it for its structure; features set under ``graph.local_scope()`` do not show in it.
    """
    kept, key = _kept(graph), graph.to_canonical_etype(etype)
    if key not in kept:
        kept[key] = graph[key]
    return kept[key]


_everything_kept: WeakKeyDictionary[DGLGraph, tuple[Any, dict[Any, Any]]] = WeakKeyDictionary()


def _kept(graph: DGLGraph) -> dict[Any, Any]:
    """The cache of a graph: slices by relation, mirrors and degrees by device."""
    index, kept = _everything_kept.get(graph, (None, {}))
    if index is not graph._graph:  # a graph that DGL changes in place gets a new index
        kept = {}
        _everything_kept[graph] = (graph._graph, kept)
    return kept


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


def _mirror(graph: DGLGraph, device: torch.device) -> Edges:
    kept = _kept(graph)
    if device not in kept:
        src, dst = (ids.to(device) for ids in graph.edges(order="eid"))
        kept[device] = Edges(src, dst, graph.num_src_nodes(), graph.num_dst_nodes())
    edges: Edges = kept[device]
    return edges
