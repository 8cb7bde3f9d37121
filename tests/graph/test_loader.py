"""Batches of edges: nothing asked can be read off, and a seed repeats them."""

from __future__ import annotations

import warnings

import dgl
import numpy as np
import pytest
import torch
from dgl.utils import get_num_threads, set_num_threads

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.graph.build import REVERSE, build_graph
from playlistrec.graph.loader import edge_loader
from playlistrec.graph.negatives.random import UniformNegatives
from playlistrec.graph.norms import block_norms, relation_norms
from playlistrec.graph.seeding import seeded


def movies(n_users: int = 30, n_movies: int = 20, seed: int = 0) -> dgl.DGLGraph:
    """Somebody else's graph: users rate movies, and movies have genres."""
    generator = torch.Generator().manual_seed(seed)
    user, movie = torch.nonzero(torch.rand(n_users, n_movies, generator=generator) < 0.3).T
    return dgl.heterograph(
        {
            ("user", "rates", "movie"): (user, movie),
            ("movie", "rated by", "user"): (movie, user),
            ("genre", "of", "movie"): (torch.arange(n_movies) % 3, torch.arange(n_movies)),
        },
        num_nodes_dict={"user": n_users + 1, "movie": n_movies, "genre": 3},
    )


PAIR = {"rates": "rated by", "rated by": "rates"}


def named(graph: dgl.DGLGraph, etype: str) -> set[tuple[int, int]]:
    """The edges of a block or pair graph as pairs of the full graph's ids."""
    source, _, target = graph.to_canonical_etype(etype)
    src, dst = graph.edges(etype=etype)
    u = graph.srcnodes[source].data[dgl.NID][src.long()]
    v = graph.dstnodes[target].data[dgl.NID][dst.long()]
    return set(zip(u.tolist(), v.tolist()))


def named_full(graph: dgl.DGLGraph, etype: str | None = None) -> set[tuple[int, int]]:
    src, dst = graph.edges(etype=etype)
    return set(zip(src.tolist(), dst.tolist()))


@pytest.mark.parametrize("fanouts", [[-1], [4, 3]])
@pytest.mark.parametrize("workers", [0, 1])
def test_no_edge_of_a_batch_nor_its_reverse_is_in_its_blocks(fanouts: list[int], workers: int) -> None:
    graph = movies()
    every = named_full(graph, "rates")
    negatives = UniformNegatives.from_graph(graph, "rates", k=2)
    loader = edge_loader(graph, "rates", fanouts, 16, negatives, reverse_etypes=PAIR, num_workers=workers)
    asked: list[tuple[int, int]] = []
    for _, positive, negative, blocks in loader:
        pairs = named(positive, "rates")
        asked += pairs
        assert pairs <= every
        assert not named(negative, "rates") & every
        assert negative.num_edges("rates") == 2 * positive.num_edges("rates")
        assert len(blocks) == len(fanouts)
        for block in blocks:
            assert not named(block, "rates") & pairs
            assert not {(u, m) for m, u in named(block, "rated by")} & pairs
            assert named(block, "rates") <= every
        if fanouts == [-1]:
            users = blocks[0].dstnodes["user"].data[dgl.NID].tolist()
            rest = {(m, u) for u, m in every - pairs if u in users}
            assert named(blocks[0], "rated by") == rest, "all other neighbours are there"
    assert sorted(asked) == sorted(every)


def test_our_own_graph_and_a_subset_of_its_edges() -> None:
    lists = [[str(track) for track in range(p % 5, 40, p + 2)] for p in range(12)]
    graph = build_graph(Corpus.from_lists(lists, {str(track): str(track % 4) for track in range(40)}))
    every = {etype: named_full(graph, etype) for etype in graph.etypes}
    some = torch.arange(0, graph.num_edges("contains"), 3)
    negatives = UniformNegatives.from_graph(graph, "contains")
    loader = edge_loader(graph, "contains", [5, 5], 8, negatives, reverse_etypes=REVERSE, edges=some)
    for seed in range(10):
        seen = []
        with seeded(seed):
            for _, positive, _, blocks in loader:
                seen += positive.edges["contains"].data[dgl.EID].tolist()
                pairs = named(positive, "contains")
                for block in blocks:
                    assert all(named(block, etype) <= every[etype] for etype in block.etypes)
                    assert not {(t, p) for p, t in pairs} & named(block, "in")
                    assert not pairs & named(block, "contains")
        assert sorted(seen) == some.tolist()


def test_a_homogeneous_graph_excludes_the_reverse_edges_it_has() -> None:
    generator = torch.Generator().manual_seed(0)
    graph = dgl.graph(tuple(torch.nonzero(torch.rand(15, 15, generator=generator) < 0.4).T))
    every = named_full(graph)
    loader = edge_loader(graph, None, [-1, -1], 10, UniformNegatives.from_graph(graph))
    both = 0
    for _, positive, negative, blocks in loader:
        pairs = named(positive, "_E")
        reverse = {(v, u) for u, v in pairs} & every
        both += len(reverse - pairs)
        assert not named(negative, "_E") & every
        for block in blocks:
            assert not named(block, "_E") & (pairs | reverse)
    assert both, "the graph has edges both ways"


def test_a_relation_among_one_type_of_a_heterograph() -> None:
    graph = dgl.heterograph(
        {("user", "knows", "user"): ([0, 1, 2, 0], [1, 0, 0, 2]), ("user", "rates", "movie"): ([0, 1], [0, 1])}
    )
    loader = edge_loader(graph, "knows", [-1], 1, UniformNegatives.from_graph(graph, "knows"))
    for _, positive, _, (block,) in loader:
        ((u, v),) = named(positive, "knows")
        assert not {(u, v), (v, u)} & named(block, "knows")


