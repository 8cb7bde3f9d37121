"""Uniform negatives: never a positive, every other destination alike."""

from __future__ import annotations

import pickle

import dgl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from playlistrec.graph.negatives import UniformNegatives

edges = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40)


def sampler(pairs: list[tuple[int, int]], n_src: int = 5, n_dst: int = 7, k: int = 200) -> UniformNegatives:
    src, dst = torch.tensor(pairs, dtype=torch.int32).view(-1, 2).T
    return UniformNegatives(src, dst, n_src, n_dst, k)


@given(edges)
@settings(max_examples=40, deadline=None)
def test_draws_are_exactly_the_complement(pairs: list[tuple[int, int]]) -> None:
    negatives = sampler(pairs)
    for source in range(5):
        complement = set(range(7)) - {v for u, v in pairs if u == source}
        if complement:
            drawn = negatives.sample(torch.tensor([source]), torch.Generator().manual_seed(0))
            assert set(drawn.flatten().tolist()) == complement
        else:
            with pytest.raises(ValueError, match=f"source {source} has no negatives: all 7 destinations"):
                negatives.sample(torch.tensor([source]))


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
