"""Our layers keep the public contract of layers, and each of its rules is held."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from playlistrec.nn import GATConv, GCNConv, LightGCNConv, SAGEConv
from playlistrec.testing import check_layer


@pytest.mark.parametrize(
    "make",
    [lambda i, o: LightGCNConv(), lambda i, o: GATConv(i, o, 2), lambda i, o: SAGEConv(i, o), GCNConv],
    ids=["lightgcn", "gat", "sage", "gcn"],
)
def test_our_layers_keep_the_contract(make) -> None:
    check_layer(make)


class Mean(nn.Module):
    """The mean of the neighbours, right in all."""

    def forward(self, graph, feat):
        src = feat[0] if isinstance(feat, tuple) else feat
        u, v = graph.edges()
        out = torch.zeros(graph.num_dst_nodes(), src.shape[1]).index_add_(0, v, src[u])
        return out / graph.in_degrees().clamp(min=1).unsqueeze(1)


class Undefined(Mean):
    def forward(self, graph, feat):
        return super().forward(graph, feat) / graph.in_degrees().unsqueeze(1)


class FirstEdge(Mean):
    def forward(self, graph, feat):
        return super().forward(graph, feat) + graph.edges()[0][-1]


class Detached(Mean):
    def forward(self, graph, feat):
        return super().forward(graph, feat).detach() + nn.Parameter(torch.zeros(1))


class Littering(Mean):
    def forward(self, graph, feat):
        if not isinstance(feat, tuple):
            graph.ndata["h"] = feat
        return super().forward(graph, feat)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (Undefined, "every node of a graph must get a finite row"),
        (FirstEdge, "the order of edges must not matter"),
        (Detached, "features and parameters must get gradients"),
        (Littering, "a graph must be left as it was"),
    ],
)
def test_each_rule_is_held(kind: type[Mean], rule: str) -> None:
    check_layer(lambda i, o: Mean())
    with pytest.raises(AssertionError, match=f"^layer: {rule}"):
        check_layer(lambda i, o: kind())
