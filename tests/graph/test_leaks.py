"""No target can be read off the blocks: held on random graphs, with nothing known of how the loader does it."""

from __future__ import annotations

import dgl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playlistrec.errors import ConfigError
from playlistrec.graph import UniformNegatives, edge_loader

Canonical = tuple[str, str, str]


def pairs(graph: dgl.DGLGraph, etype: Canonical) -> list[tuple[int, int]]:
    return list(zip(*(ids.tolist() for ids in graph.edges(etype=etype, order="eid"))))


def leaks(graph: dgl.DGLGraph, asked: Canonical, relations: list[Canonical], loader: object) -> int:
    """Edges of the blocks that join an asked pair, in either direction, by any of the relations."""
    of = {etype: pairs(graph, etype) for etype in relations}
    found = n = 0
    for _, positive, _, blocks in loader:
        ids = positive.edges[asked].data[dgl.EID].tolist()
        wanted = {of[asked][i] for i in ids}
        n += len(ids)
        for block in blocks:
            for etype in block.canonical_etypes:
                if etype not in of:
                    continue
                there = {of[etype][i] for i in block.edges[etype].data[dgl.EID].tolist()}
                if (etype[0], etype[2]) == (asked[0], asked[2]) and etype == asked:
                    found += len(there & wanted)
                if (etype[0], etype[2]) == (asked[2], asked[0]):
                    found += len({(v, u) for u, v in there} & wanted)
    assert n, "the loader gave no edges"
    return found


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dgl.DGLGraph, Canonical, list[Canonical]]:
    """Up to three types of nodes, a relation, reverses of it in any order, and others; pairs may repeat."""
    kinds = draw(st.sampled_from([("a", "b"), ("a", "a")]))
    sizes = {"a": draw(st.integers(3, 8)), "b": draw(st.integers(2, 7)), "c": 3}
    if draw(st.booleans()):
        kinds = kinds[::-1]
    ends = st.tuples(st.integers(0, sizes[kinds[0]] - 1), st.integers(0, sizes[kinds[1]] - 1))
    edges = draw(st.lists(ends, min_size=4, max_size=25))
    asked = (kinds[0], "asked", kinds[1])
    found = {asked: edges}
    for i in range(draw(st.integers(0, 2))):
        backwards = draw(st.permutations([(v, u) for u, v in edges]))
        found[kinds[1], f"back{i}", kinds[0]] = list(backwards)[: draw(st.integers(1, len(edges)))]
    if draw(st.booleans()):
        found[kinds[0], "of", "c"] = [(u, v % 3) for u, v in edges]
        found["c", "has", kinds[0]] = [(v % 3, u) for u, v in edges]
    data = {etype: tuple(map(list, zip(*given))) for etype, given in found.items()}
    nodes = {kind: sizes[kind] for etype in data for kind in (etype[0], etype[2])}
    return dgl.heterograph(data, num_nodes_dict=nodes), asked, [e for e in data if e[1] not in ("of", "has")]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=graphs(), layers=st.integers(1, 2), fanout=st.sampled_from([-1, 2]), seed=st.integers(0, 9))
def test_no_asked_edge_nor_its_reverse_is_in_a_block(
    case: tuple[dgl.DGLGraph, Canonical, list[Canonical]], layers: int, fanout: int, seed: int
) -> None:
    graph, asked, relations = case
    torch.manual_seed(seed)
    loader = edge_loader(graph, asked, [fanout] * layers, 3, UniformNegatives.from_graph(graph, asked))
    assert leaks(graph, asked, relations, loader) == 0


def movies(seed: int = 0) -> dgl.DGLGraph:
    torch.manual_seed(seed)
    user, movie = torch.nonzero(torch.rand(20, 15) < 0.3).T
    edges = {("user", "rates", "movie"): (user, movie), ("movie", "rated_by", "user"): (movie, user)}
    return dgl.heterograph(edges, num_nodes_dict={"user": 20, "movie": 15})


RATES, RATED_BY = ("user", "rates", "movie"), ("movie", "rated_by", "user")


@pytest.mark.parametrize(
    "reverse",
    [None, {"rates": "rated_by"}, {"rated_by": "rates"}, {RATES: RATED_BY}, {RATES: "rated_by"}, {"rates": RATED_BY}],
)
def test_reverse_relations_by_name_and_by_canonical_type(reverse: dict | None) -> None:
    graph = movies()
    negatives = UniformNegatives.from_graph(graph, "rates")
    loader = edge_loader(graph, "rates", [-1], 8, negatives, reverse_etypes=reverse)
    assert leaks(graph, RATES, [RATES, RATED_BY], loader) == 0


def test_no_reverse_can_be_said_and_is_warned_of() -> None:
    graph = movies()
    negatives = UniformNegatives.from_graph(graph, "rates")
    with pytest.warns(UserWarning, match=r"\d+ edges of 'rated_by' join pairs of 'rates'.*exclude=\['rated_by'\]"):
        loader = edge_loader(graph, "rates", [-1], 8, negatives, reverse_etypes={})
    assert leaks(graph, RATES, [RATES, RATED_BY], loader) == graph.num_edges("rates")


