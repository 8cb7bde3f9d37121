"""Graph attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from dgl import DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, nn

from ..graph import ops

__all__ = ["AttentionConv", "GATConv"]


class AttentionConv(nn.Module):
    """Graph attention, heads apart: ``h_v' = sum_u softmax_u(LeakyReLU(a_s·W h_u + a_d·W h_v)) W h_u``.

    Velickovic et al. 2018, "Graph Attention Networks", eq. 1–4, before the heads are merged; their
    ``a = [a_d ‖ a_s]`` is split so that a logit is a sum of two numbers, one of each end. No self loop is
    added; a node without in-neighbours gets 0.

    Args:
        in_feats: size of the features, with one ``W`` for both ends, or sizes (sources, destinations), with a
            ``W`` for each; None where the features are (n, heads · d_out) and projected already, as the embeddings
            of one-hot features are.
        out_feats: size d_out of each head's output.
        heads: number of heads.
        negative_slope: of the LeakyReLU.
        dropout: share of the attention weights that are dropped in training (section 3.3).
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int] | None,
        out_feats: int,
        heads: int = 1,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.out_feats, self.negative_slope = heads, out_feats, negative_slope
        self.dropout = nn.Dropout(dropout)
        sizes = in_feats if isinstance(in_feats, tuple) else (in_feats,)
        projections = [nn.Identity() if d is None else nn.Linear(d, heads * out_feats, bias=False) for d in sizes]
        self.project_src, self.project_dst = projections[0], projections[-1]
        self.a_src = nn.Parameter(torch.empty(heads, out_feats))
        self.a_dst = nn.Parameter(torch.empty(heads, out_feats))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew (Xavier)."""
        for parameter in self.parameters():
            nn.init.xavier_normal_(parameter, gain=nn.init.calculate_gain("relu"))

    def forward(self, graph: DGLGraph, feat: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Attend once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).

        Returns:
            (n_dst, heads, d_out).
        """
        h_src, h_dst = expand_as_pair(feat, graph)
        src = self.project_src(h_src).view(-1, self.heads, self.out_feats)
        dst = self.project_dst(h_dst).view(-1, self.heads, self.out_feats)
        logit = ops.u_add_v(graph, (src * self.a_src).sum(-1, keepdim=True), (dst * self.a_dst).sum(-1, keepdim=True))
        weight = self.dropout(ops.edge_softmax(graph, F.leaky_relu(logit, self.negative_slope)))
        return ops.u_mul_e_sum(graph, src, weight.to(src.dtype))


class GATConv(nn.Module):
    """:class:`AttentionConv` with its heads merged by a linear layer: ``h_v' = M [head_1 ‖ … ‖ head_H] + b``.

    The heads share the width: what a layer costs over the edges does not grow with their number.

    Args:
        in_feats, negative_slope: see :class:`AttentionConv`.
        out_feats: size of the output.
        heads: number of heads, each ``out_feats / heads`` wide.

    Raises:
        ValueError: ``out_feats`` is no multiple of ``heads``.

    >>> import dgl
    >>> layer = GATConv(3, 6, heads=2)
    >>> layer(dgl.graph(([0, 1], [1, 0])), torch.ones(2, 3)).shape
    torch.Size([2, 6])
    """

    def __init__(
        self, in_feats: int | tuple[int, int], out_feats: int, heads: int = 1, negative_slope: float = 0.2
    ) -> None:
        super().__init__()
        if out_feats % heads:
            raise ValueError(f"out_feats must be a multiple of heads (got {out_feats} and {heads})")
        self.attention = AttentionConv(in_feats, out_feats // heads, heads, negative_slope)
        self.merge = nn.Linear(out_feats, out_feats)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew (Xavier, bias 0)."""
        self.attention.reset_parameters()
        nn.init.xavier_uniform_(self.merge.weight)
        nn.init.zeros_(self.merge.bias)

    def forward(self, graph: DGLGraph, feat: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Attend once; arguments as of :class:`AttentionConv`. Returns (n_dst, out_feats)."""
        out: Tensor = self.merge(self.attention(graph, feat).flatten(1))
        return out