def batches(seed: int, workers: int = 0) -> list[list[int]]:
    graph = movies()
    negatives = UniformNegatives.from_graph(graph, "rates", k=2)
    loader = edge_loader(graph, "rates", [3, 3], 32, negatives, reverse_etypes=PAIR, num_workers=workers)
    with seeded(seed):
        return [
            [
                *positive.edges["rates"].data[dgl.EID].tolist(),
                *(x for pair in sorted(named(negative, "rates")) for x in pair),
                *(x for block in blocks for pair in sorted(named(block, "rates")) for x in pair),
            ]
            for _, positive, negative, blocks in loader
        ]


@pytest.mark.parametrize("workers", [0, 1])
def test_same_seed_same_batches(workers: int) -> None:
    assert batches(5, workers) == batches(5, workers)
    assert batches(5, workers) != batches(6, workers)


def test_an_epoch_does_not_depend_on_those_before_it() -> None:
    graph = movies()
    negatives = UniformNegatives.from_graph(graph, "rates")
    loader = edge_loader(graph, "rates", [2], 32, negatives, reverse_etypes=PAIR)

    def order(seed: int) -> list[int]:
        with seeded(seed):
            return [i for _, positive, _, _ in loader for i in positive.edges["rates"].data[dgl.EID].tolist()]

    first, second, again = order(1), order(2), order(1)
    assert first == again
    assert first != second
    assert len(loader) == -(-graph.num_edges("rates") // 32) == len(list(loader))


def test_batches_do_not_depend_on_the_number_of_threads() -> None:
    graph = movies(600, 200)
    negatives = UniformNegatives.from_graph(graph, "rates")
    some = torch.arange(0, graph.num_edges("rates"), 9)

    def sampled(threads: int) -> list[list[int]]:
        loader = edge_loader(graph, "rates", [5, 5], 512, negatives, reverse_etypes=PAIR, edges=some)
        before = get_num_threads()
        set_num_threads(threads)
        try:
            with seeded(1):
                return [
                    block.edges[etype].data[dgl.EID].tolist()
                    for _, _, _, blocks in loader
                    for block in blocks
                    for etype in block.etypes
                ]
        finally:
            set_num_threads(before)

    assert sampled(1) == sampled(2) == sampled(2)


def test_the_loader_is_silent_and_can_keep_the_order() -> None:
    graph = movies()
    negatives = UniformNegatives.from_graph(graph, "rates")
    loader = edge_loader(graph, "rates", [2], 32, negatives, reverse_etypes=PAIR, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = list(loader)
    asked = [i for _, positive, _, _ in batches for i in positive.edges["rates"].data[dgl.EID].tolist()]
    assert asked == list(range(graph.num_edges("rates")))


def test_seeding_gives_the_states_back() -> None:
    def states() -> list[object]:
        return [torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()]  # noqa: NPY002

    before = states()
    with seeded(2**40):
        inside = states()
    assert states() == before

    def fail() -> None:
        with seeded(2**40):
            assert states() == inside
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert states() == before
    assert all(mine != theirs for mine, theirs in zip(inside, before))


def test_blocks_get_the_norms_of_the_full_graph() -> None:
    graph = movies()
    degree_norms = relation_norms(graph)
    degree = torch.bincount(graph.edges(etype="rates")[0], minlength=graph.num_nodes("user"))
    assert degree[-1] == 0
    negatives = UniformNegatives.from_graph(graph, "rates")
    loader = edge_loader(graph, "rates", [2], 8, negatives, reverse_etypes=PAIR)
    _, _, _, (block,) = next(iter(loader))
    src, dst = block_norms(block, degree_norms)["rated by"]
    assert len(src) == block.num_src_nodes("movie")
    users = block.dstnodes["user"].data[dgl.NID]
    full = torch.where(degree[users] > 0, degree[users].clamp(min=1) ** -0.5, 0.0)
    sampled = block.in_degrees(etype="rated by").clamp(min=1)
    torch.testing.assert_close(dst, full * degree[users] / sampled)
    assert set(block_norms(block, {"rates": degree_norms["rates"]})) == {"rates"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fanouts": [0]}, "fanouts must be -1 or above 0"),
        ({"fanouts": []}, "fanouts must be -1 or above 0"),
        ({"batch_size": 0}, "batch_size must be above 0"),
        ({"reverse_etypes": {"rates": "of"}}, "the reverse of rates must be a relation from movie to user"),
        ({"reverse_etypes": {"rate": "rated by"}}, r"a relation must be .* \(did you mean 'rates'\?\)"),
        ({"exclude": ["liked"]}, "a relation must be one of the graph's"),
        ({"edges": torch.tensor([0.5])}, "edges must be a list of edge ids or a boolean mask"),
        ({"edges": [10**6]}, "edges must be ids in 0"),
        ({"edges": torch.ones(3, dtype=torch.bool)}, "edges must be a mask of the"),
        ({"edges": [[0]]}, "edges must be a list of edge ids or a boolean mask"),
    ],
)
def test_bad_options(changes: dict, message: str) -> None:
    graph = movies()
    options = {"fanouts": [2], "batch_size": 4, "reverse_etypes": PAIR, **changes}
    with pytest.raises(ConfigError, match=message):
        edge_loader(graph, "rates", negatives=UniformNegatives.from_graph(graph, "rates"), **options)
