"""Our layers and those of ``dgl.nn`` with the same weights, on all kinds of graph, with edge weights and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dgl
import dgl.nn
import pytest
import torch
from torch import Tensor, nn

from playlistrec.nn import AttentionConv, GATConv, GCNConv, HeteroConv, LightGCNConv, NGCFConv, SAGEConv

pytestmark = pytest.mark.usefixtures("in_double")
D_SRC, D_DST, OUT, HEADS = 5, 5, 4, 3


def graph_of(kind: str) -> tuple[dgl.DGLGraph, Any]:
    """A graph without isolated destinations, and features for it."""
    torch.manual_seed(1)
    if kind == "homogeneous":
        A = torch.rand(8, 8) < 0.4
        A.fill_diagonal_(False)
        A[:, 0] = True
        A[0, 0] = False
        A[0, 1] = True
        return dgl.graph(tuple(torch.nonzero(A.T).T), num_nodes=8), torch.randn(8, D_SRC).requires_grad_()
    A = torch.rand(7, 6) < 0.4
    A[0] = True
    graph = dgl.heterograph({("u", "r", "v"): tuple(torch.nonzero(A).T)}, num_nodes_dict={"u": 7, "v": 6})
    src, dst = torch.randn(7, D_SRC).requires_grad_(), torch.randn(6, D_DST).requires_grad_()
    if kind == "bipartite":
        return graph["r"], (src, dst)
    seeds = {"v": torch.tensor([4, 1])}
    block = dgl.to_block(dgl.in_subgraph(graph, seeds), seeds)
    return block["r"], (src[block.srcnodes["u"].data[dgl.NID]], dst[seeds["v"]])


def load(layer: nn.Module, pairs: dict[str, str], theirs: nn.Module, split: bool = False) -> None:
    mine, other = layer.state_dict(), theirs.state_dict()
    layer.load_state_dict({**mine, **{a: other[b].reshape(mine[a].shape) for a, b in pairs.items()}})


def attention(activation: Any = None, residual: bool = False) -> tuple[nn.Module, nn.Module]:
    theirs = dgl.nn.GATConv(D_SRC, OUT, HEADS, residual=residual, activation=activation, allow_zero_in_degree=True)
    theirs.attn_l.data.normal_()
    ours = AttentionConv(D_SRC, OUT, HEADS, residual=residual, activation=activation)
    names = {"project_src.weight": "fc.weight", "a_src": "attn_l", "a_dst": "attn_r"}
    names |= {"residual.weight": "res_fc.weight"} if residual else {}
    if residual:
        nn.init.zeros_(theirs.res_fc.bias)
    else:
        nn.init.normal_(theirs.bias)
        names["bias"] = "bias"
    load(ours, names, theirs)
    return ours, theirs


def sage(kind: str) -> tuple[nn.Module, nn.Module]:
    theirs, ours = dgl.nn.SAGEConv(D_SRC, OUT, kind), SAGEConv(D_SRC, OUT, kind)
    names = {"neighbour_weight.weight": "fc_neigh.weight"}
    if kind == "gcn":
        nn.init.normal_(theirs.bias)
        names["neighbour_weight.bias"] = "bias"
    else:
        nn.init.normal_(theirs.fc_self.bias)
        names |= {"self_weight.weight": "fc_self.weight", "self_weight.bias": "fc_self.bias"}
    if kind == "pool":
        names |= {"pool.0.weight": "fc_pool.weight", "pool.0.bias": "fc_pool.bias"}
    load(ours, names, theirs)
    return ours, theirs


def light(norm: str) -> tuple[nn.Module, nn.Module]:
    theirs = dgl.nn.GraphConv(D_SRC, D_SRC, norm=norm, weight=False, bias=False, allow_zero_in_degree=True)
    return LightGCNConv(norm), theirs


PAIRS: dict[str, Callable[[], tuple[nn.Module, nn.Module]]] = {
    "lightgcn": lambda: light("both"),
    "lightgcn-right": lambda: light("right"),
    "lightgcn-left": lambda: light("left"),
    "lightgcn-none": lambda: light("none"),
    "attention": attention,
    "attention-residual": lambda: attention(torch.tanh, residual=True),
    "sage-mean": lambda: sage("mean"),
    "sage-pool": lambda: sage("pool"),
    "sage-gcn": lambda: sage("gcn"),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["homogeneous", "bipartite", "block"])
@pytest.mark.parametrize("name", PAIRS)
def test_a_layer_is_its_counterpart(name: str, kind: str, weighted: bool, kernel: str) -> None:
    graph, feat = graph_of(kind)
    ours, theirs = PAIRS[name]()
    weight = torch.rand(graph.num_edges()).requires_grad_() if weighted else None
    got, want = ours(graph, feat, edge_weight=weight), theirs(graph, feat, edge_weight=weight)
    torch.testing.assert_close(got, want)
    inputs = [*(feat if isinstance(feat, tuple) else [feat])[:1], *([] if weight is None else [weight])]
    cotangent = torch.randn_like(want)
    mine, others = (torch.autograd.grad((out * cotangent).sum(), inputs) for out in (got, want))
    torch.testing.assert_close(mine, others)


def test_attention_weights_are_those_of_dgl() -> None:
    graph, feat = graph_of("bipartite")
    ours, theirs = attention()
    torch.testing.assert_close(ours(graph, feat, None, True), theirs(graph, feat, get_attention=True))


@pytest.mark.parametrize("weighted", [False, True])
def test_gcn_is_graph_conv_with_self_loops(weighted: bool) -> None:
    torch.manual_seed(0)
    A = torch.triu(torch.rand(7, 7) < 0.5, 1)
    A = A | A.T
    graph, feat = dgl.graph(tuple(torch.nonzero(A).T), num_nodes=7), torch.randn(7, D_SRC)
    ours, theirs = (
        GCNConv(D_SRC, OUT, bias=True, activation=torch.tanh),
        dgl.nn.GraphConv(D_SRC, OUT, activation=torch.tanh),
    )
    nn.init.normal_(theirs.bias)
    ours.load_state_dict({"weight.weight": theirs.weight.T, "bias": theirs.bias})
    weight = torch.rand(graph.num_edges()) if weighted else None
    looped = None if weight is None else torch.cat([weight, torch.ones(7)])
    torch.testing.assert_close(ours(graph, feat, weight), theirs(dgl.add_self_loop(graph), feat, edge_weight=looped))


def test_normalised_weights_of_dgl_go_in_as_they_are() -> None:
    graph, feat = graph_of("homogeneous")
    weight = dgl.nn.EdgeWeightNorm("both")(graph, torch.rand(graph.num_edges()))
    theirs = dgl.nn.GraphConv(D_SRC, D_SRC, norm="none", weight=False, bias=False)
    torch.testing.assert_close(LightGCNConv(norm="none")(graph, feat, weight), theirs(graph, feat, edge_weight=weight))


LAYERS: dict[str, Callable[[Any], nn.Module]] = {
    "lightgcn": lambda d: LightGCNConv(),
    "attention": lambda d: AttentionConv(d, OUT, 2),
    "gat": lambda d: GATConv(d, OUT, 2),
    "gat-full": lambda d: GATConv(d, OUT, 5, head_dim="full", residual=True),
    "sage-mean": lambda d: SAGEConv(d, OUT, "mean"),
    "sage-pool": lambda d: SAGEConv(d, OUT, "pool"),
    "gcn": lambda d: GCNConv(d, OUT),
    "ngcf": lambda d: NGCFConv(d, OUT),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


@every_layer
def test_equal_weights_change_nothing_and_doubled_edges_are_weight_two(name: str, kernel: str) -> None:
    graph, feat = graph_of("bipartite")
    layer = LAYERS[name](D_SRC)
    ones = torch.ones(graph.num_edges())
    torch.testing.assert_close(layer(graph, feat, ones), layer(graph, feat))
    torch.testing.assert_close(layer(graph, feat, ones.unsqueeze(1)), layer(graph, feat))
    with pytest.raises(dgl.DGLError, match="edge_weight must be of shape"):
        layer(graph, feat, torch.ones(3))
    with pytest.raises(dgl.DGLError, match="edge_weight must be of shape"):
        layer(graph, feat, torch.ones(graph.num_edges(), 2))


@every_layer
def test_widths_of_both_ends(name: str, kernel: str) -> None:
    graph, (src, _) = graph_of("bipartite")
    layer = LAYERS[name]((D_SRC, 3))
    assert len(layer(graph, (src, torch.randn(6, 3)))) == 6


@every_layer
def test_second_order_gradients(name: str, kernel: str) -> None:
    for kind in ("bipartite", "block"):
        graph, (src, dst) = graph_of(kind)
        layer, weight = LAYERS[name](D_SRC), torch.rand(graph.num_edges()).requires_grad_()

        def scaled(src: Tensor, weight: Tensor) -> Tensor:
            return torch.tanh(layer(graph, (src, dst.detach()), weight))  # noqa: B023 - called at once

        src = src.detach().requires_grad_()
        assert torch.autograd.gradcheck(scaled, (src, weight))
        assert torch.autograd.gradgradcheck(scaled, (src, weight))


@every_layer
def test_half_precision_adds_up_over_many_edges(name: str, kernel: str) -> None:
    n = 3000
    graph = dgl.graph((torch.arange(1, n + 1), torch.zeros(n, dtype=torch.int64)), num_nodes=n + 1)
    layer = LAYERS[name](4).float()
    feat = torch.rand(n + 1, 4, dtype=torch.float32)
    want, got = layer(graph, feat)[0], layer.bfloat16()(graph, feat.bfloat16())[0]
    torch.testing.assert_close(got.float(), want, rtol=0.05, atol=0.05 * want.abs().max().item())


def test_missing_features_are_named() -> None:
    graph, (src, _) = graph_of("bipartite")
    assert len(LightGCNConv()(graph, (src, None))) == 6
    with pytest.raises(dgl.DGLError, match="features of the destination nodes 'v' must be given"):
        SAGEConv(D_SRC, OUT)(graph, (src, None))


@pytest.mark.parametrize("make", [LightGCNConv, lambda **o: AttentionConv(2, 2, **o), lambda **o: GATConv(2, 2, **o)])
def test_zero_in_degree_is_refused_when_asked(make: Any) -> None:
    graph, feat = dgl.graph(([0], [1])), torch.ones(2, 2)
    make()(graph, feat)
    with pytest.raises(dgl.DGLError, match="0-in-degree nodes"):
        make(allow_zero_in_degree=False)(graph, feat)


def test_light_gcn_on_one_number_a_node_and_without_edges() -> None:
    graph = dgl.graph(([0, 1], [1, 0]))
    assert LightGCNConv()(graph, torch.tensor([1.0, 2.0])).tolist() == [2.0, 1.0]
    assert LightGCNConv()(graph, torch.tensor([1.0, 2.0]), torch.tensor([0.5, 3.0])).tolist() == [6.0, 0.5]
    x = torch.ones(2, 2, requires_grad=True)
    LightGCNConv()(dgl.graph(([], []), num_nodes=2), x).sum().backward()
    assert x.grad is not None
    assert not x.grad.any()


class Weighted(nn.Module):
    """A sum weighted by what the graph holds now."""

    def forward(self, graph: dgl.DGLGraph, feat: Any) -> Tensor:
        with graph.local_scope():
            graph.srcdata["h"] = feat[0]
            graph.update_all(dgl.function.u_mul_e("h", "w", "m"), dgl.function.sum("m", "out"))
            return graph.dstdata["out"]


@pytest.mark.parametrize("kind", [HeteroConv, dgl.nn.HeteroGraphConv])
def test_features_of_the_moment_reach_the_layers(kind: Any) -> None:
    a, b = torch.tensor([0, 1]), torch.tensor([0, 0])
    graph = dgl.heterograph({("u", "r", "v"): (a, b), ("v", "s", "u"): (b, a)})
    graph.edges["r"].data["w"] = torch.full((2, 1), 7.0)
    feat, net, out = {"u": torch.ones(2, 1), "v": torch.ones(1, 1)}, kind({"r": Weighted(), "s": LightGCNConv()}), []
    for weight in (1.0, 10.0, 100.0):
        with graph.local_scope():
            graph.edges["r"].data["w"] = torch.full((2, 1), weight)
            out.append(net(graph, feat)["v"].item())
    out.append(net(graph, feat)["v"].item())
    graph.edges["r"].data["w"] = torch.full((2, 1), 50.0)
    out.append(net(graph, feat)["v"].item())
    assert out == [2.0, 20.0, 200.0, 14.0, 100.0]


def shared_names() -> tuple[dgl.DGLGraph, dict[str, Tensor]]:
    edges = {
        ("user", "has", "tag"): ([0, 1], [0, 1]),
        ("tag", "of", "user"): ([0, 1], [0, 1]),
        ("item", "has", "tag"): ([0, 1, 2], [0, 1, 1]),
        ("tag", "of", "item"): ([0, 1, 1], [0, 1, 2]),
    }
    feat = {"user": torch.rand(2, 4), "tag": torch.rand(2, 4), "item": torch.rand(3, 4)}
    return dgl.heterograph(edges), feat


@pytest.mark.parametrize(
    "aggregate", ["sum", "mean", "max", "min", "stack", lambda tensors, kind: torch.stack(tensors).sum(0)]
)
def test_relations_that_share_a_name(aggregate: Any) -> None:
    from playlistrec.graph import relation_norms

    graph, feat = shared_names()
    layers = {etype: SAGEConv(4, 3) for etype in graph.canonical_etypes}
    got = HeteroConv(layers, aggregate)(graph, feat)
    want = dgl.nn.HeteroGraphConv(layers, aggregate)(graph, feat)
    assert got.keys() == want.keys()
    for kind in want:
        torch.testing.assert_close(got[kind], want[kind])
    assert set(relation_norms(graph)) == set(graph.canonical_etypes)
    light = HeteroConv({etype: LightGCNConv() for etype in graph.canonical_etypes})
    torch.testing.assert_close(light(graph, feat, degree_norms=relation_norms(graph)), light(graph, feat))


def test_features_of_some_types_and_arguments_by_relation() -> None:
    graph, feat = shared_names()
    net = HeteroConv({etype: LightGCNConv() for etype in graph.canonical_etypes})
    assert set(net(graph, {"user": feat["user"]})) == {"tag"}
    weights = {("user", "has", "tag"): {"edge_weight": torch.tensor([2.0, 2.0])}}
    torch.testing.assert_close(
        net(graph, {"user": feat["user"]}, mod_kwargs=weights)["tag"], 2 * net(graph, {"user": feat["user"]})["tag"]
    )
    args = {("user", "has", "tag"): (torch.tensor([2.0, 2.0]),)}
    got = net(graph, ({"user": feat["user"]}, {}), args)["tag"]
    torch.testing.assert_close(got, net(graph, {"user": feat["user"]}, mod_kwargs=weights)["tag"])
    with pytest.raises(dgl.DGLError, match="aggregate must be"):
        HeteroConv({}, "median")


def test_names_with_dots() -> None:
    graph = dgl.heterograph({("u", "r.1", "v"): ([0], [0])})
    assert HeteroConv({"r.1": LightGCNConv()})(graph, {"u": torch.ones(1, 1)})["v"].tolist() == [[1.0]]
