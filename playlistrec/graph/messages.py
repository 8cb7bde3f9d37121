"""Sampling along some of a graph's edges alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dgl
import torch
from dgl import DGLGraph
from torch import Tensor

__all__ = ["MessageSampler", "without_edges"]


def without_edges(graph: DGLGraph, ids: Mapping[tuple[str, str, str], Tensor]) -> DGLGraph:
    """The graph with the same nodes and without some edges; ``dgl.EID`` of an edge is its id in ``graph``."""
    kept = {}
    for etype in graph.canonical_etypes:
        mask = torch.ones(graph.num_edges(etype), dtype=torch.bool, device=graph.device)
        if etype in ids:
            mask[ids[etype].long()] = False
        kept[etype] = mask
    return dgl.edge_subgraph(graph, kept, relabel_nodes=False)


class MessageSampler(dgl.dataloading.Sampler):  # type: ignore[misc]
    """A sampler of DGL that samples from ``messages``, whatever graph the loader has; ids are those of that graph.

    Args:
        sampler: any that takes ``exclude_eids``.
        messages: what :func:`without_edges` made.
    """

    def __init__(self, sampler: Any, messages: DGLGraph) -> None:
        super().__init__()
        self.sampler, self.messages = sampler, messages
        self.output_device = sampler.output_device

    def sample(self, g: DGLGraph, seed_nodes: Any, exclude_eids: Any = None) -> Any:
        """See ``dgl.dataloading.NeighborSampler.sample``; ``exclude_eids`` are ids of ``messages``."""
        inputs, outputs, blocks = self.sampler.sample(self.messages, seed_nodes, exclude_eids)
        for block in blocks if isinstance(blocks, list) else [blocks]:
            for etype in block.canonical_etypes:
                ids = self.messages.edges[etype].data[dgl.EID]
                block.edges[etype].data[dgl.EID] = ids[block.edges[etype].data[dgl.EID].long()]
        return inputs, outputs, blocks
