"""Negatives for several relations at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from .random import NegativeSampler

if TYPE_CHECKING:
    from dgl import DGLGraph

__all__ = ["HeteroNegatives"]


class HeteroNegatives:
    """A negative sampler for each relation, as one that DGL's loaders take.

    Args:
        samplers: ``{etype: sampler}``, by name or canonical type.

    >>> import dgl, torch
    >>> from playlistrec.graph.negatives.random import UniformNegatives
    >>> edges = {("user", "rates", "movie"): ([0, 1], [0, 1]), ("movie", "has", "genre"): ([0, 1], [0, 2])}
    >>> graph = dgl.heterograph(edges)
    >>> negatives = HeteroNegatives({etype: UniformNegatives.from_graph(graph, etype) for etype in ("rates", "has")})
    >>> drawn = negatives(graph, {"rates": torch.tensor([0, 1]), "has": torch.tensor([0])})
    >>> [len(src) for src, _ in drawn.values()]
    [2, 1]
    """

    def __init__(self, samplers: Mapping[Any, NegativeSampler]) -> None:
        self.samplers = dict(samplers)

    def __call__(self, graph: DGLGraph, eids: Mapping[Any, Tensor]) -> dict[Any, tuple[Tensor, Tensor]]:
        """Negatives ``{etype: (src, dst)}`` for edges ``{etype: ids}``. Raises ValueError where one has no sampler."""
        drawn = {}
        for etype, ids in eids.items():
            canonical = graph.to_canonical_etype(etype)
            sampler = next((self.samplers[key] for key in (canonical, canonical[1]) if key in self.samplers), None)
            if sampler is None:
                raise ValueError(f"there are no negatives for the relation {canonical[1]!r}")
            drawn[canonical] = sampler(graph, {canonical: ids})[canonical]
        return drawn
