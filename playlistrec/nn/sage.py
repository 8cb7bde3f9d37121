"""GraphSAGE."""

from __future__ import annotations

from typing import Literal

from dgl import DGLGraph
from dgl.utils import expand_as_pair
from torch import Tensor, nn

from ..graph import ops

__all__ = ["SAGEConv"]


class SAGEConv(nn.Module):
    """Sample-and-aggregate: ``h_v' = W_self h_v + W_neigh agg_u(h_u) + b``.

    Hamilton et al. 2017, "Inductive Representation Learning on Large Graphs": algorithm 1, lines 4–5 before
    the nonlinearity, with ``agg`` the mean, or the elementwise maximum of ``ReLU(W_pool h_u + b_pool)``
    (eq. 3). The aggregate of a node without in-neighbours is 0.

    Args:
        in_feats: size of the features, or sizes (sources, destinations).
        out_feats: size of the output.
        aggregator: ``"mean"`` or ``"max"``.

    >>> import dgl, torch
    >>> SAGEConv(3, 5, "max")(dgl.graph(([0, 1], [1, 0])), torch.ones(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int],
        out_feats: int,
        aggregator: Literal["mean", "max"] = "mean",
    ) -> None:
        super().__init__()
        if aggregator not in ("mean", "max"):
            raise ValueError(f"aggregator must be mean or max (got {aggregator!r})")
        d_src, d_dst = in_feats if isinstance(in_feats, tuple) else (in_feats, in_feats)
        self.pool = nn.Sequential(nn.Linear(d_src, d_src), nn.ReLU()) if aggregator == "max" else None
        self.self_weight = nn.Linear(d_dst, out_feats)
        self.neighbour_weight = nn.Linear(d_src, out_feats, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew (Xavier, biases 0)."""
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, graph: DGLGraph, feat: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Aggregate once.

        Args:
            graph: homogeneous, one bipartite relation, or a block.
            feat: (n, d_in) on a homogeneous graph or block, or the pair (n_src, d_in), (n_dst, d_in).

        Returns:
            (n_dst, out_feats).
        """
        src, dst = expand_as_pair(feat, graph)
        if self.pool is not None:
            neighbours = ops.copy_u_max(graph, self.pool(src))
        else:
            degree = ops.in_degrees(graph, src).clamp(min=1).unsqueeze(-1)
            neighbours = ops.copy_u_sum(graph, src) / degree
        out: Tensor = self.self_weight(dst) + self.neighbour_weight(neighbours)
        return out
