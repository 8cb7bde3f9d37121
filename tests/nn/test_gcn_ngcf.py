"""GCN and NGCF against the papers' formulas, written with dense matrices and with loops over nodes."""

from __future__ import annotations

from collections.abc import Callable

import dgl
import pytest
import torch
from torch import Tensor, nn

from playlistrec.graph.norms import block_norms
from playlistrec.nn import GCNConv, HeteroConv, LayerConcat, NGCFConv

D = 5


pytestmark = pytest.mark.usefixtures("in_double")


def dense_gcn(layer: GCNConv, A: Tensor, H: Tensor) -> Tensor:
    """Kipf & Welling 2017, eq. 2: D~^-1/2 (A + I) D~^-1/2 H W, D~ the row sums of A + I."""
    loops = A + torch.eye(len(A))
    scale = torch.diag(loops.sum(1) ** -0.5)
    return scale @ loops @ scale @ H @ layer.weight.weight.T


def looped_ngcf(layer: NGCFConv, A: Tensor, E: Tensor) -> Tensor:
    """Wang et al. 2019, eq. 3-5 inside the LeakyReLU, message by message."""
    W1, W2 = layer.sum_weight.weight, layer.product_weight.weight
    rows = []
    for u in range(len(A)):
        total = W1 @ E[u]
        for i in torch.nonzero(A[u]).flatten().tolist():
            total = total + (W1 @ E[i] + W2 @ (E[i] * E[u])) / (A[u].sum() * A[i].sum()).sqrt()
        rows.append(total)
    return torch.stack(rows)


