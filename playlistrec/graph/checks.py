"""Checks on the features of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from dgl import DGLGraph

__all__ = ["check", "check_ends"]


def check(graph: DGLGraph, **features: Tensor) -> None:
    if len(graph.canonical_etypes) != 1:
        raise ValueError(
            f"the graph must have one relation; take a slice graph[etype] (got {len(graph.canonical_etypes)})"
        )
    sizes = {
        "x_src": (graph.num_src_nodes, "source node"),
        "x_dst": (graph.num_dst_nodes, "destination node"),
        "e": (graph.num_edges, "edge"),
    }
    for name, feature in features.items():
        count, what = sizes[name]
        if len(feature) != count():
            raise ValueError(f"{name} must have one row per {what} (got {len(feature)} for {count()})")


def check_ends(x_src: Tensor, x_dst: Tensor) -> None:
    if x_src.shape[1:] != x_dst.shape[1:]:
        raise ValueError(
            f"x_src and x_dst must have the same dims after the first "
            f"(got {tuple(x_src.shape)} and {tuple(x_dst.shape)})"
        )
