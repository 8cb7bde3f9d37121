"""Every layer against its dense twin: values and gradients, wherever and however it is called."""

from __future__ import annotations

from collections.abc import Callable

import dgl
import dgl.nn
import pytest
import torch
from dense_twins import attention, light_gcn, mean, pooled_max, sage
from torch import Tensor, nn

from playlistrec.graph.norms import block_norms, relation_norms
from playlistrec.nn import (
    AttentionConv,
    DotScore,
    GATConv,
    HeteroConv,
    LayerSum,
    LightGCNConv,
    SAGEConv,
    pair_scores,
)

D_IN, D_OUT, HEADS = 5, 4, 2


pytestmark = pytest.mark.usefixtures("in_double")


def adjacency(n_dst: int, n_src: int) -> Tensor:
    """Random, with an isolated destination (the last) and an isolated source (the last)."""
    A = (torch.rand(n_dst, n_src) < 0.4).double()
    A[-1], A[:, -1] = 0, 0
    return A


def homogeneous(A: Tensor) -> dgl.DGLGraph:
    dst, src = torch.nonzero(A).T
    return dgl.graph((src, dst), num_nodes=len(A), idtype=torch.int32)


def bipartite(A: Tensor, order: Tensor | None = None) -> dgl.DGLGraph:
    dst, src = torch.nonzero(A).T if order is None else torch.nonzero(A)[order].T
    sizes = {"u": A.shape[1], "v": A.shape[0]}
    return dgl.heterograph({("u", "r", "v"): (src, dst)}, num_nodes_dict=sizes, idtype=torch.int32)


def parameters_of_attention(layer: AttentionConv) -> tuple[Tensor, Tensor, Tensor]:
    W_src, W_dst = (p.weight.view(layer.num_heads, layer.out_feats, -1) for p in (layer.project_src, layer.project_dst))
    return W_src, W_dst, torch.cat([layer.a_dst, layer.a_src], dim=1)


Twin = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]


def twin_light_gcn(layer: nn.Module, A: Tensor, h_src: Tensor, h_dst: Tensor) -> Tensor:
    return light_gcn(A, h_src, A.sum(0), A.sum(1))


def twin_attention(layer: AttentionConv, A: Tensor, h_src: Tensor, h_dst: Tensor) -> Tensor:
    bias = layer.bias.view(layer.num_heads, layer.out_feats)
    return attention(A, h_src, h_dst, *parameters_of_attention(layer)) + bias


def twin_gat(layer: GATConv, A: Tensor, h_src: Tensor, h_dst: Tensor) -> Tensor:
    heads = attention(A, h_src, h_dst, *parameters_of_attention(layer.attention))
    return torch.cat(list(heads.unbind(1)), dim=1) @ layer.merge.weight.T + layer.merge.bias


def twin_sage(layer: SAGEConv, A: Tensor, h_src: Tensor, h_dst: Tensor) -> Tensor:
    if layer.pool is None:
        aggregate = mean(A, h_src)
    else:
        aggregate = pooled_max(A, h_src, layer.pool[0].weight, layer.pool[0].bias)
    own = layer.self_weight
    return sage(A, h_dst, aggregate, own.weight, layer.neighbour_weight.weight, own.bias)


LAYERS: dict[str, tuple[Callable[[int | tuple[int, int]], nn.Module], Twin]] = {
    "lightgcn": (lambda d: LightGCNConv(), twin_light_gcn),
    "attention": (lambda d: AttentionConv(d, D_OUT, HEADS), twin_attention),
    "gat": (lambda d: GATConv(d, D_OUT, HEADS), twin_gat),
    "sage-mean": (lambda d: SAGEConv(d, D_OUT, "mean"), twin_sage),
    "sage-pool": (lambda d: SAGEConv(d, D_OUT, "pool"), twin_sage),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def make(name: str, in_feats: int | tuple[int, int] = D_IN) -> tuple[nn.Module, Twin]:
    new, twin = LAYERS[name]
    layer = new(in_feats)
    for parameter in layer.parameters():  # biases start at 0, where a lost one would go unnoticed
        nn.init.normal_(parameter)
    return layer, twin


def assert_same(got: Tensor, want: Tensor, inputs: list[Tensor]) -> None:
    """The same values, and the same gradients with respect to all ``inputs``."""
    assert got.shape == want.shape
    torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-7)
    cotangent = torch.randn_like(want)
    mine, theirs = (
        torch.autograd.grad((out * cotangent).sum(), inputs, allow_unused=True, retain_graph=True)
        for out in (got, want)
    )
    for a, b in zip(mine, theirs):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def features(*shape: int) -> Tensor:
    return torch.randn(shape).requires_grad_()


