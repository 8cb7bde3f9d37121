"""Graph attention."""

from __future__ import annotations

from typing import Literal, overload

import torch
import torch.nn.functional as F
from dgl import DGLError, DGLGraph
from torch import Tensor, nn

from ..graph import ops
from .inputs import Activation, Feat, dropped, edge_column, pair_of, refuse_zero_in_degree

__all__ = ["AttentionConv", "GATConv"]


class AttentionConv(nn.Module):
    """Graph attention, heads apart: ``h_v' = sum_u e_uv softmax_u(LeakyReLU(a_s·W h_u + a_d·W h_v)) W h_u + b``.

    Velickovic et al. 2018, "Graph Attention Networks", eq. 1–4, before the heads are merged; their
    ``a = [a_d ‖ a_s]`` is split so that a logit is a sum of two numbers, one of each end. The same as
    ``dgl.nn.GATConv``. No self-loop is added; a node without in-neighbours gets b.

    Args:
        in_feats: size of the features, with one ``W`` for both ends, or sizes (sources, destinations), with a
            ``W`` for each; None where the features are (n, num_heads · out_feats) and projected already, as the
            embeddings of one-hot features are.
        out_feats: size of each head's output.
        num_heads: number of heads.
        feat_drop: share of the features that are dropped in training.
        attn_drop: share of the attention weights that are dropped in training (section 3.3).
        negative_slope: of the LeakyReLU.
        residual: true to add the destinations' features, through a matrix where their size differs.
        activation: applied to the output.
        allow_zero_in_degree: false to raise DGLError for nodes without in-edges.
        bias: true for the bias b.

    A homogeneous graph:

    >>> import dgl
    >>> layer = AttentionConv(3, 4, num_heads=2)
    >>> out, attention = layer(dgl.graph(([0, 1, 1], [1, 0, 1])), torch.ones(2, 3), get_attention=True)
    >>> out.shape, attention.shape
    (torch.Size([2, 2, 4]), torch.Size([3, 2, 1]))

    A bipartite graph with features of two widths, and a block of it:

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0])})
    >>> layer, feat = AttentionConv((3, 2), 4, num_heads=2), (torch.ones(2, 3), torch.ones(1, 2))
    >>> layer(graph, feat, edge_weight=torch.tensor([0.5, 2.0])).shape
    torch.Size([1, 2, 4])
    >>> layer(dgl.to_block(graph)["rates"], feat).shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int] | None,
        out_feats: int,
        num_heads: int = 1,
        feat_drop: float = 0.0,
        attn_drop: float = 0.0,
        negative_slope: float = 0.2,
        residual: bool = False,
        activation: Activation = None,
        allow_zero_in_degree: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads, self.out_feats, self.negative_slope = num_heads, out_feats, negative_slope
        self.allow_zero_in_degree, self.activation = allow_zero_in_degree, activation
        self.feat_drop = nn.Dropout(feat_drop) if feat_drop else nn.Identity()
        self.attn_drop = nn.Dropout(attn_drop)
        width = num_heads * out_feats
        sizes = in_feats if isinstance(in_feats, tuple) else (in_feats,)
        projections = [nn.Identity() if d is None else nn.Linear(d, width, bias=False) for d in sizes]
        self.project_src, self.project_dst = projections[0], projections[-1]
        self.a_src = nn.Parameter(torch.empty(num_heads, out_feats))
        self.a_dst = nn.Parameter(torch.empty(num_heads, out_feats))
        self.residual: nn.Module | None = None
        if residual:
            self.residual = nn.Identity() if sizes[-1] in (None, width) else nn.Linear(sizes[-1], width, bias=False)
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew (Xavier, bias 0)."""
        for parameter in self.parameters():
            if parameter is self.bias:
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_normal_(parameter, gain=nn.init.calculate_gain("relu"))

    def extra_repr(self) -> str:
        return f"out_feats={self.out_feats}, num_heads={self.num_heads}, negative_slope={self.negative_slope}"

    @overload
    def forward(
        self,
        graph: DGLGraph,
        feat: Feat,
        edge_weight: Tensor | None = ...,
        get_attention: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def forward(
        self, graph: DGLGraph, feat: Feat, edge_weight: Tensor | None, get_attention: Literal[True]
    ) -> tuple[Tensor, Tensor]: ...

    def forward(
        self, graph: DGLGraph, feat: Feat, edge_weight: Tensor | None = None, get_attention: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).
            edge_weight: (n_edges,) or (n_edges, 1) weights, by edge id; attention is multiplied by them.
            get_attention: true to return the attention as well.

        Returns:
            (n_dst, num_heads, out_feats), and with ``get_attention`` the (n_edges, num_heads, 1) attention.
        """
        refuse_zero_in_degree(graph, self.allow_zero_in_degree)
        h_src, h_dst = pair_of(graph, dropped(self.feat_drop, feat))
        src = self.project_src(h_src).view(-1, self.num_heads, self.out_feats)
        dst = self.project_dst(h_dst).view(-1, self.num_heads, self.out_feats)
        logit = ops.u_add_v(graph, (src * self.a_src).sum(-1, keepdim=True), (dst * self.a_dst).sum(-1, keepdim=True))
        weight = self.attn_drop(ops.edge_softmax(graph, F.leaky_relu(logit, self.negative_slope))).to(src.dtype)
        if edge_weight is not None:
            weight = weight * edge_column(graph, edge_weight, weight)
        out = ops.u_mul_e_sum(graph, src, weight)
        if self.residual is not None:
            out = out + self.residual(h_dst).view(out.shape)
        if self.bias is not None:
            out = out + self.bias.view(self.num_heads, self.out_feats)
        out = out if self.activation is None else self.activation(out)
        return (out, weight) if get_attention else out


class GATConv(nn.Module):
    """:class:`AttentionConv` with its heads merged by a linear layer: ``h_v' = M [head_1 ‖ … ‖ head_H] + b``.

    Args:
        out_feats: size of the output.
        head_dim: ``split``, each head ``out_feats / num_heads`` wide, so that what a layer costs over the edges does
            not grow with their number; or ``full``, each ``out_feats`` wide.
        in_feats, num_heads, feat_drop, attn_drop, negative_slope, allow_zero_in_degree: see :class:`AttentionConv`.
        residual: true to add the destinations' features to the merged heads, through a matrix where their size differs.
        activation: applied to the output.
        bias: true for the bias b.

    Raises:
        DGLError: ``out_feats`` is no multiple of ``num_heads`` and ``head_dim`` is ``split``.

    A homogeneous graph:

    >>> import dgl
    >>> layer = GATConv(3, 6, num_heads=2)
    >>> layer(dgl.graph(([0, 1], [1, 0])), torch.ones(2, 3)).shape
    torch.Size([2, 6])

    A bipartite graph with features of two widths, and a block of it:

    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0])})
    >>> layer, feat = GATConv((3, 2), 4, num_heads=5, head_dim="full"), (torch.ones(2, 3), torch.ones(1, 2))
    >>> layer(graph, feat, edge_weight=torch.tensor([0.5, 2.0])).shape
    torch.Size([1, 4])
    >>> layer(dgl.to_block(graph)["rates"], feat).shape
    torch.Size([1, 4])
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int],
        out_feats: int,
        num_heads: int = 1,
        feat_drop: float = 0.0,
        attn_drop: float = 0.0,
        negative_slope: float = 0.2,
        residual: bool = False,
        activation: Activation = None,
        allow_zero_in_degree: bool = True,
        bias: bool = True,
        *,
        head_dim: Literal["split", "full"] = "split",
    ) -> None:
        super().__init__()
        if head_dim not in ("split", "full"):
            raise DGLError(f"head_dim must be split or full (got {head_dim!r})")
        if head_dim == "split" and out_feats % num_heads:
            raise DGLError(f"out_feats must be a multiple of num_heads (got {out_feats} and {num_heads})")
        width = out_feats if head_dim == "full" else out_feats // num_heads
        attention = (feat_drop, attn_drop, negative_slope, False, None, allow_zero_in_degree, False)
        self.attention = AttentionConv(in_feats, width, num_heads, *attention)
        self.merge = nn.Linear(num_heads * width, out_feats, bias=bias)
        self.activation = activation
        self.residual: nn.Module | None = None
        if residual:
            d_dst = in_feats[1] if isinstance(in_feats, tuple) else in_feats
            self.residual = nn.Identity() if d_dst == out_feats else nn.Linear(d_dst, out_feats, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew (Xavier, bias 0)."""
        self.attention.reset_parameters()
        for linear in (self.merge, self.residual):
            if isinstance(linear, nn.Linear):
                nn.init.xavier_uniform_(linear.weight)
        if self.merge.bias is not None:
            nn.init.zeros_(self.merge.bias)

    @overload
    def forward(
        self,
        graph: DGLGraph,
        feat: Feat,
        edge_weight: Tensor | None = ...,
        get_attention: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def forward(
        self, graph: DGLGraph, feat: Feat, edge_weight: Tensor | None, get_attention: Literal[True]
    ) -> tuple[Tensor, Tensor]: ...

    def forward(
        self, graph: DGLGraph, feat: Feat, edge_weight: Tensor | None = None, get_attention: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend once; arguments as of :class:`AttentionConv`.

        Returns:
            (n_dst, out_feats), and with ``get_attention`` the (n_edges, num_heads, 1) attention.
        """
        heads, weight = self.attention(graph, feat, edge_weight, True)
        out: Tensor = self.merge(heads.flatten(1))
        if self.residual is not None:
            out = out + self.residual(pair_of(graph, feat)[1])
        out = out if self.activation is None else self.activation(out)
        return (out, weight) if get_attention else out
