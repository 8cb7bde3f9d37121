"""Negatives that a model itself finds likely: pools of top-scored destinations, and the hardest of a few."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from ...config import require
from ..edge_set import Mirrored, random_below
from ..products import products
from .random import NonEdgeSampler

__all__ = ["PoolNegatives", "annealed_share", "hardest"]

CHUNK_BYTES = 2**26
"""Bytes of scores, or of gathered vectors, that are held at a time."""

SHARING = 64
"""Sources that share the sample of destinations their pools are chosen from: few, so that every destination is met."""


class PoolNegatives(NonEdgeSampler):
    """Uniform over a pool of each source: the non-edges with the highest scores, at the time of the last refresh.

    Before the first :meth:`refresh`, and for a source whose pool is empty, uniform over all non-edges. Pools of top
    scores whose share is annealed: Batelaan, Brink & Wittenbrink 2023; a curriculum of ever harder negatives: Ying
    et al. 2018 (PinSage), section 3.3.

    Args:
        pool_size: destinations in a pool, at least 1; the others, and errors: :class:`NonEdgeSampler`.

    >>> negatives = PoolNegatives(torch.tensor([0]), torch.tensor([3]), 1, 4, k=50, pool_size=2)
    >>> negatives.refresh(torch.ones(1, 1), torch.arange(4.0).unsqueeze(1), share=0.5)
    >>> sorted(set(negatives.sample(torch.tensor([0])).flatten().tolist()))
    [1, 2]
    """

    def __init__(
        self,
        src: Tensor,
        dst: Tensor,
        n_src: int,
        n_dst: int,
        k: int = 1,
        pool_size: int = 100,
        self_pairs: bool = False,
    ) -> None:
        require(pool_size >= 1, "pool_size", "at least 1", pool_size)
        super().__init__(src, dst, n_src, n_dst, k, self_pairs)
        self.pool_size = pool_size
        self._pools: Mirrored | None = None
        self._some_empty = False

    @torch.no_grad()
    def refresh(
        self, src_vectors: Tensor, dst_vectors: Tensor, share: float, generator: torch.Generator | None = None
    ) -> None:
        """Choose the pools anew: out of a uniform sample of destinations the non-edges with the highest dot products.

        The sample holds ``pool_size / share`` destinations (or all), so that a pool stands for the best ``share``
        of them: with share 1 it is uniform, from ``pool_size / n_dst`` down it is the exact top. A few sources in a
        row share a sample. Where a source has edges to much of its sample, its pool is smaller.

        Args:
            src_vectors, dst_vectors: (n_src, d) and (n_dst, d), on the device that does the work.
            share: above 0 and at most 1.
            generator: where the randomness comes from, on the same device; torch's default if not given.

        Raises:
            ValueError: vectors of other sizes, or a share out of range.
        """
        require(0 < share <= 1, "share", "above 0 and at most 1", share)
        for name, vectors, nodes in (("src", src_vectors, self.n_src), ("dst", dst_vectors, self.n_dst)):
            if vectors.dim() != 2 or len(vectors) != nodes:
                raise ValueError(f"{name}_vectors must have {nodes} rows (got a shape of {tuple(vectors.shape)})")
        n_dst, device = self.n_dst, dst_vectors.device
        n_sampled = min(math.ceil(self.pool_size / share), n_dst)
        rows = max(1, CHUNK_BYTES // (n_sampled * dst_vectors.element_size()))
        if n_sampled < n_dst:
            rows = min(rows, SHARING)
        keys, offsets = self.avoided.on(device)
        starts = [*range(0, self.n_src, rows), self.n_src]
        bounds = offsets[torch.tensor(starts, device=device)].tolist()

        pool = torch.empty(self.n_src, min(self.pool_size, n_sampled), dtype=torch.int32, device=device)
        size = torch.empty(self.n_src, dtype=torch.int64, device=device)
        order = place = torch.arange(n_dst, device=device)
        samples = n_dst // n_sampled  # in one permutation
        for chunk, (start, end) in enumerate(pairwise(starts)):
            base = chunk % samples * n_sampled
            if base == 0 and n_sampled < n_dst:
                order = torch.randperm(n_dst, generator=generator, device=device)
                place = order.argsort()
            sample = order[base : base + n_sampled]
            scores = products(src_vectors[start:end], dst_vectors if n_sampled == n_dst else dst_vectors[sample])
            edges = keys[bounds[chunk] : bounds[chunk + 1]]
            at = place[edges % n_dst] - base
            met = (at >= 0) & (at < n_sampled)
            scores[edges[met] // n_dst - start, at[met]] = -torch.inf
            best, which = scores.topk(pool.shape[1])
            pool[start:end] = sample[which]
            size[start:end] = (best > -torch.inf).sum(1)
        self.restore({"pool": pool, "size": size})

    def state(self) -> dict[str, Tensor]:
        """The pools, (n_src, pool_size) destinations, and (n_src,) how many count; nothing before a refresh."""
        if self._pools is None:
            return {}
        pool, size = self._pools.on(self.edges.device)
        return {"pool": pool, "size": size}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        if state:
            self._pools = Mirrored(state["pool"], state["size"])
            self._some_empty = bool((state["size"] == 0).any())

    def _draw(self, src: Tensor, generator: torch.Generator | None) -> Tensor:
        if self._pools is None:
            return self.non_edges.draw(src, self.k, generator)
        pool, size = self._pools.on(src.device)
        held = size[src].unsqueeze(1).expand(-1, self.k)
        drawn = pool[src.unsqueeze(1), random_below(held, generator)].long()
        if self._some_empty:
            drawn = torch.where(held > 0, drawn, self.non_edges.draw(src, self.k, generator))
        return drawn


def annealed_share(epoch: int, *, floor: float, over: int) -> float:
    """The share for :meth:`PoolNegatives.refresh`: from 1 at epoch 0 geometrically down to ``floor`` at ``over``.

    Args:
        epoch: counted from 0; from ``over`` on the share stays.
        floor: above 0 and at most 1.
        over: epochs, at least 1.

    >>> [annealed_share(epoch, floor=0.25, over=10) for epoch in (0, 5, 10, 99)]
    [1.0, 0.5, 0.25, 0.25]
    """
    require(epoch >= 0, "epoch", "at least 0", epoch)
    require(0 < floor <= 1, "floor", "above 0 and at most 1", floor)
    require(over >= 1, "over", "at least 1", over)
    return float(floor ** min(epoch / over, 1.0))


@torch.no_grad()
def hardest(wanted: Tensor, candidates: Tensor, table: Tensor, keep: int) -> Tensor:
    """The ``keep`` candidates with the highest dot products, best first; no gradient goes through the choice.

    Over candidates that are non-edges this is dynamic negative sampling: Zhang et al. 2013, section 4. One that
    stands twice among a row's candidates may be kept twice.

    Args:
        wanted: (n, d) vectors of the sources.
        candidates: (n, m) rows of the table.
        table: (n_dst, d) vectors of the destinations.
        keep: 1 to m.

    Returns:
        (n, keep) of the candidates.

    >>> table = torch.tensor([[0.0], [3.0], [2.0], [1.0]])
    >>> hardest(torch.tensor([[1.0], [-1.0]]), torch.tensor([[3, 1, 2], [1, 2, 3]]), table, keep=2).tolist()
    [[1, 2], [3, 2]]
    """
    n_candidates, dim = candidates.shape[1], table.shape[1]
    require(1 <= keep <= n_candidates, "keep", f"1 to {n_candidates}, the number of candidates", keep)
    rows = max(1, CHUNK_BYTES // (n_candidates * dim * table.element_size()))
    kept = []
    for vectors, some in zip(torch.split(wanted, rows), torch.split(candidates, rows)):
        scores = torch.einsum("nd,nmd->nm", vectors, table[some])
        kept.append(some.gather(1, scores.topk(keep).indices))
    return torch.cat(kept)
