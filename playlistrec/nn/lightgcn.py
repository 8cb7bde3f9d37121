"""Light graph convolution."""

from __future__ import annotations

from typing import Literal

from dgl import DGLError, DGLGraph
from torch import Tensor, nn

from ..graph import ops
from .inputs import Feat, neighbour_sum, pair_of, refuse_zero_in_degree, rows_of

__all__ = ["LightGCNConv"]


class LightGCNConv(nn.Module):
    r"""Propagation without weights: ``h_v' = sum_u e_uv h_u / sqrt(|N_u| |N_v|)``, ``e = 1`` where not given.

    He et al. 2020, "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation", eq. 3. The same
    as ``dgl.nn.GraphConv(d, d, norm="both", weight=False, bias=False)``. The normalisation is on the nodes, before and
    after the sum. No self-loop is added; a node without in-neighbours gets 0.

    Args:
        norm: ``both`` for the formula, ``right`` for ``1 / |N_v|``, ``left`` for ``1 / |N_u|``, ``none`` for a plain
            sum, as of edge weights that are normalised already (``dgl.nn.EdgeWeightNorm``).
        allow_zero_in_degree: false to raise DGLError for nodes without in-edges.

    A homogeneous graph:

    >>> import dgl, torch
    >>> graph, layer = dgl.graph(([0, 1], [1, 0])), LightGCNConv()
    >>> layer(graph, torch.tensor([[1.0], [2.0]])).flatten().tolist()
    [2.0, 1.0]

    A bipartite graph, with weights:

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0])})
    >>> feat = torch.tensor([[1.0], [2.0]]), torch.zeros(1, 1)
    >>> LightGCNConv(norm="none")(graph, feat, torch.tensor([1.0, 3.0])).tolist()
    [[7.0]]

    A block:

    >>> block = dgl.to_block(graph, {"movie": torch.tensor([0])})
    >>> LightGCNConv(norm="right")(block["rates"], feat).tolist()
    [[1.5]]
    """

    def __init__(
        self, norm: Literal["both", "left", "right", "none"] = "both", allow_zero_in_degree: bool = True
    ) -> None:
        super().__init__()
        if norm not in ("both", "left", "right", "none"):
            raise DGLError(f"norm must be both, left, right or none (got {norm!r})")
        self.norm, self.allow_zero_in_degree = norm, allow_zero_in_degree

    def extra_repr(self) -> str:
        return f"norm={self.norm}, allow_zero_in_degree={self.allow_zero_in_degree}"

    def forward(
        self,
        graph: DGLGraph,
        feat: Feat,
        edge_weight: Tensor | None = None,
        *,
        degree_norms: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Propagate once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, …) on a homogeneous graph or block, or the pair (n_src, …), (n_dst, …), of which the first is
                read.
            edge_weight: (n_edges,) or (n_edges, 1) weights, by edge id.
            degree_norms: (n_src,) and (n_dst,) factors in place of ``norm``: a block needs those of the full graph
                (:func:`~playlistrec.graph.relation_norms` and :func:`~playlistrec.graph.block_norms`).

        Returns:
            (n_dst, …).
        """
        refuse_zero_in_degree(graph, self.allow_zero_in_degree)
        src, _ = pair_of(graph, feat, destinations=False)
        before, after = degree_norms or self._norms(graph, src)
        if before is not None:
            src = src * rows_of(before, src)
        out = ops.copy_u_sum(graph, src) if edge_weight is None else neighbour_sum(graph, src, edge_weight)
        return out if after is None else out * rows_of(after, out)

    def _norms(self, graph: DGLGraph, like: Tensor) -> tuple[Tensor | None, Tensor | None]:
        match self.norm:
            case "both":
                return ops.symmetric_norm(graph)
            case "left":
                return 1 / graph.out_degrees().clamp(min=1), None
            case "right":
                return None, 1 / ops.in_degrees(graph, like).clamp(min=1)
            case _:
                return None, None
