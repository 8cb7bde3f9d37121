"""Graph convolution."""

from __future__ import annotations

import torch
from dgl import DGLGraph
from torch import Tensor, nn

from .inputs import Activation, Feat, neighbour_sum, pair_of, rows_of

__all__ = ["GCNConv"]


class GCNConv(nn.Module):
    r"""Graph convolution: ``h_v' = W (h_v / d_v + sum_u e_uv h_u / sqrt(d_u d_v)) + b``, ``d = |N| + 1``.

    Kipf & Welling 2017, "Semi-Supervised Classification with Graph Convolutional Networks", eq. 2 before the
    nonlinearity: ``H' = D^-1/2 (A + I) D^-1/2 H W``; they have no bias. The layer adds the self-loops I, so on a graph
    without any it is ``dgl.nn.GraphConv(norm="both")`` on ``dgl.add_self_loop(graph)``; the graph must hold both
    directions of an edge. ``W`` is applied before the sum where that makes messages narrower, which gives the same.

    On a heterograph the formula is over all its nodes at once when one layer stands for all relations, degrees
    count the edges of all, and the self-loop is given with one relation into each type and is 0 with the others.

    Args:
        in_feats: size of the features, or sizes (sources, destinations), with a ``W`` for each.
        out_feats: size of the output.
        bias: true for a bias b.
        activation: applied to the output.

    A homogeneous graph:

    >>> import dgl, torch
    >>> layer = GCNConv(1, 1)
    >>> _ = nn.init.ones_(layer.weight.weight)
    >>> layer(dgl.graph(([0, 1], [1, 0]), num_nodes=3), torch.tensor([[2.0], [4.0], [5.0]])).flatten().tolist()
    [3.0, 3.0, 5.0]

    A bipartite graph with features of two widths, and a block of it:

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0])})
    >>> layer, feat = GCNConv((3, 2), 4), (torch.ones(2, 3), torch.ones(1, 2))
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
        self.weight = nn.Linear(d_src, out_feats, bias=False)
        self.self_weight = nn.Linear(d_dst, out_feats, bias=False) if isinstance(in_feats, tuple) else None
        self.bias = nn.Parameter(torch.zeros(out_feats)) if bias else None
        self.activation = activation
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier), and set the bias to 0."""
        for linear in (self.weight, self.self_weight):
            if linear is not None:
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
        """Convolve once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).
            edge_weight: (n_edges,) or (n_edges, 1) weights, by edge id; degrees count edges, as in ``dgl.nn``.
            degree_norms: (n_src,) and (n_dst,) factors d^-1/2 of the ends of an edge, and (n_dst,) those 1/d of the
                self-loops. A block needs those of the full graph; without them the degrees of ``graph`` are used.

        Returns:
            (n_dst, d_out).
        """
        apart = self.self_weight is not None
        first = apart or self.weight.out_features < self.weight.in_features
        if first and not apart:
            feat = (self.weight(feat[0]), self.weight(feat[1])) if isinstance(feat, tuple) else self.weight(feat)
        src, dst = pair_of(graph, feat)
        if self.self_weight is not None:
            src, dst = self.weight(src), self.self_weight(dst)
        if degree_norms is None:
            d_src, d_dst = 1.0 + graph.out_degrees(), 1.0 + graph.in_degrees()
            degree_norms = d_src.rsqrt(), d_dst.rsqrt(), 1 / d_dst
        norm_src, norm_dst, own = (rows_of(factor, src) for factor in degree_norms)
        out: Tensor = neighbour_sum(graph, src * norm_src, edge_weight) * norm_dst + dst * own
        out = out if first else self.weight(out)
        out = out if self.bias is None else out + self.bias
        return out if self.activation is None else self.activation(out)
