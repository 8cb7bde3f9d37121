"""Negative samplers: destinations that a source is not joined to by a training edge."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from typing_extensions import Self

from ...config import require
from ..edge_set import (
    EdgeSet,
    Mirrored,
    NonEdges,
    random_below,
    rank,
)

if TYPE_CHECKING:
    from dgl import DGLGraph

__all__ = ["NegativeSampler", "NonEdgeSampler", "PopularityNegatives", "UniformNegatives"]


class NegativeSampler(ABC):
    """Draws ``k`` negatives for each source; also a negative sampler in the sense of DGL's data loading."""

    k: int

    @abstractmethod
    def sample(self, src: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(len(src), k) int64 destinations for the (n,) sources, on their device.

        Args:
            src: sources; they may repeat, and draws are independent.
            generator: where the randomness comes from, on the same device; torch's default if not given.
        """

    def state(self) -> dict[str, Tensor]:
        """State kept from call to call, for a checkpoint; empty unless a sampler overrides it."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027 - most samplers keep nothing
        """Take back what :meth:`state` gave."""

    def __call__(self, graph: DGLGraph, eids: Tensor | Mapping[Any, Tensor]) -> Any:
        """DGL's calling convention: k negatives ``(src, dst)`` for each edge, in the graph's id type.

        Args:
            graph: the graph that the edges are of.
            eids: edge ids, or ``{etype: edge ids}`` for one relation.

        Returns:
            ``(src, dst)`` of k · n ids each, or ``{etype: (src, dst)}``.
        """
        if not isinstance(eids, Mapping):
            return self._pairs(graph, eids, None)
        if len(eids) != 1:
            raise ValueError(
                f"a negative sampler is for one relation (got {len(eids)}): give one for each, "
                "HeteroNegatives({etype: sampler})"
            )
        ((etype, ids),) = eids.items()
        return {etype: self._pairs(graph, ids, etype)}

    def _pairs(self, graph: DGLGraph, eids: Tensor, etype: Any) -> tuple[Tensor, Tensor]:
        src, _ = graph.find_edges(eids, etype=etype)
        return src.repeat_interleave(self.k), self.sample(src).flatten().to(src.dtype)


class NonEdgeSampler(NegativeSampler):
    """Base of the samplers that never draw a training edge, whatever else they look for.

    Only the positives given here are avoided. Edges held out for validation or test are drawn like any other
    non-edge: sparing them would tell the model where they are. A source that is joined to every destination has no
    negative; it gets destinations at random, and in DGL's loaders the edge's own destination, with which a pairwise
    loss has no gradient.

    Args:
        src, dst: (n_edges,) the two ends of the positives; repeated pairs count once.
        n_src, n_dst: number of nodes on either side.
        k: negatives per source.
        self_pairs: true if sources and destinations are the same nodes: none is a negative of itself.

    Raises:
        ValueError: ids outside the given sizes, or an option out of range.
    """

    def __init__(self, src: Tensor, dst: Tensor, n_src: int, n_dst: int, k: int = 1, self_pairs: bool = False) -> None:
        require(k >= 1, "k", "at least 1", k)
        self.k, self.n_src, self.n_dst = k, n_src, n_dst
        self.edges = self.avoided = EdgeSet(src, dst, n_src, n_dst)
        if self_pairs:
            nodes = torch.arange(min(n_src, n_dst), device=self.edges.device)
            src, dst = self.edges.pairs()
            self.avoided = EdgeSet(torch.cat([src, nodes]), torch.cat([dst, nodes]), n_src, n_dst)
        self.non_edges = NonEdges(self.avoided)

    @classmethod
    def from_graph(
        cls,
        graph: DGLGraph,
        etype: str | tuple[str, str, str] | None = None,
        k: int = 1,
        *,
        exclude_eids: Any = None,
        **options: Any,
    ) -> Self:
        """A sampler that avoids the edges of ``graph``, or of its relation ``etype``.

        Args:
            exclude_eids: ids or a boolean mask of edges that are drawn like non-edges: those held out.
            options: of the sampler.
        """
        from ..loader_checks import edge_ids
        from ..mirrors import with_coo

        graph = with_coo(graph)
        source, name, target = graph.to_canonical_etype(etype)
        src, dst = graph.edges(etype=(source, name, target), order="eid")
        if exclude_eids is not None:
            kept = torch.ones(len(src), dtype=torch.bool, device=src.device)
            kept[edge_ids(graph, (source, name, target), exclude_eids, "exclude_eids").long()] = False
            src, dst = src[kept], dst[kept]
        sizes = graph.num_nodes(source), graph.num_nodes(target)
        return cls(src, dst, *sizes, k=k, self_pairs=source == target, **options)

    def sample(self, src: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See :meth:`NegativeSampler.sample`."""
        src = src.long()
        drawn = self._draw(src, generator)
        if not self.non_edges.any_full:  # else no value is read from the device, which would have to be waited for
            return drawn
        anything = random_below(torch.full_like(drawn, self.n_dst), generator)
        return torch.where(self.non_edges.full(src).unsqueeze(1), anything, drawn)

    @abstractmethod
    def _draw(self, src: Tensor, generator: torch.Generator | None) -> Tensor:
        """(len(src), k) non-edges of int64 sources; they mean nothing where a source is joined to everything."""

    def _pairs(self, graph: DGLGraph, eids: Tensor, etype: Any) -> tuple[Tensor, Tensor]:
        src, drawn = super()._pairs(graph, eids, etype)
        if not self.non_edges.any_full:
            return src, drawn
        _, own = graph.find_edges(eids, etype=etype)
        return src, torch.where(self.non_edges.full(src.long()), own.repeat_interleave(self.k), drawn)


class UniformNegatives(NonEdgeSampler):
    """Uniform over the destinations that are not training edges of the source, with replacement.

    Arguments and errors: see :class:`NonEdgeSampler`.

    >>> negatives = UniformNegatives(torch.tensor([0, 0, 1]), torch.tensor([0, 2, 1]), 2, 4, k=100)
    >>> sorted(set(negatives.sample(torch.tensor([0])).flatten().tolist()))
    [1, 3]
    """

    def _draw(self, src: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.non_edges.draw(src, self.k, generator)

    def log_q(self, dst: Tensor) -> Tensor:
        """The log-probability of each destination, had the source no edges: ``-log n_dst``."""
        return torch.full(dst.shape, -math.log(self.n_dst), device=dst.device)


class PopularityNegatives(NonEdgeSampler):
    """A destination ``t`` that is not a training edge with probability ∝ ``degree(t)^power``, with replacement.

    The degrees are those in the training edges. 0.75 is the power of word2vec (Mikolov et al. 2013, section 2.2);
    0 is uniform. A source that only lacks destinations of weight 0 gets them uniformly.

    Exact, without rejection: every destination holds whole tickets, as near to its weight as 62 bits for all keys
    allow (at least one), so that nothing is lost to rounding at the borders. A draw is a number among the tickets
    that are not of positives; as for uniform draws, one search finds the positives below it, whose tickets are
    added, and a second one who holds the ticket.

    Args:
        power: at least 0; the others, and errors: see :class:`NonEdgeSampler`.

    >>> negatives = PopularityNegatives(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 1, 2]), 3, 4, k=100)
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
        power: float = 0.75,
        self_pairs: bool = False,
    ) -> None:
        require(0 <= power < math.inf, "power", "at least 0", power)
        super().__init__(src, dst, n_src, n_dst, k, self_pairs)
        degree = torch.bincount(self.edges.pairs()[1], minlength=n_dst).double()
        src, dst = self.avoided.pairs()
        _, offsets = self.avoided.on(dst.device)
        weight = (degree / degree.max()) ** power if degree.any() else torch.ones_like(degree)
        exact = weight * (min(2**52, 2**62 // max(n_src, 1)) / weight.sum())
        tickets = torch.where(weight > 0, exact.round().long().clamp(min=1), 0)
        self._total, upto = int(tickets.sum()), tickets.cumsum(0)
        taken = torch.cat([tickets.new_zeros(1), tickets[dst].cumsum(0)])
        before = taken[offsets]
        below = (upto - tickets)[dst] - (taken[:-1] - before[src])
        left = self._total - before.diff()
        self._tables = Mirrored(src * self._total + below, taken, before, left, upto)
        self._log_q = Mirrored((tickets / self._total).log())
        self._some_weightless = bool(((left == 0) & (self.non_edges.free > 0)).any())

    def _draw(self, src: Tensor, generator: torch.Generator | None) -> Tensor:
        keys, taken, before, left, upto = self._tables.on(src.device)
        rows = src[:, None]
        count = left[rows].expand(-1, self.k)
        number = random_below(count, generator)
        positives = rank(keys, rows * self._total + number, right=True)
        drawn = rank(upto, number + taken[positives] - before[rows], right=True)
        if self._some_weightless:
            drawn = torch.where(count > 0, drawn, self.non_edges.draw(src, self.k, generator))
        return drawn

    def shared(self, n: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """(n,) int64 destinations with probability ``e^log_q``, for all sources, whose edges are not looked at.

        >>> negatives = PopularityNegatives(torch.tensor([0, 1]), torch.tensor([0, 2]), 2, 3)
        >>> sorted(set(negatives.shared(50, torch.device("cpu")).tolist()))
        [0, 2]
        """
        *_, upto = self._tables.on(device)
        number = random_below(torch.full((n,), self._total, device=device), generator)
        return rank(upto, number, right=True)

    def log_q(self, dst: Tensor) -> Tensor:
        """The log-probability of each destination, had the source no edges: what logQ correction subtracts.

        Bengio & Senécal 2008, section 3; ``-inf`` for a destination that is never drawn.
        """
        (table,) = self._log_q.on(dst.device)
        return table[dst]
