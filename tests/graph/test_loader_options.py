"""Options of the edge loader: what DGL's loader and samplers take, several relations, masks, formats, workers."""

from __future__ import annotations

from typing import Any

import dgl
import numpy as np
import pytest
import torch
from dgl.dataloading import DataLoader, NeighborSampler, as_edge_prediction_sampler
from torch import Tensor

from playlistrec.errors import ConfigError
from playlistrec.graph import (
    HeteroNegatives,
    NegativeSampler,
    PopularityNegatives,
    TwoHopNegatives,
    UniformNegatives,
    edge_loader,
    relation_norms,
    seeded,
)
from playlistrec.graph.negatives.hard import PoolNegatives


def movies() -> dgl.DGLGraph:
    generator = torch.Generator().manual_seed(0)
    user, movie = torch.nonzero(torch.rand(20, 15, generator=generator) < 0.3).T
    a, c = torch.nonzero(torch.rand(15, 6, generator=generator) < 0.5).T
    edges = {
        ("user", "rates", "movie"): (user, movie),
        ("movie", "rated_by", "user"): (movie, user),
        ("movie", "has", "genre"): (a, c),
        ("genre", "of", "movie"): (c, a),
    }
    graph = dgl.heterograph(edges, num_nodes_dict={"user": 20, "movie": 15, "genre": 6})
    for etype in graph.etypes:
        graph.edges[etype].data["w"] = torch.ones(graph.num_edges(etype))
    return graph


def loaded(graph: dgl.DGLGraph, fanouts: Any = (2,), **options: Any) -> list[Any]:
    return list(edge_loader(graph, "rates", fanouts, 8, UniformNegatives.from_graph(graph, "rates"), **options))


@pytest.mark.parametrize(
    "form", [lambda x: x, lambda x: x.numpy(), lambda x: x.tolist()], ids=["torch", "numpy", "list"]
)
def test_edges_as_a_mask_and_as_ids(form: Any) -> None:
    graph = movies()
    mask = torch.zeros(graph.num_edges("rates"), dtype=torch.bool)
    mask[5:9] = True
    for edges in (form(mask), form(torch.tensor([8, 7, 6, 5]))):
        with pytest.warns(UserWarning, match="edges leaves out"):
            batches = loaded(graph, edges=edges)
        assert sorted(i for _, p, _, _ in batches for i in p.edges["rates"].data[dgl.EID].tolist()) == [5, 6, 7, 8]
    with pytest.warns(UserWarning, match="edges leaves out"):
        assert loaded(graph, edges=form(torch.zeros(0, dtype=torch.int64))) == []


