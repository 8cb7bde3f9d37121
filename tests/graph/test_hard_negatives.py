"""Hard negatives: pools are the best non-edges of their samples, and the hardest of a few are just that."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from scipy import stats
from torch import Tensor

from playlistrec.errors import ConfigError
from playlistrec.graph.negatives import hard as hard_negatives
from playlistrec.graph.negatives.hard import PoolNegatives, annealed_share, hardest

N_SRC, N_DST = 200, 90


def joined() -> Tensor:
    """(N_SRC, N_DST) a random graph; source 0 lacks edges, source 1 lacks two, source 2 none but one."""
    edges = torch.rand(N_SRC, N_DST, generator=torch.Generator().manual_seed(0)) < 0.3
    edges[:3] = torch.tensor([False, True, True])[:, None]
    edges[1, [4, 5]] = edges[2, 7] = False
    return edges


def vectors(seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(N_SRC, 6, generator=generator), torch.randn(N_DST, 6, generator=generator)


def pools(pool_size: int, k: int = 300) -> PoolNegatives:
    return PoolNegatives(*torch.nonzero(joined()).T, N_SRC, N_DST, k, pool_size)


def supports(negatives: PoolNegatives, n_src: int = N_SRC) -> list[set[int]]:
    """What is drawn for each of the first sources, in 900 draws."""
    drawn = negatives.sample(torch.arange(n_src).repeat_interleave(3), torch.Generator().manual_seed(2))
    return [set(row) for row in drawn.view(n_src, -1).tolist()]


def naive_top(scores: Tensor, edges: Tensor, size: int) -> list[set[int]]:
    best = []
    for row, taken in zip(scores.tolist(), edges.tolist()):
        free = [v for v in range(len(row)) if not taken[v]]
        best.append(set(sorted(free, key=lambda v: -row[v])[:size]))
    return best


@pytest.mark.parametrize("chunk_bytes", [1, 5000, 2**26])
def test_at_the_lowest_shares_a_pool_is_the_exact_top(chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hard_negatives, "CHUNK_BYTES", chunk_bytes)
    negatives, (src, dst) = pools(12), vectors()
    for share in (12 / N_DST, 0.001):
        negatives.refresh(src, dst, share)
        assert supports(negatives) == naive_top(src @ dst.T, joined(), 12)
    assert pools(500).pool_size > N_DST
    everything = pools(500)
    everything.refresh(src, dst, 1.0)
    assert supports(everything) == naive_top(src @ dst.T, joined(), N_DST)


def test_a_refresh_replaces_the_pools() -> None:
    negatives = pools(12)
    for seed in (1, 5):
        src, dst = vectors(seed)
        negatives.refresh(src.requires_grad_(), dst, 0.01)
        assert supports(negatives) == naive_top(src @ dst.T, joined(), 12)


def test_pools_outlive_the_sampler_in_its_state() -> None:
    negatives, other = pools(6), pools(6)
    assert negatives.state() == {}
    other.restore(negatives.state())
    assert supports(other) == supports(negatives), "both are uniform"
    negatives.refresh(*vectors(), 1.0, torch.Generator().manual_seed(1))  # with pools that are empty or short
    other.restore(negatives.state())
    assert supports(other, 60) == supports(negatives, 60)
    assert len(supports(other, 1)[0]) == 6


def test_draws_from_a_pool_are_uniform() -> None:
    negatives, (src, dst) = pools(8, k=4000), vectors()
    negatives.refresh(src, dst, 0.01)
    for row in negatives.sample(torch.arange(3, 20), torch.Generator().manual_seed(0)):
        counts = row.unique(return_counts=True)[1]
        assert len(counts) == 8
        assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_before_the_first_refresh_draws_are_uniform_over_non_edges() -> None:
    free = [set(torch.nonzero(~row).flatten().tolist()) for row in joined()]
    assert supports(pools(4)) == free


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
def test_a_pool_stands_for_the_best_share_of_the_destinations(share: float) -> None:
    """The best P of a sample of P / share have ranks, from 0 for the best to 1, of mean about share / 2."""
    size, n_dst, n_src = 40, 1000, 600
    nothing = torch.empty(0, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    src, dst = torch.randn(n_src, 4, generator=generator), torch.randn(n_dst, 4, generator=generator)
    negatives = PoolNegatives(nothing, nothing, n_src, n_dst, 1000, size)
    negatives.refresh(src, dst, share, generator)
    drawn = negatives.sample(torch.arange(n_src), generator)
    ranks = (-(src @ dst.T)).argsort(1).argsort(1).gather(1, drawn) / (n_dst - 1)
    expected = (size + 1) / (2 * (math.ceil(size / share) + 1))
    assert abs(float(ranks.mean()) - expected) < 0.02
    assert all(len(set(row)) == size for row in drawn[:50].tolist())
    many = drawn.unique()
    assert len(many) > (900 if share == 0.2 else 300), "the sources do not all share one sample"
    if share == 1.0:
        assert abs(float(ranks.std()) - 1 / math.sqrt(12)) < 0.02


def test_a_pool_is_the_top_of_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are pieces of a permutation, one for every few sources, and a new permutation when it is used up."""
    monkeypatch.setattr(hard_negatives, "SHARING", 30)
    edges, negatives, (src, dst) = joined(), pools(5), vectors()
    negatives.refresh(src, dst, 0.25, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    pieces = [piece for _ in range(2) for piece in torch.randperm(N_DST, generator=generator)[:80].split(20)]
    found = supports(negatives)
    for source in range(3, N_SRC):
        sample = pieces[source // 30].tolist()
        free = [v for v in sample if not edges[source, v]]
        scores = (dst @ src[source]).tolist()
        assert found[source] == set(sorted(free, key=lambda v: -scores[v])[:5])


def test_the_sample_is_repeated_by_its_generator() -> None:
    negatives = pools(5)
    found = []
    for seed in (0, 0, 1):
        negatives.refresh(*vectors(), 0.5, torch.Generator().manual_seed(seed))
        found.append(supports(negatives))
    assert found[0] == found[1] != found[2]


def test_short_and_empty_pools() -> None:
    """With share 1 a sample is as large as a pool: source 1 (two non-edges) gets 0 to 2 of them, others more."""
    edges, negatives, seen = joined(), pools(6), set()
    for seed in range(60):
        negatives.refresh(*vectors(), 1.0, torch.Generator().manual_seed(seed))
        found = supports(negatives, 51)
        assert not any(edges[u, v] for u in (0, 1, 2, 50) for v in found[u])
        assert len(found[0]) == 6
        assert 1 <= len(found[50]) <= 6
        assert found[2] == {7}
        seen.add(frozenset(found[1]))
    assert seen == {frozenset({4}), frozenset({5}), frozenset({4, 5})}, "an empty pool falls back to all non-edges"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_model_gone_astray_still_gets_no_training_edge(value: float) -> None:
    negatives, (src, dst) = pools(30), vectors()
    src[10:20], dst[:40] = value, value
    negatives.refresh(src, dst, 0.4, torch.Generator().manual_seed(0))
    drawn = negatives.sample(torch.arange(N_SRC), torch.Generator().manual_seed(0))
    assert not joined().gather(1, drawn).any()


def test_what_cannot_be_is_refused() -> None:
    src, dst = vectors()
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(ConfigError, match=r"share must be above 0 and at most 1 \(got"):
            pools(3).refresh(src, dst, share)
    with pytest.raises(ValueError, match=r"src_vectors must have 200 rows \(got a shape of \(3, 6\)\)"):
        pools(3).refresh(src[:3], dst, 0.5)
    with pytest.raises(ValueError, match=r"dst_vectors must have 90 rows"):
        pools(3).refresh(src, dst[0], 0.5)
    with pytest.raises(ConfigError, match="pool_size must be at least 1"):
        pools(0)
    with pytest.raises(ConfigError, match="keep must be 1 to 2, the number of candidates"):
        hardest(src, torch.zeros(N_SRC, 2, dtype=torch.int64), dst, keep=3)


def test_annealed_share_falls_by_the_same_factor_every_epoch_and_stays() -> None:
    shares = [annealed_share(epoch, floor=0.1, over=20) for epoch in range(40)]
    assert shares[0] == 1.0
    assert shares[20:] == [0.1] * 20
    factors = [b / a for a, b in pairwise(shares[:21])]
    assert factors == pytest.approx([0.1 ** (1 / 20)] * 20)
    for options in ({"floor": 0.0, "over": 5}, {"floor": 1.1, "over": 5}, {"floor": 0.5, "over": 0}):
        with pytest.raises(ConfigError, match="must be"):
            annealed_share(1, **options)
    with pytest.raises(ConfigError, match="epoch must be at least 0"):
        annealed_share(-1, floor=0.5, over=5)


@pytest.mark.parametrize("chunk_bytes", [1, 2000, 2**26])
@pytest.mark.parametrize("keep", [1, 3, 7])
def test_the_hardest_are_those_with_the_highest_scores(
    keep: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hard_negatives, "CHUNK_BYTES", chunk_bytes)
    wanted, table = vectors()
    candidates = torch.randint(N_DST, (N_SRC, 7), generator=torch.Generator().manual_seed(0))
    found = hardest(wanted.requires_grad_(), candidates, table.requires_grad_(), keep)
    assert found.shape == (N_SRC, keep)
    assert not found.requires_grad
    for vector, row, kept in zip(wanted, candidates.tolist(), found.tolist()):
        scores = {v: (vector @ table[v]).item() for v in row}
        assert kept == sorted(row, key=lambda v: -scores[v])[:keep]
    assert hardest(wanted[:0], candidates[:0], table, keep).shape == (0, keep)
