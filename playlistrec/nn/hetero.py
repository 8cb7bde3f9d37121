"""Message passing over several relations."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from dgl import DGLGraph
from torch import Tensor, nn

from ..graph import ops

__all__ = ["HeteroConv"]


class HeteroConv(nn.Module):
    """One layer per relation, summed at each type of destination: ``h_v' = sum_r conv_r(h, h_v)``.

    Schlichtkrull et al. 2018 ("Modeling Relational Data with Graph Convolutional Networks") with any layers.
    Like ``dgl.nn.HeteroGraphConv`` with ``aggregate="sum"``, but a relation is sliced once per graph, so that
    what :mod:`playlistrec.graph.ops` mirrored of it on a GPU is kept; every destination type of the relations
    comes out, also where none of its nodes has an edge; and ``degree_norms`` reach the layers that take ``norm``.

    Args:
        convs: ``{etype: layer}``; a module may stand for several relations.
    """

    def __init__(self, convs: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.convs = nn.ModuleDict(convs)
        self._normed = {etype for etype, conv in convs.items() if "norm" in inspect.signature(conv.forward).parameters}

    def forward(
        self,
        graph: DGLGraph,
        feat: Mapping[str, Tensor],
        degree_norms: Mapping[str, tuple[Tensor, ...]] | None = None,
    ) -> dict[str, Tensor]:
        """Apply every layer to its relation.

        Args:
            graph: a heterograph, or a block of one, with all the relations.
            feat: ``{node type: (n, d)}``; on a block those of the sources, the destinations first.
            degree_norms: ``{etype: ((n_src,), (n_dst,), …)}`` for the layers that take ``norm``: the factors they take.

        Returns:
            ``{node type: (n_dst, …)}`` for each type that a relation leads to.
        """
        out: dict[str, Tensor] = {}
        for etype, conv in self.convs.items():
            source, _, target = graph.to_canonical_etype(etype)
            pair = feat[source], feat[target][: graph.num_dst_nodes(target)]
            extra = {"norm": degree_norms[etype]} if degree_norms is not None and etype in self._normed else {}
            message = conv(ops.relation(graph, etype), pair, **extra)
            out[target] = out[target] + message if target in out else message
        return out
