"""Checks and shapes that all layers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from dgl import DGLError, DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, nn

from ..graph import ops

__all__ = [
    "Activation",
    "Etype",
    "Feat",
    "dropped",
    "edge_column",
    "neighbour_sum",
    "of_relation",
    "pair_of",
    "refuse_zero_in_degree",
    "rows_of",
]

Etype = str | tuple[str, str, str]
"""A relation by its name, or by its canonical type (source, name, destination)."""

Value = TypeVar("Value")

Feat = Tensor | tuple[Tensor, Tensor | None]
"""(n, …) features of a homogeneous graph or a block, or the pair of those of sources and destinations."""

Activation = Any
"""A callable on tensors, or None."""


def pair_of(graph: DGLGraph, feat: Feat, *, destinations: bool = True) -> tuple[Tensor, Tensor]:
    """The features of the sources and of the destinations.

    Args:
        destinations: true if the layer reads those of the destinations.

    Raises:
        DGLError: these are read and not given.
    """
    src, dst = expand_as_pair(feat, graph)
    if destinations and dst is None:
        raise DGLError(f"features of the destination nodes {graph.dsttypes[0]!r} must be given: the layer reads them")
    return src, dst


def edge_column(graph: DGLGraph, edge_weight: Tensor, like: Tensor) -> Tensor:
    """The weights as (n_edges, 1, …), of as many dims and of the type of the features that they multiply.

    Raises:
        DGLError: they are not one number an edge.
    """
    n = graph.num_edges()
    if not isinstance(edge_weight, Tensor):
        raise DGLError(
            f"edge_weight must be a tensor of shape ({n},) or ({n}, 1); degree norms are given by name, degree_norms=… "
            f"(got a {type(edge_weight).__name__})"
        )
    if edge_weight.shape not in ((n,), (n, 1)):
        raise DGLError(f"edge_weight must be of shape ({n},) or ({n}, 1) (got {tuple(edge_weight.shape)})")
    return edge_weight.to(like).view(n, *[1] * max(1, like.dim() - 1))


def neighbour_sum(graph: DGLGraph, src: Tensor, edge_weight: Tensor | None) -> Tensor:
    """(n_dst, …) sums of the in-neighbours' features (n_src, …), weighted by ``edge_weight`` where given."""
    if edge_weight is None:
        return ops.copy_u_sum(graph, src)
    flat = src.reshape(len(src), -1)
    return ops.u_mul_e_sum(graph, flat, edge_column(graph, edge_weight, flat)).view(-1, *src.shape[1:])


def rows_of(factor: Tensor, like: Tensor) -> Tensor:
    """Factors (n,) of nodes, of as many dims and of the type and device of the features that they multiply."""
    return factor.to(like).view(-1, *[1] * (like.dim() - 1))


def dropped(dropout: nn.Module, feat: Feat) -> Feat:
    """The features after a dropout."""
    if isinstance(feat, tuple):
        return dropout(feat[0]), None if feat[1] is None else dropout(feat[1])
    out: Tensor = dropout(feat)
    return out


def refuse_zero_in_degree(graph: DGLGraph, allowed: bool) -> None:
    """Raise DGLError, as the layers of ``dgl.nn`` do, if a node has no in-edge and that is not ``allowed``."""
    if not allowed and bool((graph.in_degrees() == 0).any()):
        raise DGLError("there are 0-in-degree nodes in the graph: add self-loops, or set allow_zero_in_degree=True")


def of_relation(values: Mapping[Etype, Value] | None, etype: tuple[str, str, str]) -> Value | None:
    """The value of a relation in a mapping by canonical type or by name; None where there is none."""
    if not values:
        return None
    return values[etype] if etype in values else values.get(etype[1])
