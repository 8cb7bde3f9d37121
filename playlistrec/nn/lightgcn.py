"""Light graph convolution."""

from __future__ import annotations

from dgl import DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, nn

from ..graph import ops

__all__ = ["LightGCNConv"]


class LightGCNConv(nn.Module):
    r"""Propagation without weights: ``h_v' = sum_u h_u / sqrt(|N_u| |N_v|)``.

    He et al. 2020, "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation", eq. 3.
    The normalisation is on the nodes, before and after a plain sum. No self loop is added; a node without
    in-neighbours gets 0.

    >>> import dgl, torch
    >>> graph = dgl.graph(([0, 1], [1, 0]))
    >>> LightGCNConv()(graph, torch.tensor([[1.0], [2.0]])).flatten().tolist()
    [2.0, 1.0]
    """

    def forward(
        self,
        graph: DGLGraph,
        feat: Tensor | tuple[Tensor, Tensor],
        norm: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Propagate once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d) on a homogeneous graph or block, or the pair (n_src, d), (n_dst, d), of which the
                first is read.
            norm: (n_src,) and (n_dst,) factors, degree^-1/2. A block needs those of the full graph; without
                them the degrees of ``graph`` are used.

        Returns:
            (n_dst, d).
        """
        src: Tensor = expand_as_pair(feat, graph)[0]
        if not graph.num_edges():
            return src.new_zeros(graph.num_dst_nodes(), src.shape[1])
        if norm is None:
            norm = ops.symmetric_norm(graph)
        norm_src, norm_dst = (factor.to(src).unsqueeze(-1) for factor in norm)
        return ops.copy_u_sum(graph, src * norm_src) * norm_dst
