"""Neural graph collaborative filtering."""

from __future__ import annotations

import torch
from dgl import DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, nn

from ..graph import ops

__all__ = ["NGCFConv"]


class NGCFConv(nn.Module):
    r"""Sums of neighbours and products: ``h_v' = W_1 h_v + sum_u (W_1 h_u + W_2 (h_u * h_v)) / sqrt(|N_u| |N_v|)``.

    Wang et al. 2019, "Neural Graph Collaborative Filtering", eq. 3–5 before the nonlinearity. With the normalised
    sum ``a_v`` of the neighbours that is ``W_1 (h_v + a_v) + W_2 (a_v * h_v)``: no products on edges.

    On a heterograph the node's own message ``W_1 h_v`` must come once: its factor is given with one relation into
    each type and is 0 with the others, and one layer stands for all relations.

    Args:
        in_feats, out_feats: sizes of the features and of the output.

    >>> import dgl
    >>> NGCFConv(3, 5)(dgl.graph(([0, 1], [1, 0])), torch.ones(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, in_feats: int, out_feats: int) -> None:
        super().__init__()
        self.sum_weight = nn.Linear(in_feats, out_feats, bias=False)
        self.product_weight = nn.Linear(in_feats, out_feats, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier)."""
        nn.init.xavier_uniform_(self.sum_weight.weight)
        nn.init.xavier_uniform_(self.product_weight.weight)

    def forward(
        self,
        graph: DGLGraph,
        feat: Tensor | tuple[Tensor, Tensor],
        norm: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Propagate once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).
            norm: (n_src,) and (n_dst,) factors degree^-1/2 of the ends of an edge, and (n_dst,) those of a node's
                own message, 1 or 0. A block needs those of the full graph; without them the degrees of ``graph``
                are used, and 1.

        Returns:
            (n_dst, d_out).
        """
        src, dst = expand_as_pair(feat, graph)
        if norm is None:
            norm = *ops.symmetric_norm(graph), torch.ones(len(dst))
        norm_src, norm_dst, own = (factor.to(src).unsqueeze(-1) for factor in norm)
        neighbour_sum = ops.copy_u_sum(graph, src * norm_src) * norm_dst
        out: Tensor = self.sum_weight(neighbour_sum + dst * own) + self.product_weight(neighbour_sum * dst)
        return out