def test_a_reverse_relation_within_one_type() -> None:
    torch.manual_seed(0)
    src, dst = torch.nonzero(torch.rand(20, 20) < 0.2).T
    edges = {("user", "follows", "user"): (src, dst), ("user", "followed_by", "user"): (dst, src)}
    graph = dgl.heterograph(edges, num_nodes_dict={"user": 20})
    both = {"follows": "followed_by", "followed_by": "follows"}
    for reverse in (None, both, {"follows": "followed_by"}):
        negatives = UniformNegatives.from_graph(graph, "follows")
        loader = edge_loader(graph, "follows", [-1], 4, negatives, reverse_etypes=reverse)
        assert leaks(graph, ("user", "follows", "user"), graph.canonical_etypes, loader) == 0


def parallel() -> dgl.DGLGraph:
    graph = movies()
    user, movie = graph.edges(etype="rates")
    edges = {e: graph.edges(etype=e) for e in graph.canonical_etypes}
    edges |= {
        ("user", "likes", "movie"): (user[::3], movie[::3]),
        ("movie", "liked_by", "user"): (movie[::3], user[::3]),
    }
    return dgl.heterograph(edges, num_nodes_dict={"user": 20, "movie": 15})


def repeated(graph: dgl.DGLGraph, loader: object, etype: str) -> int:
    of = {one: pairs(graph, graph.to_canonical_etype(one)) for one in ("rates", etype)}
    found = 0
    for _, positive, _, (block,) in loader:
        wanted = {of["rates"][i] for i in positive.edges["rates"].data[dgl.EID].tolist()}
        there = {of[etype][i] for i in block.edges[etype].data[dgl.EID].tolist()}
        found += len(wanted & (there if etype == "likes" else {(v, u) for u, v in there}))
    return found


def test_parallel_relations_are_warned_of_and_left_out_when_named() -> None:
    graph = parallel()
    negatives = UniformNegatives.from_graph(graph, "rates")
    with pytest.warns(UserWarning, match="edges of 'likes' join pairs of 'rates'"):
        loader = edge_loader(graph, "rates", [-1], 8, negatives)
    assert repeated(graph, loader, "likes") > 0
    loader = edge_loader(graph, "rates", [-1], 8, negatives, exclude=["likes"])
    assert repeated(graph, loader, "likes") == repeated(graph, loader, "liked_by") == 0


def test_repeated_pairs_are_left_out_together() -> None:
    graph = dgl.heterograph({("u", "r", "v"): ([0, 0, 1, 0], [0, 0, 1, 1]), ("v", "s", "u"): ([0, 1, 0], [0, 0, 1])})
    loader = edge_loader(graph, "r", [-1], 1, UniformNegatives.from_graph(graph, "r"))
    assert leaks(graph, ("u", "r", "v"), graph.canonical_etypes, loader) == 0


def test_held_out_edges_pass_no_messages_and_are_negatives() -> None:
    graph = movies()
    order = torch.randperm(graph.num_edges("rates"))
    valid, train = order[:30], order[30:]
    negatives = UniformNegatives.from_graph(graph, "rates", exclude_eids=valid)
    loader = edge_loader(graph, "rates", [-1, -1], 8, negatives, edges=train, exclude_eids=valid)
    passed, drawn = set(), set()
    for _, positive, negative, blocks in [batch for _ in range(20) for batch in loader]:
        assert not set(positive.edges["rates"].data[dgl.EID].tolist()) & set(valid.tolist())
        for block in blocks:
            ids = block.edges["rated_by"].data[dgl.EID]
            passed |= set(ids.tolist())
            movie, user = block.edges(etype="rated_by")
            at = block.srcnodes["movie"].data[dgl.NID][movie], block.dstnodes["user"].data[dgl.NID][user]
            assert torch.equal(torch.stack(at), torch.stack(graph.find_edges(ids, etype="rated_by"))), (
                "ids of the graph"
            )
        user, movie = negative.edges(etype="rates")
        drawn |= set(
            zip(
                negative.nodes["user"].data[dgl.NID][user].tolist(),
                negative.nodes["movie"].data[dgl.NID][movie].tolist(),
            )
        )
    assert not passed & set(valid.tolist())
    assert passed == set(train.tolist())
    assert drawn & {pairs(graph, RATES)[i] for i in valid.tolist()}


def test_edges_left_out_unsaid_are_warned_of() -> None:
    graph = movies()
    negatives = UniformNegatives.from_graph(graph, "rates")
    with pytest.warns(UserWarning, match="edges leaves out 5 of .* give exclude_eids"):
        edge_loader(graph, "rates", [2], 8, negatives, edges=torch.arange(5, graph.num_edges("rates")))
    with pytest.warns(UserWarning, match="the negatives spare 5 edges of exclude_eids"):
        edge_loader(graph, "rates", [2], 8, negatives, exclude_eids=torch.arange(5))


def test_negatives_of_another_relation_are_refused() -> None:
    graph = parallel()
    with pytest.raises(ConfigError, match=r"the negatives of rates must be made of .* targets could be drawn"):
        edge_loader(graph, "rates", [3], 8, UniformNegatives.from_graph(graph, "likes"))
    with pytest.raises(ConfigError, match="the negatives of rates must be of 20 sources and 15 destinations"):
        edge_loader(graph, "rates", [3], 8, UniformNegatives.from_graph(graph, "rated_by"))
