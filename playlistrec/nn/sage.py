"""GraphSAGE."""

from __future__ import annotations

from typing import Literal

from dgl import DGLError, DGLGraph
from torch import Tensor, nn

from ..graph import ops
from .inputs import Activation, Feat, dropped, edge_column, neighbour_sum, pair_of

__all__ = ["SAGEConv"]


class SAGEConv(nn.Module):
    """Sample-and-aggregate: ``h_v' = W_self h_v + W_neigh agg_u(e_uv h_u) + b``.

    Hamilton et al. 2017, "Inductive Representation Learning on Large Graphs", algorithm 1, lines 4–5 before the
    nonlinearity; the same as ``dgl.nn.SAGEConv``. ``agg`` is ``mean``, over the number of edges, not their weight;
    ``pool``, the elementwise maximum of ``e_uv ReLU(W_pool h_u + b_pool)`` (eq. 3); or ``gcn``, which has no
    ``W_self``: ``W_neigh (h_v + sum_u e_uv h_u) / (|N_v| + 1)`` (section 3.3). The aggregate of a node without
    in-neighbours is 0.

    Args:
        in_feats: size of the features, or sizes (sources, destinations).
        out_feats: size of the output.
        aggregator_type: ``mean``, ``pool`` or ``gcn``.
        feat_drop: share of the features that are dropped in training.
        bias: true for the bias b.
        norm: applied to the output, last.
        activation: applied to the output.

    Raises:
        DGLError: another aggregator, or ``gcn`` with two sizes.

    A homogeneous graph:

    >>> import dgl, torch
    >>> SAGEConv(3, 5, "pool")(dgl.graph(([0, 1], [1, 0])), torch.ones(2, 3)).shape
    torch.Size([2, 5])

    A bipartite graph with features of two widths, and a block of it:

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0])})
    >>> layer, feat = SAGEConv((3, 2), 4), (torch.ones(2, 3), torch.ones(1, 2))
    >>> layer(graph, feat, edge_weight=torch.tensor([0.5, 2.0])).shape
    torch.Size([1, 4])
    >>> layer(dgl.to_block(graph)["rates"], feat).shape
    torch.Size([1, 4])
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int],
        out_feats: int,
        aggregator_type: Literal["mean", "pool", "gcn"] = "mean",
        feat_drop: float = 0.0,
        bias: bool = True,
        norm: Activation = None,
        activation: Activation = None,
    ) -> None:
        super().__init__()
        if aggregator_type not in ("mean", "pool", "gcn"):
            raise DGLError(f"aggregator_type must be mean, pool or gcn (got {aggregator_type!r})")
        d_src, d_dst = in_feats if isinstance(in_feats, tuple) else (in_feats, in_feats)
        if aggregator_type == "gcn" and d_src != d_dst:
            raise DGLError(f"aggregator_type gcn needs sources and destinations of one width (got {d_src} and {d_dst})")
        self.aggregator_type, self.norm, self.activation = aggregator_type, norm, activation
        self.feat_drop = nn.Dropout(feat_drop) if feat_drop else nn.Identity()
        self.pool = nn.Sequential(nn.Linear(d_src, d_src), nn.ReLU()) if aggregator_type == "pool" else None
        alone = aggregator_type == "gcn"
        self.self_weight = None if alone else nn.Linear(d_dst, out_feats, bias=bias)
        self.neighbour_weight = nn.Linear(d_src, out_feats, bias=bias and alone)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew (Xavier, biases 0)."""
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def extra_repr(self) -> str:
        return f"aggregator_type={self.aggregator_type}"

    def forward(self, graph: DGLGraph, feat: Feat, edge_weight: Tensor | None = None) -> Tensor:
        """Aggregate once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).
            edge_weight: (n_edges,) or (n_edges, 1) weights, by edge id.

        Returns:
            (n_dst, out_feats).
        """
        src, dst = pair_of(graph, dropped(self.feat_drop, feat))
        degree = ops.in_degrees(graph, src).unsqueeze(-1)
        if self.pool is not None:
            pooled = self.pool(src)
            weights = None if edge_weight is None else edge_column(graph, edge_weight, pooled)
            aggregate = ops.copy_u_max(graph, pooled) if weights is None else ops.u_mul_e_max(graph, pooled, weights)
        elif self.self_weight is None:
            aggregate = (neighbour_sum(graph, src, edge_weight) + dst) / (degree + 1)
        else:
            aggregate = neighbour_sum(graph, src, edge_weight) / degree.clamp(min=1)
        out: Tensor = self.neighbour_weight(aggregate)
        if self.self_weight is not None:
            out = self.self_weight(dst) + out
        out = out if self.activation is None else self.activation(out)
        return out if self.norm is None else self.norm(out)
