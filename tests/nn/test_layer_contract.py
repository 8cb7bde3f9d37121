"""Our layers keep the public contract of layers, and each of its rules is held."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from playlistrec.nn import AttentionConv, GATConv, GCNConv, LightGCNConv, NGCFConv, SAGEConv
from playlistrec.testing import check_layer


@pytest.mark.parametrize(
    "make",
    [
        lambda i, o: LightGCNConv(),
        lambda i, o: AttentionConv(i, o, 2),
        lambda i, o: GATConv(i, o, 2),
        lambda i, o: GATConv(i, o, 5, head_dim="full", residual=True),
        *(SAGEConv, lambda i, o: SAGEConv(i, o, "pool"), lambda i, o: SAGEConv(i, o, "gcn")),
        *(GCNConv, NGCFConv),
    ],
    ids=["lightgcn", "attention", "gat", "gat-full", "sage", "sage-pool", "sage-gcn", "gcn", "ngcf"],
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


class OwnFirst(Mean):
    """Takes the first rows of the sources for the destinations, which is right on blocks alone."""

    def forward(self, graph, feat):
        src = feat[0] if isinstance(feat, tuple) else feat
        return super().forward(graph, feat) + (0 if isinstance(feat, tuple) else src[: graph.num_dst_nodes()])


class ByNumber(Mean):
    def forward(self, graph, feat):
        return super().forward(graph, feat) + torch.arange(graph.num_dst_nodes()).unsqueeze(1)


class Hidden(Mean):
    def __init__(self) -> None:
        super().__init__()
        self.learned = [nn.Parameter(torch.ones(1))]
        self.register_buffer("kept", torch.randn(1), persistent=False)

    def forward(self, graph, feat):
        return super().forward(graph, feat) + self.kept

    def __deepcopy__(self, memo):
        return type(self)()


class Unweighted(Mean):
    def forward(self, graph, feat, edge_weight=None):
        return super().forward(graph, feat) * (1 if edge_weight is None else 2)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (ByNumber, "a block of all nodes must give what the graph gives"),
        (OwnFirst, "a pair of the same features must give what one tensor gives"),
        (Hidden, "state_dict must hold all that the layer learned"),
        (Unweighted, "an edge_weight of ones must change nothing"),
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
