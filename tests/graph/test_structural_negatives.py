"""Structural negatives against the distribution that enumerating every walk gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from scipy import stats

from playlistrec.graph.negatives.structural import TRIES, SameGroupNegatives, TwoHopNegatives

PAIRS = [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 0), (4, 1), (4, 2), (4, 3), (4, 4)]
N_SRC, N_DST, DRAWS = 6, 8, 20_000  # source 5 has no edges, source 3 shares nothing, destinations 6 and 7 are isolated
GROUP = [0, 0, 0, 1, 1, -1, 0, 1]

Distribution = dict[int, Fraction]


def of_source(source: int) -> list[int]:
    return [v for u, v in PAIRS if u == source]


def of_destination(destination: int) -> list[int]:
    return [u for u, v in PAIRS if v == destination]


def two_hops(source: int) -> Distribution:
    """The probability of every end of a walk, by enumeration."""
    ends: Distribution = Counter()
    for t in of_source(source):
        for other in of_destination(t):
            for end in of_source(other):
                ends[end] += Fraction(1, len(of_source(source)) * len(of_destination(t)) * len(of_source(other)))
    return ends


def same_group(source: int) -> Distribution:
    ends: Distribution = Counter()
    for t in of_source(source):
        members = [v for v in range(N_DST) if GROUP[v] == GROUP[t] >= 0]
        for end in members:
            ends[end] += Fraction(1, len(of_source(source)) * len(members))
    return ends


def with_fallback(source: int, proposals: Distribution) -> list[float]:
    """What is drawn if TRIES proposals are made, and a uniform non-edge where none is a negative."""
    free = [v for v in range(N_DST) if v not in of_source(source)]
    proper = {v: p for v, p in proposals.items() if v in free}
    missed = (1 - sum(proper.values())) ** TRIES
    found = {v: (1 - missed) * p / sum(proper.values()) for v, p in proper.items()}
    return [float(found.get(v, 0) + (missed / len(free) if v in free else 0)) for v in range(N_DST)]


def make(kind: str, k: int) -> SameGroupNegatives | TwoHopNegatives:
    src, dst = torch.tensor(PAIRS + PAIRS[3:6]).T  # repeated pairs count once
    if kind == "two hops":
        return TwoHopNegatives(src, dst, N_SRC, N_DST, k)
    return SameGroupNegatives(src, dst, N_SRC, N_DST, torch.tensor(GROUP), k)


@pytest.mark.parametrize(("kind", "proposals"), [("two hops", two_hops), ("same group", same_group)])
def test_draws_follow_the_walks(kind: str, proposals: Callable[[int], Distribution]) -> None:
    asked = torch.tensor([4, 0, 5, 1, 3, 2])
    drawn = make(kind, DRAWS).sample(asked, torch.Generator().manual_seed(0))
    for source, row in zip(asked.tolist(), drawn):
        expected = DRAWS * torch.tensor(with_fallback(source, proposals(source)), dtype=torch.float64)
        counts, possible = torch.bincount(row, minlength=N_DST), expected > 0
        assert int(counts[possible].sum()) == DRAWS
        assert stats.chisquare(counts[possible].numpy(), expected[possible].numpy()).pvalue > 1e-3


def test_two_hop_draws_are_two_hops_away_where_there_is_anything() -> None:
    """Communities of 30 sources and 40 destinations: what is drawn stays in the community, nearly always."""
    generator = torch.Generator().manual_seed(0)
    joined = torch.block_diag(*(torch.rand(30, 40, generator=generator) < 0.2 for _ in range(10)))
    asked = torch.arange(300)
    negatives = TwoHopNegatives(*torch.nonzero(joined).T, 300, 400, k=30)
    drawn = negatives.sample(asked, generator)
    assert not joined.bool().gather(1, drawn).any()
    structural = drawn // 40 == asked[:, None] // 30
    assert float(structural.float().mean()) > 0.97
    reach = joined.float() @ joined.float().T @ joined.float() > 0
    assert reach.gather(1, drawn)[structural].all()


def test_same_group_draws_are_of_the_groups_of_the_source() -> None:
    generator = torch.Generator().manual_seed(0)
    joined = torch.rand(50, 600, generator=generator) < 0.02
    joined[7] = False
    group = torch.randint(60, (600,), generator=generator) * 1000  # ids need not be dense
    negatives = SameGroupNegatives(*torch.nonzero(joined).T, 50, 600, group.int(), k=200)
    drawn = negatives.sample(torch.arange(50), generator)
    assert not joined.gather(1, drawn).any()
    shares = [torch.isin(group[row], group[own]).float().mean() for row, own in zip(drawn, joined)]
    assert min(shares[:7] + shares[8:]) > 0.95
    assert len(drawn[7].unique()) > 150, "a source without edges draws from everything"


def test_groups_that_cannot_be_are_refused() -> None:
    src, dst = torch.tensor(PAIRS).T
    with pytest.raises(ValueError, match=r"group must be of shape \(8,\) \(got \(3,\)\)"):
        SameGroupNegatives(src, dst, N_SRC, N_DST, torch.zeros(3))
    with pytest.raises(ValueError, match=r"group must be at least -1 \(got -2\)"):
        SameGroupNegatives(src, dst, N_SRC, N_DST, torch.tensor([*GROUP[:-1], -2]))
    ungrouped = SameGroupNegatives(src, dst, N_SRC, N_DST, torch.full((N_DST,), -1), k=200)
    assert set(ungrouped.sample(torch.tensor([0])).flatten().tolist()) == {2, 3, 4, 5, 6, 7}
