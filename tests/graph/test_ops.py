"""The kernels: DGL's and torch's against each other and against dense algebra."""

from __future__ import annotations

import gc
import weakref
from contextlib import nullcontext

import dgl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playlistrec.graph import kernels, mirrors, ops

N_SRC, N_DST, HEADS, DIM = 7, 6, 3, 4


def bipartite(seed: int = 0, n_edges: int = 15) -> dgl.DGLGraph:
    """Random edges, repeated ones among them, into nodes 0..4: node 5 has no edge and source 6 none."""
    generator = torch.Generator().manual_seed(seed)
    src = torch.randint(0, N_SRC - 1, (n_edges,), generator=generator)
    dst = torch.randint(0, N_DST - 1, (n_edges,), generator=generator)
    return dgl.heterograph({("u", "r", "v"): (src, dst)}, num_nodes_dict={"u": N_SRC, "v": N_DST}, idtype=torch.int32)


def homogeneous(seed: int = 0) -> dgl.DGLGraph:
    generator = torch.Generator().manual_seed(seed)
    src, dst = torch.randint(0, N_DST - 1, (2, 12), generator=generator)
    return dgl.graph((src, dst), num_nodes=N_DST)


def block() -> dgl.DGLGraph:
    graph = bipartite(3)
    seeds = torch.tensor([0, 2, 5], dtype=torch.int32)
    return dgl.to_block(dgl.in_subgraph(graph, {"v": seeds}), {"v": seeds})["r"]


GRAPHS = {
    "bipartite": bipartite,
    "homogeneous": homogeneous,
    "block": block,
    "edgeless": lambda: bipartite(n_edges=0),
}


def incidence(graph: dgl.DGLGraph) -> tuple[Tensor, Tensor]:
    """(n_edges, n_src) and (n_edges, n_dst) dense 0/1 matrices."""
    src, dst = graph.edges(order="eid")
    return (
        torch.eye(graph.num_src_nodes(), dtype=torch.float64)[src.long()],
        torch.eye(graph.num_dst_nodes(), dtype=torch.float64)[dst.long()],
    )


def dense(name: str, graph: dgl.DGLGraph, *args: Tensor) -> Tensor:
    """The same by dense algebra over the incidence matrices."""
    at_src, at_dst = incidence(graph)
    if name == "copy_u_sum":
        return torch.einsum("ev,eu,u...->v...", at_dst, at_src, args[0])
    if name == "u_mul_e_sum":
        return torch.einsum("ev,eu,uhd,eh->vhd", at_dst, at_src, args[0], args[1].squeeze(-1))
    if name == "u_add_v":
        return torch.einsum("eu,u...->e...", at_src, args[0]) + torch.einsum("ev,v...->e...", at_dst, args[1])
    if name == "u_dot_v":
        return torch.einsum("eu,ev,uhd,vhd->eh", at_src, at_dst, *args).unsqueeze(-1)
    rows = [torch.nonzero(column).flatten() for column in at_dst.T]
    if name == "copy_u_max":
        messages = torch.einsum("eu,u...->e...", at_src, args[0])
        none = 0 * messages.sum(0)
        return torch.stack([messages[row].amax(0) if len(row) else none for row in rows])
    out = torch.zeros_like(args[0])
    for row in rows:
        out = out.index_add(0, row, args[0][row].softmax(0))
    return out


def arguments(name: str, graph: dgl.DGLGraph) -> list[Tensor]:
    shapes = {
        "u": (graph.num_src_nodes(), HEADS, DIM),
        "v": (graph.num_dst_nodes(), HEADS, DIM),
        "e": (graph.num_edges(), HEADS, 1),
    }
    ends = {"copy_u_sum": "u", "copy_u_max": "u", "u_mul_e_sum": "ue", "edge_softmax": "e"}.get(name, "uv")
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shapes[end], dtype=torch.float64, generator=generator).requires_grad_() for end in ends]


OPS = ["copy_u_sum", "copy_u_max", "u_mul_e_sum", "u_add_v", "u_dot_v", "edge_softmax"]


