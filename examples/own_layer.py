"""A message-passing layer of your own as a playlistrec model, on the command line and in Python.

The layer sends sums over neighbours through a gate: how much of what arrives is let in depends on what a node holds.
Everything else (graph, negatives, losses, fold-in of unseen playlists, ranking) comes from ``GraphModel``.

    python examples/own_layer.py
    PYTHONPATH=examples playlistrec fit DATA -m own_layer:Gated -o RUN --set layers=2
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

import playlistrec as pr
from playlistrec.models.graph.model import GraphConfig, GraphModel

import dgl  # isort: skip - after playlistrec, which names DGL's backend

from playlistrec.graph import ops  # isort: skip


class GatedConv(nn.Module):
    """``h_v = σ(W g_v) ⊙ m_v`` with ``m_v = c_v Σ_u c_u h_u``, ``c`` being degree^-1/2 and ``g_v`` what v holds.

    Layers get the graph of one relation (or a block of it), the vectors of both ends, (n_src, d) and (n_dst, d), and
    the degree norms of both, (n_src,) and (n_dst,).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, dim)

    def forward(
        self, graph: dgl.DGLGraph, feat: tuple[Tensor, Tensor], *, degree_norms: tuple[Tensor, Tensor]
    ) -> Tensor:
        (h_src, h_dst), (c_src, c_dst) = feat, (c.unsqueeze(1) for c in degree_norms)
        message = ops.copy_u_sum(graph, h_src * c_src) * c_dst
        return torch.sigmoid(self.gate(h_dst)) * message


class Gated(GraphModel):
    """Embeddings, and rounds of gated sums over all relations."""

    name: ClassVar[str] = "own_layer:Gated"  # how a run folder finds the class again
    summary: ClassVar[str] = "an example: sums over neighbours through a gate"

    def conv(self, options: GraphConfig) -> nn.Module:
        return GatedConv(options.dim)


def main() -> dict[str, float]:
    """Fit popularity and the gated model to the same synthetic playlists; return the test recall@20 of each."""
    folder = Path(tempfile.mkdtemp())
    data = pr.preprocess(pr.synthesize(folder / "slices", playlists=500, seed=0), folder / "data", k_core=5)
    options = {"layers": 2, "batch_size": 4096, "lr": 0.02, "epochs": 30}
    recall = {}
    for model, own in (("popularity", {}), ("own_layer:Gated", options)):
        run = pr.fit(data, model, folder / model.partition(":")[0], options=own)
        recall[model] = run.evaluate("test", k=[20]).metrics["recall@20"]
        print(f"{model:>16}: test recall@20 {recall[model]:.4f}")
    return recall


if __name__ == "__main__":
    recall = main()
    assert recall["own_layer:Gated"] > 2 * recall["popularity"], recall