Twin = Callable[[nn.Module, Tensor, Tensor], Tensor]
LAYERS: dict[str, tuple[Callable[[], nn.Module], Twin]] = {
    "gcn-narrower": (lambda: GCNConv(D, 3), dense_gcn),
    "gcn-wider": (lambda: GCNConv(D, 7), dense_gcn),
    "ngcf": (lambda: NGCFConv(D, 4), looped_ngcf),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def make(name: str) -> tuple[nn.Module, Twin]:
    new, twin = LAYERS[name]
    return new(), twin


def undirected(n: int) -> Tensor:
    """Random, symmetric, without loops; the last node is isolated."""
    half = torch.triu((torch.rand(n, n) < 0.4).double(), 1)
    half[:, -1] = 0
    return half + half.T


def homogeneous(A: Tensor, order: Tensor | None = None) -> dgl.DGLGraph:
    dst, src = torch.nonzero(A).T if order is None else torch.nonzero(A)[order].T
    return dgl.graph((src, dst), num_nodes=len(A), idtype=torch.int32)


def assert_same(got: Tensor, want: Tensor, inputs: list[Tensor]) -> None:
    """The same values, and the same gradients with respect to all ``inputs``."""
    torch.testing.assert_close(got, want)
    cotangent = torch.randn_like(want)
    mine, theirs = (torch.autograd.grad((out * cotangent).sum(), inputs, retain_graph=True) for out in (got, want))
    torch.testing.assert_close(mine, theirs)


@every_layer
def test_homogeneous(name: str, kernel: str) -> None:
    A, h = undirected(9), torch.randn(9, D).requires_grad_()
    layer, twin = make(name)
    assert_same(layer(homogeneous(A), h), twin(layer, A, h), [h, *layer.parameters()])


@every_layer
def test_isolated_nodes_keep_what_is_their_own(name: str, kernel: str) -> None:
    A, h = undirected(9), torch.randn(9, D)
    layer, _ = make(name)
    own = layer.weight if name.startswith("gcn") else layer.sum_weight
    torch.testing.assert_close(layer(homogeneous(A), h)[-1], own(h[-1]))
    torch.testing.assert_close(layer(homogeneous(torch.zeros(9, 9)), h), own(h))


@every_layer
def test_both_sides_of_a_bipartite_graph(name: str, kernel: str) -> None:
    B = (torch.rand(6, 4) < 0.5).double()
    B[-1], B[:, -1] = 0, 0
    whole = torch.zeros(10, 10)
    whole[:6, 6:], whole[6:, :6] = B, B.T
    h = torch.randn(10, D).requires_grad_()
    layer, twin = make(name)
    u, v = torch.nonzero(B).T
    sizes = {"u": 6, "v": 4}
    there = dgl.heterograph({("u", "r", "v"): (u, v)}, num_nodes_dict=sizes, idtype=torch.int32)
    back = dgl.heterograph({("v", "r", "u"): (v, u)}, num_nodes_dict=sizes, idtype=torch.int32)
    got = torch.cat([layer(back, (h[6:], h[:6])), layer(there, (h[:6], h[6:]))])
    assert_same(got, twin(layer, whole, h), [h, *layer.parameters()])


@every_layer
def test_the_order_of_edges_does_not_matter(name: str, kernel: str) -> None:
    A, h = undirected(9), torch.randn(9, D).requires_grad_()
    layer, _ = make(name)
    shuffled = homogeneous(A, torch.randperm(int(A.sum())))
    assert_same(layer(shuffled, h), layer(homogeneous(A), h), [h, *layer.parameters()])


def factors(name: str, A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the layers take as ``degree_norms``, from the adjacency matrix of all nodes."""
    if name.startswith("gcn"):
        d = A.sum(1) + 1
        return d**-0.5, d**-0.5, 1 / d
    d = A.sum(1)
    norm = torch.where(d > 0, d**-0.5, 0.0)
    return norm, norm, torch.ones(len(A))


@every_layer
def test_a_block_of_all_neighbours_is_the_full_graph(name: str, kernel: str) -> None:
    A, h = undirected(9), torch.randn(9, D).requires_grad_()
    layer, _ = make(name)
    graph, seeds = homogeneous(A), torch.tensor([6, 1, 8, 3], dtype=torch.int32)
    block = dgl.to_block(dgl.in_subgraph(graph, seeds), seeds)
    norm = block_norms(block, {"_E": factors(name, A)})["_E"]
    got = layer(block, h[block.srcdata[dgl.NID].long()], degree_norms=norm)
    assert_same(got, layer(graph, h)[seeds.long()], [h, *layer.parameters()])


@every_layer
@pytest.mark.parametrize("sampled", [False, True])
def test_a_heterograph_is_one_graph_of_all_its_nodes(name: str, sampled: bool, kernel: str) -> None:
    """Users, movies and directors: two relations lead to movies, and what is a movie's own counts once."""
    n = {"user": 5, "movie": 6, "director": 3}
    start = {"user": 0, "movie": 5, "director": 11}
    A = torch.zeros(14, 14)
    A[5:11, :5] = (torch.rand(6, 5) < 0.5).double()
    A[5:11, 11:] = (torch.rand(6, 3) < 0.5).double()
    A[10], A[4], A[:, 4], A[7, 11:] = 0, 0, 0, 0
    A = torch.maximum(A, A.T)
    kinds = [("user", "rates", "movie"), ("movie", "rated_by", "user"), ("director", "made", "movie")]
    kinds.append(("movie", "made_by", "director"))

    def cut(rows: str, columns: str) -> Tensor:
        return A[start[rows] : start[rows] + n[rows], start[columns] : start[columns] + n[columns]]

    edges = {(s, e, t): tuple(torch.nonzero(cut(t, s)).T.flip(0)) for s, e, t in kinds}
    graph = dgl.heterograph(edges, num_nodes_dict=n, idtype=torch.int32)
    source, target, own = factors(name, A)
    parts = {k: slice(start[k], start[k] + n[k]) for k in n}
    degree_norms = {
        e: (source[parts[s]], target[parts[t]], own[parts[t]] * (e != "made"))  # movies have a loop with "rates"
        for s, e, t in kinds
    }
    h = torch.randn(14, D).requires_grad_()
    layer, twin = make(name)
    net = HeteroConv(dict.fromkeys(graph.etypes, layer))
    feat, rows = {k: h[parts[k]] for k in n}, {k: torch.arange(n[k]) for k in n}
    if sampled:
        rows = {"movie": torch.tensor([5, 0, 2]), "user": torch.tensor([4, 1]), "director": torch.tensor([2])}
        seeds = {k: ids.int() for k, ids in rows.items()}
        graph = dgl.to_block(dgl.in_subgraph(graph, seeds), seeds)
        degree_norms = block_norms(graph, degree_norms)
        feat = {k: feat[k][graph.srcnodes[k].data[dgl.NID].long()] for k in n}
    got, want = net(graph, feat, degree_norms=degree_norms), twin(layer, A, h)
    assert list(net.parameters()) == list(layer.parameters())
    assert_same(
        torch.cat([got[k] for k in n]),
        torch.cat([want[parts[k]][rows[k]] for k in n]),
        [h, *layer.parameters()],
    )


def test_no_tensor_of_edges_times_dims(kernel: str) -> None:
    """What NGCF keeps for the backward pass has a row per node, never one per edge."""
    A = torch.ones(30, 30) - torch.eye(30)  # 870 edges
    graph, h = homogeneous(A), torch.randn(30, D).requires_grad_()
    sizes: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        NGCFConv(D, 4)(graph, h).sum().backward()
    assert sizes
    assert max(sizes) <= 870 < 870 * 4


def test_layers_side_by_side() -> None:
    layers = [torch.randn(4, 2, requires_grad=True), torch.randn(4, 3, requires_grad=True)]
    out = LayerConcat()(layers)
    assert out.shape == (4, 5)
    for row in range(4):
        assert out[row].tolist() == [*layers[0][row].tolist(), *layers[1][row].tolist()]
    a, b = (LayerConcat()([torch.randn(3, 2), torch.randn(3, 2)]) for _ in range(2))
    torch.testing.assert_close(a @ b.T, sum(a[:, c : c + 2] @ b[:, c : c + 2].T for c in (0, 2)))
