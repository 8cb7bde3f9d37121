"""Degree norms of the relations of a graph, and of blocks sampled from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dgl
import torch
from dgl import DGLGraph
from torch import Tensor
from typing_extensions import Self

from .mirrors import symmetric_norm, with_coo

__all__ = ["DegreeNorms", "Etype", "block_norms", "relation_norms"]

Etype = str | tuple[str, str, str]
"""A relation by its name, or by its canonical type (source, name, destination)."""


class DegreeNorms(dict[Etype, tuple[Tensor, ...]]):
    """For each relation the factors of its source nodes, and one or more of its destination nodes.

    Attributes:
        in_degrees: for each relation the (n_dst,) in-degrees that sums over a sample are scaled up to.
    """

    def __init__(self, norms: Mapping[Etype, tuple[Tensor, ...]], in_degrees: Mapping[Etype, Tensor]) -> None:
        super().__init__(norms)
        self.in_degrees = dict(in_degrees)

    def to(self, device: torch.device) -> Self:
        """The norms on a device."""
        norms = {etype: tuple(factor.to(device) for factor in factors) for etype, factors in self.items()}
        return type(self)(norms, {etype: degree.to(device) for etype, degree in self.in_degrees.items()})


def key_of(graph: DGLGraph, etype: tuple[str, str, str]) -> Etype:
    """The name of a relation, or its canonical type where another has that name too."""
    return etype[1] if [name for _, name, _ in graph.canonical_etypes].count(etype[1]) == 1 else etype


def relation_norms(graph: DGLGraph) -> DegreeNorms:
    """The symmetric normalisation of every relation of a graph, from its degrees: ``{etype: (src, dst)}``.

    The keys are names, or canonical types where relations share a name.

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1, 1], [0, 0, 1])})
    >>> [[round(x, 3) for x in factor.tolist()] for factor in relation_norms(graph)["rates"]]
    [[1.0, 0.707], [0.707, 1.0]]
    """
    graph = with_coo(graph)
    keys = {etype: key_of(graph, etype) for etype in graph.canonical_etypes}
    return DegreeNorms(
        {key: symmetric_norm(graph[etype]) for etype, key in keys.items()},
        {key: graph.in_degrees(etype=etype).float() for etype, key in keys.items()},
    )


def block_norms(block: DGLGraph, degree_norms: Mapping[Etype, tuple[Tensor, ...]]) -> DegreeNorms:
    """The rows of the full graph's ``degree_norms`` for the nodes of a block, scaled up where neighbours are sampled.

    The factor of a destination is multiplied by degree over sampled degree, so that a sum over the sample estimates
    the sum over all neighbours. Norms that are no :class:`DegreeNorms` have no degrees, and are not scaled.

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1, 2, 3], [0, 0, 0, 0])})
    >>> sampled = dgl.sampling.sample_neighbors(graph, {"movie": torch.tensor([0])}, 2)
    >>> block = dgl.to_block(sampled, {"movie": torch.tensor([0])})
    >>> block_norms(block, relation_norms(graph))["rates"]
    (tensor([1., 1.]), tensor([1.]))
    """
    rows: dict[Etype, tuple[Tensor, ...]] = {}
    degrees: dict[Etype, Any] = {}
    for source, name, target in block.canonical_etypes:
        key = (source, name, target) if (source, name, target) in degree_norms else name
        if key not in degree_norms:
            continue
        src, dst, *own = degree_norms[key]
        ids = block.dstnodes[target].data[dgl.NID].long().to(dst.device)
        factor = dst[ids]
        if isinstance(degree_norms, DegreeNorms):
            degrees[key] = degree_norms.in_degrees[key][ids]
            sampled = block.in_degrees(etype=(source, name, target)).to(dst).clamp(min=1)
            factor = factor * degrees[key].to(dst) / sampled
        rows[key] = src[block.srcnodes[source].data[dgl.NID].long().to(src.device)], factor, *(f[ids] for f in own)
    return DegreeNorms(rows, degrees)