@pytest.mark.parametrize("kernel", ["dgl", "torch"])
@pytest.mark.parametrize("kind", GRAPHS)
@pytest.mark.parametrize("name", OPS)
def test_values_and_gradients_are_those_of_dense_algebra(name: str, kind: str, kernel: str) -> None:
    graph = GRAPHS[kind]()
    args = arguments(name, graph)
    with ops.force_torch() if kernel == "torch" else nullcontext():
        got = getattr(ops, name)(graph, *args)
    want = dense(name, graph, *args)
    assert got.shape == want.shape
    torch.testing.assert_close(got, want)
    cotangent = torch.randn(got.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    gradients = (torch.autograd.grad((out * cotangent).sum(), args) for out in (got, want))
    for of_got, of_want in zip(*gradients):
        torch.testing.assert_close(of_got, of_want)


@pytest.mark.parametrize("name", OPS)
def test_slices_of_edges_do_not_change_the_torch_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = bipartite()
    args = arguments(name, graph)
    monkeypatch.setitem(kernels._CHUNK, "cpu", HEADS * DIM * 4)
    with ops.force_torch():
        assert torch.autograd.gradcheck(lambda *x: getattr(ops, name)(graph, *x), args)


@given(st.integers(0, 10_000), st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_both_kernels_agree_on_any_graph(seed: int, n_edges: int) -> None:
    graph = bipartite(seed, n_edges)
    for name in OPS:
        args = [arg.float().detach() for arg in arguments(name, graph)]
        ours = getattr(ops, name)(graph, *args)
        with ops.force_torch():
            torch.testing.assert_close(getattr(ops, name)(graph, *args), ours)


def test_vectors_of_one_number_per_node() -> None:
    graph, x = bipartite(), torch.arange(7.0)
    want = dense("copy_u_sum", graph, x.double()).float()
    assert torch.equal(ops.copy_u_sum(graph, x), want)
    with ops.force_torch():
        assert torch.equal(ops.copy_u_sum(graph, x), want)


def test_ties_of_the_maximum_have_one_winner_under_both_kernels() -> None:
    graph = dgl.graph(([0, 1, 2], [3, 3, 3]))
    for context in (nullcontext(), ops.force_torch()):
        x = torch.tensor([[1.0], [2.0], [2.0], [0.0]], requires_grad=True)
        with context:
            ops.copy_u_max(graph, x).sum().backward()
        assert x.grad is not None
        assert x.grad.flatten().tolist() in ([0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0])


def test_forcing_torch_ends_with_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, x = bipartite(), torch.ones(N_SRC, 1)
    calls = []
    monkeypatch.setattr(kernels, "copy_u_sum", lambda edges, x: calls.append(edges) or x)
    with ops.force_torch():
        ops.copy_u_sum(graph, x)
        ops.copy_u_sum(graph, x)
    ops.copy_u_sum(graph, x)
    assert len(calls) == 2
    assert calls[0] is calls[1], "the mirror is made once"


def test_a_slice_and_its_mirror_last_as_long_as_the_graph() -> None:
    graph = bipartite()
    graph.edges["r"].data["w"] = torch.ones(graph.num_edges())
    kept = weakref.ref(mirrors.mirror(ops.relation(graph, "r"), torch.device("cpu")))
    gc.collect()
    assert mirrors.mirror(ops.relation(graph, ("u", "r", "v")), torch.device("cpu")) is kept()
    assert torch.equal(ops.relation(graph, "r").edata["w"], torch.ones(graph.num_edges()))
    with graph.local_scope():
        graph.edges["r"].data["w"] = torch.zeros(graph.num_edges())
        assert not ops.relation(graph, "r").edata["w"].any()
    del graph
    gc.collect()
    assert kept() is None


def test_a_graph_changed_in_place_is_mirrored_anew() -> None:
    graph, x = dgl.graph(([0, 1], [1, 2])), torch.tensor([[1.0], [2.0], [4.0]])
    with ops.force_torch():
        assert ops.copy_u_sum(graph, x).flatten().tolist() == [0, 1, 2]
        graph.remove_edges(torch.tensor([0]))
        graph.add_edges(torch.tensor([2]), torch.tensor([1]))
        assert ops.copy_u_sum(graph, x).flatten().tolist() == [0, 4, 2]
        assert ops.copy_u_sum(dgl.add_self_loop(graph), x).flatten().tolist() == [1, 6, 6]


def test_norms_are_degrees_to_the_minus_a_half() -> None:
    graph = bipartite()
    at_src, at_dst = incidence(graph)
    for norm, ends in zip(ops.symmetric_norm(graph), (at_src, at_dst)):
        degree = ends.sum(0)
        assert (degree == 0).any()
        want = torch.where(degree > 0, degree.clamp(min=1) ** -0.5, 0.0)
        torch.testing.assert_close(norm.double(), want, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: ops.copy_u_sum(g, torch.ones(3, 2)), r"x_src must have one row per source node \(got 3 for 7\)"),
        (lambda g: ops.edge_softmax(g, torch.ones(3, 2)), r"e must have one row per edge \(got 3 for 15\)"),
        (lambda g: ops.u_mul_e_sum(g, torch.ones(7, 2, 4), torch.ones(15, 4, 1)), r"e must be of shape \(15, 2, 1\)"),
        (lambda g: ops.u_add_v(g, torch.ones(7, 2), torch.ones(6, 1)), "must have the same dims after the first"),
    ],
)
def test_shapes_that_do_not_fit_are_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(bipartite())


def test_more_than_one_relation_is_refused() -> None:
    graph = dgl.heterograph({("u", "r", "v"): ([0], [0]), ("v", "s", "u"): ([0], [0])})
    with pytest.raises(ValueError, match="must have one relation"):
        ops.copy_u_sum(graph, torch.ones(1, 1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", OPS)
def test_features_on_a_gpu_with_the_graph_on_the_cpu(name: str) -> None:
    graph = bipartite()
    args = arguments(name, graph)
    there = [arg.detach().cuda().requires_grad_() for arg in args]
    got, want = getattr(ops, name)(graph, *there), getattr(ops, name)(graph, *args)
    torch.testing.assert_close(got.cpu(), want)
    got.square().sum().backward()
    want.square().sum().backward()
    for mine, theirs in zip(there, args):
        assert mine.grad is not None
        assert theirs.grad is not None
        torch.testing.assert_close(mine.grad.cpu(), theirs.grad)
