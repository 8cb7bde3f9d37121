"""Values computed once for a graph and kept as long as it is: slices by relation, degrees, edges on a device."""

from __future__ import annotations

import copy
from typing import Any
from weakref import WeakKeyDictionary

import torch
from dgl import DGLGraph
from torch import Tensor

from .kernels import Edges

__all__ = ["in_degrees", "mirror", "relation", "symmetric_norm", "with_coo"]

_everything_kept: WeakKeyDictionary[DGLGraph, tuple[Any, dict[Any, Any]]] = WeakKeyDictionary()


def in_degrees(graph: DGLGraph, like: Tensor) -> Tensor:
    """(n_dst,) in-degrees in the type and on the device of a tensor, kept with the graph; not to be changed.

    >>> import dgl
    >>> in_degrees(dgl.graph(([0, 1], [1, 1])), torch.ones(1)).tolist()
    [0.0, 2.0]
    """
    kept, key = _kept(graph), ("in_degrees", like.dtype, like.device)
    if key not in kept:
        kept[key] = with_coo(graph).in_degrees().to(like)
    degrees: Tensor = kept[key]
    return degrees


def symmetric_norm(graph: DGLGraph) -> tuple[Tensor, Tensor]:
    """The factors of the symmetric normalisation ``1 / sqrt(|N_u| |N_v|)``, one for each end of an edge.

    Returns:
        (n_src,) and (n_dst,) float32: out- and in-degrees to the power -1/2, 0 where isolated.

    >>> import dgl
    >>> [norm.tolist() for norm in symmetric_norm(dgl.graph(([0, 0, 0, 0], [0, 1, 1, 1])))]
    [[0.5, 0.0], [1.0, 0.5773502588272095]]
    """
    graph = with_coo(graph)
    out, into = (degree.float().rsqrt() for degree in (graph.out_degrees(), graph.in_degrees()))
    return out.masked_fill_(out.isinf(), 0.0), into.masked_fill_(into.isinf(), 0.0)


def relation(graph: DGLGraph, etype: str | tuple[str, str, str]) -> DGLGraph:
    """``graph[etype]`` with the features of the moment; what was computed for its edges is found again.

    The slice shares the frames that the graph has now, those of ``graph.local_scope()`` too.
    """
    kept, key = _kept(graph), graph.to_canonical_etype(etype)
    if key not in kept:
        kept[key] = graph[key]
    source, _, target = key
    ends = dict.fromkeys((graph.get_ntype_id_from_src(source), graph.get_ntype_id_from_dst(target)))
    now = copy.copy(kept[key])
    now._node_frames = [graph._node_frames[i] for i in ends]
    now._edge_frames = [graph._edge_frames[graph.get_etype_id(key)]]
    _everything_kept[now] = (now._graph, _kept(kept[key]))
    return now


def mirror(graph: DGLGraph, device: torch.device) -> Edges:
    """The edges of a graph with one relation on a device, made once."""
    kept = _kept(graph)
    if device not in kept:
        src, dst = (ids.to(device) for ids in with_coo(graph).edges(order="eid"))
        kept[device] = Edges(src, dst, graph.num_src_nodes(), graph.num_dst_nodes())
    edges: Edges = kept[device]
    return edges


def with_coo(graph: DGLGraph) -> DGLGraph:
    """The graph, where it may list its edges by id; else (``graph.formats("csc")``) a clone that may."""
    allowed = {name for names in graph.formats().values() for name in names}
    return graph if "coo" in allowed else graph.formats(["coo", "csr", "csc"])


def _kept(graph: DGLGraph) -> dict[Any, Any]:
    index, kept = _everything_kept.get(graph, (None, {}))
    if index is not graph._graph:  # a graph that DGL changes in place gets a new index
        kept = {}
        _everything_kept[graph] = (graph._graph, kept)
    return kept
