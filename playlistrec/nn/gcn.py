"""Graph convolution."""

from __future__ import annotations

from dgl import DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, nn

from ..graph import ops

__all__ = ["GCNConv"]


class GCNConv(nn.Module):
    r"""Graph convolution: ``h_v' = W (h_v / d_v + sum_u h_u / sqrt(d_u d_v))``, ``d = |N| + 1``.

    Kipf & Welling 2017, "Semi-Supervised Classification with Graph Convolutional Networks", eq. 2 before the
    nonlinearity, without a bias: ``H' = D^-1/2 (A + I) D^-1/2 H W``. The layer adds the self-loops I; the graph
    must hold both directions of an edge, and none of its own. ``W`` is applied before the sum where that makes
    messages narrower, which gives the same.

    On a heterograph the formula is over all its nodes at once when one layer stands for all relations, degrees
    count the edges of all, and the self-loop is given with one relation into each type and is 0 with the others.

    Args:
        in_feats, out_feats: sizes of the features and of the output.

    >>> import dgl, torch
    >>> layer = GCNConv(1, 1)
    >>> _ = nn.init.ones_(layer.weight.weight)
    >>> layer(dgl.graph(([0, 1], [1, 0]), num_nodes=3), torch.tensor([[2.0], [4.0], [5.0]])).flatten().tolist()
    [3.0, 3.0, 5.0]
    """

    def __init__(self, in_feats: int, out_feats: int) -> None:
        super().__init__()
        self.weight = nn.Linear(in_feats, out_feats, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier)."""
        nn.init.xavier_uniform_(self.weight.weight)

    def forward(
        self,
        graph: DGLGraph,
        feat: Tensor | tuple[Tensor, Tensor],
        norm: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Convolve once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).
            norm: (n_src,) and (n_dst,) factors d^-1/2 of the ends of an edge, and (n_dst,) those 1/d of the
                self-loops. A block needs those of the full graph; without them the degrees of ``graph`` are used.

        Returns:
            (n_dst, d_out).
        """
        first = self.weight.out_features < self.weight.in_features
        if first:
            feat = (self.weight(feat[0]), self.weight(feat[1])) if isinstance(feat, tuple) else self.weight(feat)
        src, dst = expand_as_pair(feat, graph)
        if norm is None:
            d_src, d_dst = 1.0 + graph.out_degrees(), 1.0 + graph.in_degrees()
            norm = d_src.rsqrt(), d_dst.rsqrt(), 1 / d_dst
        norm_src, norm_dst, own = (factor.to(src).unsqueeze(-1) for factor in norm)
        out: Tensor = ops.copy_u_sum(graph, src * norm_src) * norm_dst + dst * own
        return out if first else self.weight(out)
