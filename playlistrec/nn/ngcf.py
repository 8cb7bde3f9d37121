"""Neural graph collaborative filtering."""

from __future__ import annotations

import torch
from dgl import DGLGraph
from torch import Tensor, nn

from ..graph import ops
from .inputs import Activation, Feat, neighbour_sum, pair_of, rows_of

__all__ = ["NGCFConv"]


class NGCFConv(nn.Module):
    r"""Sums and products: ``h_v' = W_1 h_v + sum_u e_uv (W_1 h_u + W_2 (h_u * h_v)) / sqrt(|N_u| |N_v|)``.

    Wang et al. 2019, "Neural Graph Collaborative Filtering", eq. 3–5 before the nonlinearity. With the normalised
    sum ``a_v`` of the neighbours that is ``W_1 (h_v + a_v) + W_2 (a_v * h_v)``: no products on edges.

    On a heterograph the node's own message ``W_1 h_v`` must come once: its factor is given with one relation into
    each type and is 0 with the others, and one layer stands for all relations.

    Args:
        in_feats: size of the features, or sizes (sources, destinations); where they differ, sources are first brought
            to the size of the destinations by a matrix, as the product needs.
        out_feats: size of the output.
        bias: true for a bias.
        activation: applied to the output.

    A homogeneous graph:

    >>> import dgl
    >>> NGCFConv(3, 5)(dgl.graph(([0, 1], [1, 0])), torch.ones(2, 3)).shape
    torch.Size([2, 5])

    A bipartite graph with features of two widths, and a block of it:

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0])})
    >>> layer, feat = NGCFConv((3, 2), 4), (torch.ones(2, 3), torch.ones(1, 2))
    >>> layer(graph, feat).shape
    torch.Size([1, 4])
    >>> layer(dgl.to_block(graph)["rates"], feat).shape
    torch.Size([1, 4])
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int],
        out_feats: int,
        bias: bool = False,
        activation: Activation = None,
    ) -> None:
        super().__init__()
        d_src, d_dst = in_feats if isinstance(in_feats, tuple) else (in_feats, in_feats)
        self.project_src = nn.Identity() if d_src == d_dst else nn.Linear(d_src, d_dst, bias=False)
        self.sum_weight = nn.Linear(d_dst, out_feats, bias=False)
        self.product_weight = nn.Linear(d_dst, out_feats, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_feats)) if bias else None
        self.activation = activation
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier), and set the bias to 0."""
        for linear in (self.project_src, self.sum_weight, self.product_weight):
            if isinstance(linear, nn.Linear):
                nn.init.xavier_uniform_(linear.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(
        self,
        graph: DGLGraph,
        feat: Feat,
        edge_weight: Tensor | None = None,
        *,
        degree_norms: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Propagate once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).
            edge_weight: (n_edges,) or (n_edges, 1) weights, by edge id; degrees count edges.
            degree_norms: (n_src,) and (n_dst,) factors degree^-1/2 of the ends of an edge, and (n_dst,) those of a
                node's own message, 1 or 0. A block needs those of the full graph; without them the degrees of
                ``graph`` are used, and 1.

        Returns:
            (n_dst, d_out).
        """
        src, dst = pair_of(graph, feat)
        src = self.project_src(src)
        if degree_norms is None:
            degree_norms = *ops.symmetric_norm(graph), torch.ones(len(dst))
        norm_src, norm_dst, own = (rows_of(factor, src) for factor in degree_norms)
        neighbours = neighbour_sum(graph, src * norm_src, edge_weight) * norm_dst
        out: Tensor = self.sum_weight(neighbours + dst * own) + self.product_weight(neighbours * dst)
        out = out if self.bias is None else out + self.bias
        return out if self.activation is None else self.activation(out)