@every_layer
def test_bipartite(name: str, kernel: str) -> None:
    A, h_src, h_dst = adjacency(7, 6), features(6, D_IN), features(7, D_IN)
    layer, twin = make(name)
    got = layer(bipartite(A), (h_src, h_dst))
    assert_same(got, twin(layer, A, h_src, h_dst), [h_src, h_dst, *layer.parameters()])


@every_layer
def test_ends_of_different_sizes(name: str, kernel: str) -> None:
    A, h_src, h_dst = adjacency(7, 6), features(6, D_IN), features(7, 4)
    layer, twin = make(name, (D_IN, 4))
    got = layer(bipartite(A), (h_src, h_dst))
    assert_same(got, twin(layer, A, h_src, h_dst), [h_src, h_dst, *layer.parameters()])


@every_layer
def test_homogeneous(name: str, kernel: str) -> None:
    A, h = adjacency(8, 8), features(8, D_IN)
    layer, twin = make(name)
    assert_same(layer(homogeneous(A), h), twin(layer, A, h, h), [h, *layer.parameters()])


@every_layer
def test_a_graph_without_edges(name: str, kernel: str) -> None:
    A, h = torch.zeros(4, 4), features(4, D_IN)
    layer, twin = make(name)
    got = layer(homogeneous(A), h)
    torch.testing.assert_close(got, twin(layer, A, h, h))
    if name == "lightgcn":
        assert not got.any()


@every_layer
def test_the_order_of_edges_does_not_matter(name: str, kernel: str) -> None:
    A, h_src, h_dst = adjacency(7, 6), features(6, D_IN), features(7, D_IN)
    layer, _ = make(name)
    shuffled = bipartite(A, torch.randperm(int(A.sum())))
    want = layer(bipartite(A), (h_src, h_dst))
    assert_same(layer(shuffled, (h_src, h_dst)), want, [h_src, *layer.parameters()])


@every_layer
def test_a_block_of_all_neighbours_is_the_full_graph(name: str, kernel: str) -> None:
    A, h = adjacency(8, 8), features(8, D_IN)
    layer, _ = make(name)
    graph = homogeneous(A)
    seeds = torch.tensor([6, 1, 7, 3], dtype=torch.int32)
    block = dgl.to_block(dgl.in_subgraph(graph, seeds), seeds)
    degree_norms = relation_norms(graph)
    extra = {"degree_norms": block_norms(block, degree_norms)["_E"]} if name == "lightgcn" else {}
    got = layer(block, h[block.srcdata[dgl.NID].long()], **extra)
    assert_same(got, layer(graph, h)[seeds.long()], [h, *layer.parameters()])


def users_and_movies() -> tuple[dgl.DGLGraph, dict[str, Tensor], Tensor, Tensor]:
    rates, likes = adjacency(6, 9), adjacency(6, 9)
    edges = {
        ("user", "rates", "movie"): tuple(torch.nonzero(rates.T).T),
        ("movie", "rated_by", "user"): tuple(torch.nonzero(rates).T),
        ("user", "likes", "movie"): tuple(torch.nonzero(likes.T).T),
    }
    graph = dgl.heterograph(edges, num_nodes_dict={"user": 9, "movie": 6}, idtype=torch.int32)
    return graph, {"user": features(9, D_IN), "movie": features(6, D_IN)}, rates, likes


@every_layer
@pytest.mark.parametrize("wrapper", ["dgl.nn.HeteroGraphConv", "HeteroConv"])
@pytest.mark.parametrize("sampled", [False, True])
def test_inside_a_heterograph(name: str, wrapper: str, sampled: bool, kernel: str) -> None:
    graph, h, rates, likes = users_and_movies()
    made = {etype: make(name) for etype in graph.etypes}
    layers = {etype: layer for etype, (layer, _) in made.items()}
    twins = {etype: twin for etype, (_, twin) in made.items()}
    net = HeteroConv(layers) if wrapper == "HeteroConv" else dgl.nn.HeteroGraphConv(layers, aggregate="sum")
    want = {
        "movie": twins["rates"](layers["rates"], rates, h["user"], h["movie"])
        + twins["likes"](layers["likes"], likes, h["user"], h["movie"]),
        "user": twins["rated_by"](layers["rated_by"], rates.T, h["movie"], h["user"]),
    }
    degree_norms, feat = relation_norms(graph), h
    if sampled:
        seeds = {"movie": torch.tensor([4, 0, 5]).int(), "user": torch.tensor([8, 2]).int()}
        graph = dgl.to_block(dgl.in_subgraph(graph, seeds), seeds)
        degree_norms = block_norms(graph, degree_norms)
        feat = {node: h[node][graph.srcnodes[node].data[dgl.NID].long()] for node in h}
        want = {node: rows[seeds[node].long()] for node, rows in want.items()}
    if wrapper == "HeteroConv":
        got = net(graph, feat, degree_norms=degree_norms)
    else:
        options = {etype: {"degree_norms": norm} for etype, norm in degree_norms.items()} if name == "lightgcn" else {}
        got = net(graph, feat, mod_kwargs=options)
    assert got.keys() == want.keys()
    for node in want:
        assert_same(got[node], want[node], [h["user"], h["movie"], *net.parameters()])


