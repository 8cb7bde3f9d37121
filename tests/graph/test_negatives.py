"""Negatives: never a training edge from any sampler, and the right destinations as often as they should be."""

from __future__ import annotations

import pickle

import dgl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from playlistrec.errors import ConfigError
from playlistrec.graph.loader import edge_loader
from playlistrec.graph.negatives.hard import PoolNegatives
from playlistrec.graph.negatives.random import NonEdgeSampler, PopularityNegatives, UniformNegatives
from playlistrec.graph.negatives.structural import SameGroupNegatives, TwoHopNegatives
from playlistrec.graph.seeding import seeded

SAMPLERS = ["uniform", "popularity", "pool", "same group", "two hops"]

edges = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40)


def sampler(pairs: list[tuple[int, int]], n_src: int = 5, n_dst: int = 7, k: int = 200) -> UniformNegatives:
    src, dst = torch.tensor(pairs, dtype=torch.int32).view(-1, 2).T
    return UniformNegatives(src, dst, n_src, n_dst, k)


def make(name: str, src: torch.Tensor, dst: torch.Tensor, n_src: int, n_dst: int, k: int) -> NonEdgeSampler:
    """One of each kind; pools refreshed with random vectors, and groups of three of which one is none."""
    if name == "pool":
        pools = PoolNegatives(src, dst, n_src, n_dst, k, pool_size=3)
        generator = torch.Generator().manual_seed(0)
        pools.refresh(
            torch.randn(n_src, 2, generator=generator), torch.randn(n_dst, 2, generator=generator), 0.5, generator
        )
        return pools
    if name == "same group":
        return SameGroupNegatives(src, dst, n_src, n_dst, torch.arange(n_dst) // 3 - 1, k)
    kinds = {"uniform": UniformNegatives, "popularity": PopularityNegatives, "two hops": TwoHopNegatives}
    return kinds[name](src, dst, n_src, n_dst, k)


@pytest.mark.parametrize("name", SAMPLERS)
@given(pairs=edges)
@settings(max_examples=25, deadline=None)
def test_no_sampler_draws_a_training_edge(name: str, pairs: list[tuple[int, int]]) -> None:
    src, dst = torch.tensor(pairs, dtype=torch.int32).view(-1, 2).T
    negatives = make(name, src, dst, 5, 7, k=30)
    full = [u for u in range(5) if len({v for s, v in pairs if s == u}) == 7]
    asked = torch.tensor([u for u in range(5) if u not in full] * 2)
    drawn = negatives.sample(asked, torch.Generator().manual_seed(0))
    assert drawn.shape == (len(asked), 30)
    assert drawn.dtype == torch.int64
    assert set(drawn.flatten().tolist()) <= set(range(7))
    assert not {(u, v) for u, row in zip(asked.tolist(), drawn.tolist()) for v in row} & set(pairs)
    anything = negatives.sample(torch.tensor(full, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert set(anything.flatten().tolist()) <= set(range(7))


@pytest.mark.parametrize("name", SAMPLERS)
def test_sources_with_nearly_all_destinations_taken(name: str) -> None:
    n = 300
    holes = torch.randint(n, (40, 2), generator=torch.Generator().manual_seed(0))
    joined = torch.ones(41, n, dtype=torch.bool)
    joined[torch.arange(40)[:, None], holes] = False
    joined[40] = False  # and one with none taken
    negatives = make(name, *torch.nonzero(joined).T, 41, n, k=50)
    drawn = negatives.sample(torch.arange(41), torch.Generator().manual_seed(0))
    assert not joined.gather(1, drawn).any()


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_repeats_by_generator_and_touches_nothing_global(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    src, dst = torch.nonzero(torch.rand(20, 60, generator=generator) < 0.2).T
    negatives, asked = make(name, src, dst, 20, 60, k=6), torch.arange(20, dtype=torch.int32).repeat(3)
    before = torch.get_rng_state()
    first, again = (negatives.sample(asked, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, negatives.sample(asked, torch.Generator().manual_seed(4)))
    assert not torch.equal(first[:20], first[20:40]), "draws for a repeated source are independent"
    assert torch.equal(torch.get_rng_state(), before)
    copy = pickle.loads(pickle.dumps(negatives))
    assert torch.equal(copy.sample(asked, torch.Generator().manual_seed(3)), first)


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_draw_waits_for_a_value(name: str) -> None:
    """Tensors without values can be drawn with, so the host reads none; that no source is full is known before."""
    src, dst = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 2, 1])
    negatives = make(name, src, dst, 4, 9, k=5)
    drawn = negatives.sample(torch.empty(8, dtype=torch.int64, device="meta"))
    assert drawn.shape == (8, 5)
    assert drawn.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_holds_on_a_gpu(name: str) -> None:
    joined = torch.rand(50, 80, generator=torch.Generator().manual_seed(0)) < 0.3
    negatives = make(name, *torch.nonzero(joined).T, 50, 80, k=40)
    asked, generator = torch.arange(50, device="cuda"), torch.Generator("cuda")
    negatives.sample(asked, generator)  # the tables are copied now
    torch.cuda.set_sync_debug_mode("error")
    try:
        drawn = negatives.sample(asked, generator.manual_seed(0))
        again = negatives.sample(asked, generator.manual_seed(0))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert drawn.device == asked.device
    assert torch.equal(drawn, again)
    assert not joined.gather(1, drawn.cpu()).any()


@pytest.mark.parametrize("idtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_serves_dgls_loader(name: str, idtype: torch.dtype) -> None:
    joined = torch.rand(12, 15, generator=torch.Generator().manual_seed(0)) < 0.4
    user, movie = torch.nonzero(joined).T
    graph = dgl.heterograph(
        {("user", "rates", "movie"): (user, movie), ("movie", "rated by", "user"): (movie, user)},
        num_nodes_dict={"user": 12, "movie": 15},
        idtype=idtype,
    )
    loader = edge_loader(
        graph, "rates", [2], 10, make(name, user, movie, 12, 15, k=3), reverse_etypes={"rates": "rated by"}
    )
    with seeded(0):
        for _, positive, negative, _ in loader:
            src, dst = negative.edges(etype="rates")
            assert src.dtype == dst.dtype == idtype
            u, v = negative.nodes["user"].data[dgl.NID][src.long()], negative.nodes["movie"].data[dgl.NID][dst.long()]
            assert len(u) == 3 * positive.num_edges("rates")
            assert not joined[u.long(), v.long()].any()


def test_from_graph_passes_options_on() -> None:
    graph = dgl.heterograph({("u", "r", "v"): ([0, 1, 1], [0, 0, 1])}, num_nodes_dict={"u": 2, "v": 4})
    group = torch.tensor([0, 0, 1, 0])
    drawn = SameGroupNegatives.from_graph(graph, "r", k=500, group=group).sample(torch.tensor([1]))
    assert int((drawn == 3).sum()) > 400
    evenly = PopularityNegatives.from_graph(graph, "r", k=60, power=0)
    assert set(evenly.sample(torch.tensor([1])).flatten().tolist()) == {2, 3}


@given(edges)
@settings(max_examples=40, deadline=None)
def test_draws_are_exactly_the_complement(pairs: list[tuple[int, int]]) -> None:
    negatives = sampler(pairs)
    for source in range(5):
        complement = set(range(7)) - {v for u, v in pairs if u == source}
        if complement:
            drawn = negatives.sample(torch.tensor([source]), torch.Generator().manual_seed(0))
            assert set(drawn.flatten().tolist()) == complement


def test_draws_are_uniform_for_every_source_of_a_batch() -> None:
    pairs = [(0, 3), (1, 0), (1, 1), (1, 6), (2, 0), (2, 2), (2, 4), (2, 6), (4, 5)]
    drawn = sampler(pairs, k=7000).sample(torch.tensor([2, 0, 4, 1, 3]), torch.Generator().manual_seed(0))
    for source, row in zip([2, 0, 4, 1, 3], drawn):
        free = [v for v in range(7) if (source, v) not in pairs]
        counts = torch.bincount(row, minlength=7)
        assert int(counts[free].sum()) == 7000
        assert stats.chisquare(counts[free].numpy()).pvalue > 1e-3


def test_same_generator_same_draws_and_nothing_global_is_touched() -> None:
    negatives, src = sampler([(0, 1), (2, 2)], k=5), torch.arange(5).repeat(4)
    before = torch.get_rng_state()
    first, again = (negatives.sample(src, torch.Generator().manual_seed(3)) for _ in range(2))
    other = negatives.sample(src, torch.Generator().manual_seed(4))
    assert first.shape == (20, 5)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(pickle.loads(pickle.dumps(negatives)).sample(src, torch.Generator().manual_seed(3)), first)


def test_one_negative_left_among_a_million_destinations() -> None:
    n, hole = 1_000_000, 123_456
    dst = torch.arange(n)
    negatives = UniformNegatives(torch.zeros(n - 1), dst[dst != hole], 1, n, k=3)
    assert negatives.sample(torch.tensor([0])).tolist() == [[hole] * 3]


def test_keys_beyond_32_bits() -> None:
    n = 3_000_000
    negatives = UniformNegatives(torch.tensor([n - 1]), torch.tensor([n - 1]), n, n, k=4)
    drawn = negatives.sample(torch.tensor([n - 1, 0], dtype=torch.int32), torch.Generator().manual_seed(0))
    assert int(drawn.min()) >= 0
    assert int(drawn.max()) < n
    assert len(torch.unique(drawn)) == 8


def test_dgls_convention() -> None:
    graph = dgl.heterograph(
        {("u", "r", "v"): ([0, 0, 1, 2], [0, 1, 1, 2]), ("v", "s", "u"): ([0], [0])},
        num_nodes_dict={"u": 3, "v": 4},
        idtype=torch.int32,
    )
    negatives = UniformNegatives.from_graph(graph, "r", k=3)
    got = negatives(graph, {("u", "r", "v"): torch.tensor([0, 2, 1], dtype=torch.int32)})
    ((etype, (src, dst)),) = got.items()
    assert etype == ("u", "r", "v")
    assert src.dtype == dst.dtype == torch.int32
    assert src.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert not graph.has_edges_between(src, dst, etype="r").any()
    with pytest.raises(ValueError, match="for one relation"):
        negatives(graph, {"r": torch.tensor([0]), "s": torch.tensor([0])})

    alone = dgl.graph(([0, 1, 2], [1, 2, 0]))
    src, dst = UniformNegatives.from_graph(alone, k=2)(alone, torch.tensor([1]))
    assert src.tolist() == [1, 1]
    assert set(dst.tolist()) <= {0, 1}


@pytest.mark.parametrize(
    ("src", "dst", "k", "message"),
    [
        ([0], [0], 0, r"k must be at least 1 \(got 0\)"),
        ([2], [0], 1, "src must lie in 0..1"),
        ([0], [-1], 1, "dst must lie"),
    ],
)
def test_what_cannot_be_is_refused(src: list[int], dst: list[int], k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UniformNegatives(torch.tensor(src), torch.tensor(dst), 2, 3, k)


PAIRS = [(0, 3), (1, 0), (1, 3), (1, 6), (2, 0), (2, 2), (2, 3), (2, 6), (3, 3), (4, 3), (4, 5)]


def degrees(pairs: list[tuple[int, int]]) -> list[int]:
    return [len({u for u, v in pairs if v == t}) for t in range(7)]


@pytest.mark.parametrize("power", [0, 0.5, 0.75, 2.0])
def test_popular_destinations_are_drawn_by_the_power_of_their_degree(power: float) -> None:
    src, dst = torch.tensor(PAIRS + PAIRS[:4]).T  # repeated pairs count once
    asked = torch.tensor([2, 0, 4, 1, 3])
    negatives = PopularityNegatives(src, dst, 5, 7, k=7000, power=power)
    drawn = negatives.sample(asked, torch.Generator().manual_seed(0))
    for source, row in zip(asked.tolist(), drawn):
        weights = [0 if (source, t) in PAIRS else d**power for t, d in enumerate(degrees(PAIRS))]
        counts = torch.bincount(row, minlength=7)
        expected = 7000 * torch.tensor(weights, dtype=torch.float64) / sum(weights)
        drawable = expected > 0
        assert int(counts[drawable].sum()) == 7000
        if drawable.sum() > 1:
            assert stats.chisquare(counts[drawable].numpy(), expected[drawable].numpy()).pvalue > 1e-3


def test_where_only_destinations_of_no_weight_are_left_they_are_drawn_alike() -> None:
    src, dst = torch.tensor([(0, 0), (0, 2), (1, 2)]).T
    drawn = PopularityNegatives(src, dst, 2, 5, k=3000).sample(torch.tensor([0, 1]), torch.Generator().manual_seed(0))
    assert stats.chisquare(torch.bincount(drawn[0], minlength=5)[[1, 3, 4]].numpy()).pvalue > 1e-3
    assert set(drawn[1].tolist()) == {0}
    nothing = torch.empty(0, dtype=torch.int64)
    drawn = PopularityNegatives(nothing, nothing, 2, 5, k=100).sample(torch.tensor([1]))
    assert set(drawn.flatten().tolist()) == set(range(5))


def test_small_weights_keep_their_proportions_beside_a_huge_one() -> None:
    """Beside 200,000² the weights 1 and 4 are lost in any sum of 32 bits, and close to it in one of 64."""
    n = 200_000
    src = torch.cat([torch.arange(n), torch.tensor([7, 8, 9])])
    dst = torch.cat([torch.zeros(n, dtype=torch.int64), torch.tensor([1, 2, 2])])
    negatives = PopularityNegatives(src, dst, n, 4, k=5000, power=2)
    drawn = negatives.sample(torch.tensor([n - 1, 5]), torch.Generator().manual_seed(0))
    for row in drawn:
        counts = torch.bincount(row, minlength=4)
        assert int(counts[0]) == int(counts[3]) == 0
        assert stats.chisquare(counts[1:3].numpy(), [1000, 4000]).pvalue > 1e-3


def test_a_weight_too_small_to_count_still_comes_before_none() -> None:
    """100^10 to 1 is beyond what numbers of 64 bits hold apart; a degree of 0 stays out all the same."""
    src, dst = torch.tensor([*range(100), 7]), torch.tensor([0] * 100 + [1])
    negatives = PopularityNegatives(src, dst, 100, 3, k=50, power=10)
    assert set(negatives.sample(torch.tensor([5])).flatten().tolist()) == {1}
    assert negatives.log_q(torch.tensor([1, 2])).isfinite().tolist() == [True, False]


def test_log_q_is_the_log_probability_for_a_source_without_edges() -> None:
    src, dst = torch.tensor(PAIRS).T
    asked = torch.tensor([[3, 0], [5, 1]])
    weights = torch.tensor(degrees(PAIRS)).double() ** 0.75
    found = PopularityNegatives(src, dst, 5, 7).log_q(asked)
    torch.testing.assert_close(found, (weights / weights.sum()).log().float()[asked])
    assert found[1, 1] == -torch.inf
    torch.testing.assert_close(UniformNegatives(src, dst, 5, 7).log_q(asked), torch.full((2, 2), 1 / 7).log())


@pytest.mark.parametrize("power", [-0.5, float("nan"), float("inf")])
def test_powers_that_give_no_weights_are_refused(power: float) -> None:
    with pytest.raises(ConfigError, match="power must be at least 0"):
        PopularityNegatives(torch.tensor([0]), torch.tensor([0]), 2, 3, power=power)