@pytest.mark.parametrize(
    "options",
    [
        *({"device": "cpu"}, {"use_uva": False}, {"use_ddp": False}, {"replace": True}, {"prob": "w"}),
        *({"exclude_eids": None}, {"exclude_eids": np.arange(3)}, {"sampler": None}),
        {"sampler": dgl.dataloading.MultiLayerFullNeighborSampler(1)},
        {"sampler": dgl.dataloading.LaborSampler([2])},
    ],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.filterwarnings("ignore:the negatives spare")
def test_options_of_dgl_are_passed_on(options: dict[str, Any]) -> None:
    graph = movies()
    batches = loaded(graph, **options)
    assert len(batches) == -(-graph.num_edges("rates") // 8)


def test_drop_last_drops_the_last_batch() -> None:
    graph = movies()
    n = graph.num_edges("rates")
    assert n % 8
    loader = edge_loader(graph, "rates", [2], 8, UniformNegatives.from_graph(graph, "rates"), drop_last=True)
    assert len(loader) == len(list(loader)) == n // 8


def test_fanouts_by_relation() -> None:
    graph = movies()
    for _, _, _, (block,) in loaded(graph, [{"rated_by": 3, ("user", "rates", "movie"): 1}]):
        assert block.in_degrees(etype="rated_by").max() <= 3
        assert block.in_degrees(etype="rates").max() <= 1
        assert block.num_edges("of") == 0
    with pytest.raises(ConfigError, match="fanouts must be -1 or above 0"):
        loaded(graph, [{"rates": -2}])


def test_zero_probability_is_never_sampled() -> None:
    graph = movies()
    graph.edges["rated_by"].data["w"][::2] = 0
    for _, _, _, (block,) in loaded(graph, [3], prob="w"):
        assert (block.edges["rated_by"].data[dgl.EID] % 2 == 1).all()


@pytest.mark.parametrize("formats", ["csc", "csr", "coo", ["csc", "csr"]])
def test_graphs_kept_in_one_format(formats: Any) -> None:
    graph, kept = movies(), movies().formats(formats)
    for sampler in (UniformNegatives, PopularityNegatives, TwoHopNegatives):
        negatives = [sampler.from_graph(g, "rates", k=2) for g in (graph, kept)]
        assert torch.equal(*(torch.stack(n.edges.pairs()) for n in negatives))
    batches = []
    for g in (graph, kept):
        with seeded(1):
            batches.append([p.edges["rates"].data[dgl.EID].tolist() for _, p, _, _ in loaded(g, [-1])])
    assert batches[0] == batches[1]
    for norms in zip(relation_norms(graph).values(), relation_norms(kept).values()):
        torch.testing.assert_close(*norms)


def test_several_relations_at_once() -> None:
    graph = movies()
    samplers = {etype: UniformNegatives.from_graph(graph, etype, k=2) for etype in ("rates", "has")}
    n = graph.num_edges("rates") + graph.num_edges("has")
    loader = edge_loader(graph, ["rates", "has"], [3], 16, samplers)
    assert len(loader) == -(-n // 16)
    asked = {"rates": 0, "has": 0}
    for _, positive, negative, (block,) in loader:
        for etype, back in (("rates", "rated_by"), ("has", "of")):
            ids = positive.edges[etype].data[dgl.EID]
            asked[etype] += len(ids)
            assert negative.num_edges(etype) == 2 * len(ids)
            assert not set(ids.tolist()) & set(block.edges[back].data[dgl.EID].tolist())
    assert asked == {etype: graph.num_edges(etype) for etype in asked}
    with pytest.raises(ConfigError, match="negatives must be a dictionary by relation, for rates, has"):
        edge_loader(graph, ["rates", "has"], [3], 16, samplers["rates"])
    with pytest.raises(ConfigError, match="negatives must be given for has"):
        edge_loader(graph, ["rates", "has"], [3], 16, {"rates": samplers["rates"]})


def test_several_relations_in_dgl_s_own_loader() -> None:
    graph = movies()
    samplers = {etype: UniformNegatives.from_graph(graph, etype, k=2) for etype in ("rates", "has")}
    indices = {etype: torch.arange(graph.num_edges(etype)) for etype in samplers}
    stock = as_edge_prediction_sampler(NeighborSampler([3], fused=False), negative_sampler=HeteroNegatives(samplers))
    batches = list(DataLoader(graph, indices, stock, batch_size=16, shuffle=True))
    assert sum(n.num_edges("has") for _, _, n, _ in batches) == 2 * graph.num_edges("has")
    one = as_edge_prediction_sampler(NeighborSampler([3], fused=False), negative_sampler=samplers["rates"])
    with pytest.raises(ValueError, match=r"one relation .*HeteroNegatives"):
        list(DataLoader(graph, indices, one, batch_size=100))


class First(NegativeSampler):
    """Always destination 0."""

    k = 1

    def sample(self, src: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.zeros(len(src), 1, dtype=torch.int64)


@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning", "ignore:edges leaves out")
def test_workers_draw_different_neighbours_and_repeat_under_a_seed(workers: int) -> None:
    torch.manual_seed(0)
    user, movie = torch.nonzero(torch.rand(60, 40) < 0.4).T
    graph = dgl.heterograph({("user", "rates", "movie"): (user, movie), ("movie", "rated_by", "user"): (movie, user)})
    edges = torch.randperm(len(user))[:64].repeat(8)  # the same 64 edges in each batch
    loader = edge_loader(graph, "rates", [2], 64, First(), shuffle=False, num_workers=workers, edges=edges)
    epochs = []
    for _ in range(2):
        with seeded(3):
            epochs.append([sorted(b.edges["rated_by"].data[dgl.EID].tolist()) for *_, (b,) in loader])
    assert epochs[0] == epochs[1]
    assert len({tuple(drawn) for drawn in epochs[0]}) == 8


@pytest.mark.parametrize("sampler", [UniformNegatives, PopularityNegatives, TwoHopNegatives, PoolNegatives])
def test_a_node_is_not_its_own_negative(sampler: Any) -> None:
    torch.manual_seed(0)
    src = torch.arange(6).repeat_interleave(2)
    graph = dgl.graph((src, (src + torch.tensor([1, 2] * 6)) % 6))
    negatives = sampler.from_graph(graph, k=40)
    if sampler is PoolNegatives:
        negatives.refresh(torch.eye(6), torch.eye(6), share=0.2)  # its own vector is the nearest
    drawn = negatives.sample(torch.arange(6))
    assert not (drawn == torch.arange(6)[:, None]).any()
    assert not graph.has_edges_between(torch.arange(6).repeat_interleave(40), drawn.flatten()).any()


@pytest.mark.parametrize("sampler", [UniformNegatives, PopularityNegatives, TwoHopNegatives])
def test_a_source_that_holds_everything_does_not_stop_an_epoch(sampler: Any) -> None:
    full = torch.zeros(4, dtype=torch.int64), torch.arange(4)
    src, dst = (torch.cat([ends, torch.tensor(more)]) for ends, more in zip(full, ([1, 2, 2], [0, 1, 3])))
    graph = dgl.heterograph({("user", "rates", "movie"): (src, dst)}, num_nodes_dict={"user": 3, "movie": 4})
    negatives = sampler.from_graph(graph, "rates", k=3)
    assert 0 <= negatives.sample(torch.tensor([0, 1])).min() <= negatives.sample(torch.tensor([0, 1])).max() < 4
    for _, positive, negative, _ in edge_loader(graph, "rates", [2], 2, negatives):
        user, movie = (positive.nodes[kind].data[dgl.NID] for kind in ("user", "movie"))
        pairs = [(user[u].item(), movie[m].item()) for u, m in zip(*positive.edges(etype="rates"))]
        drawn = [(user[u].item(), movie[m].item()) for u, m in zip(*negative.edges(etype="rates"))]
        for i, (source, target) in enumerate(pairs):
            for s, t in drawn[3 * i : 3 * i + 3]:
                assert s == source
                assert (t == target) if source == 0 else not graph.has_edges_between(s, t, etype="rates")