def test_hetero_conv_keeps_types_that_no_edge_leads_to(kernel: str) -> None:
    none = torch.zeros(0, dtype=torch.int32)
    graph = dgl.heterograph({("u", "r", "v"): (none, none)}, num_nodes_dict={"u": 2, "v": 3}, idtype=torch.int32)
    feat = {"u": features(2, D_IN), "v": features(3, D_IN)}
    layer = SAGEConv(D_IN, D_OUT)
    out = HeteroConv({"r": layer})(graph, feat)
    torch.testing.assert_close(out, {"v": layer.self_weight(feat["v"])})


def test_given_norms_replace_the_degrees(kernel: str) -> None:
    A, h = adjacency(8, 8), features(8, D_IN)
    norm = torch.rand(8), torch.rand(8)
    want = (norm[1][:, None] * A * norm[0][None, :]) @ h
    assert_same(LightGCNConv()(homogeneous(A), h, degree_norms=norm), want, [h])


def test_attention_shares_its_projection_only_for_ends_of_one_size() -> None:
    shared, apart = AttentionConv(D_IN, D_OUT), AttentionConv((D_IN, D_IN), D_OUT)
    assert sum(p.numel() for p in apart.parameters()) - sum(p.numel() for p in shared.parameters()) == D_IN * D_OUT


def test_scores_of_edges_and_pairs(kernel: str) -> None:
    A, h_src, h_dst = adjacency(7, 6), features(6, D_IN), features(7, D_IN)
    graph = bipartite(A)
    src, dst = (ids.long() for ids in graph.edges(order="eid"))
    want = torch.stack([h_src[u] @ h_dst[v] for u, v in zip(src, dst)])
    assert_same(DotScore()(graph, (h_src, h_dst)), want, [h_src, h_dst])
    candidates = torch.randint(0, 7, (4, 3))
    scores = pair_scores(h_src[:4], h_dst[candidates])
    assert_same(scores, torch.gather(h_src[:4] @ h_dst.T, 1, candidates), [h_src, h_dst])


def test_layers_are_summed_with_fixed_or_learned_weights() -> None:
    layers = [features(4, 2) for _ in range(3)]
    fixed, learned = LayerSum(2), LayerSum(2, "learned")
    assert not list(fixed.parameters())
    assert not fixed.state_dict()
    want = torch.stack(layers).mean(0)
    assert_same(fixed(layers), want, layers)
    assert_same(learned(layers), want, layers)
    (weights,) = learned.parameters()
    nn.init.normal_(weights)
    share = torch.exp(weights) / torch.exp(weights).sum()
    assert_same(learned(layers), torch.einsum("l,lnd->nd", share, torch.stack(layers)), [weights, *layers])
    with pytest.raises(ValueError, match=r"layers must be 3 tensors \(got 2\)"):
        fixed(layers[:2])


@pytest.mark.parametrize("weights", [[1, 1, 1], [0, 1, 1], [0, 0, 3], [0.5, 0, 2], [3, -1, 0.5]])
def test_given_layer_weights_are_scaled_to_one(weights: list[float]) -> None:
    layers = [features(4, 2) for _ in range(3)]
    before = [layer.detach().clone() for layer in layers]
    combine = LayerSum(2, weights)
    want = sum(weight / sum(weights) * layer for weight, layer in zip(weights, layers))
    torch.testing.assert_close(combine.alpha, torch.tensor(weights) / sum(weights))
    used = [layer for weight, layer in zip(weights, layers) if weight]
    assert_same(combine(layers), want, used)
    torch.testing.assert_close([layer.detach() for layer in layers], before, rtol=0, atol=0)
    with pytest.raises(ValueError, match=r"layers must be 3 tensors \(got 1\)"):
        combine(layers[:1])


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(dgl.DGLError, match=r"aggregator_type must be mean, pool or gcn \(got 'sum'\)"):
        SAGEConv(2, 2, "sum")
    with pytest.raises(ValueError, match=r"weights must be mean, learned or 3 numbers \(got 'max'\)"):
        LayerSum(2, "max")


@pytest.mark.parametrize("weights", [[1, 1], [1, 1, 1, 1], [1, -1, 0], [0, 0, 0]])
def test_layer_weights_that_cannot_be_scaled_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must be mean, learned or 3 numbers"):
        LayerSum(2, weights)


def test_heads_share_the_width() -> None:
    with pytest.raises(dgl.DGLError, match=r"multiple of num_heads \(got 5 and 2\)"):
        GATConv(D_IN, 5, num_heads=2)
