"""Scores of edges and of pairs from the vectors of their ends."""

from __future__ import annotations

from dgl import DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, einsum, nn

from ..graph import ops

__all__ = ["DotScore", "pair_scores"]


class DotScore(nn.Module):
    """The score of an edge is the dot product of its ends: ``s_uv = h_u · h_v``."""

    def forward(self, graph: DGLGraph, feat: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Score the edges of a graph of positive or negative pairs.

        Args:
            graph: homogeneous, or one relation of a pair graph.
            feat: (n, d), or the pair (n_src, d), (n_dst, d).

        Returns:
            (n_edges,).
        """
        src, dst = expand_as_pair(feat, graph)
        return ops.u_dot_v(graph, src, dst).squeeze(-1)


def pair_scores(src: Tensor, dst: Tensor) -> Tensor:
    """Dot products of each source with its k candidates: (n, d) with (n, k, d) gives (n, k)."""
    return einsum("nd,nkd->nk", src, dst)
