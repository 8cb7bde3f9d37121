"""Negatives that the graph itself makes hard: destinations near those that a source is joined to."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from ..edge_set import EdgeSet, Mirrored
from .random import NonEdgeSampler

__all__ = ["SameGroupNegatives", "TwoHopNegatives"]

TRIES = 4
"""Proposals for each negative. All are made at once: to see which are needed would be to wait for the device."""


class StructuralNegatives(NonEdgeSampler):
    """The first of :data:`TRIES` random proposals that is no training edge, else a uniform non-edge."""

    @abstractmethod
    def _propose(self, src: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A destination for each source, and true where it may be proposed."""

    def _draw(self, src: Tensor, generator: torch.Generator | None) -> Tensor:
        sources = src[:, None].expand(-1, self.k * TRIES)
        proposed, valid = self._propose(sources, generator)
        valid = valid & ~self.avoided.contains(sources, proposed)
        proposed, valid = (x.view(len(src), self.k, TRIES) for x in (proposed, valid))
        first = valid.byte().argmax(2, keepdim=True)
        uniform = self.non_edges.draw(src, self.k, generator)
        return torch.where(valid.any(2), proposed.gather(2, first).squeeze(2), uniform)


class SameGroupNegatives(StructuralNegatives):
    """A destination of the same group as one that the source has, such as another track of one of its artists.

    A proposal is a uniform member of the group of the destination of a uniform training edge of the source.

    Args:
        group: (n_dst,) the group of each destination, -1 for none; the others: :class:`NonEdgeSampler`.

    Raises:
        ValueError: groups of another shape or below -1; the others: :class:`NonEdgeSampler`.

    >>> negatives = SameGroupNegatives(torch.tensor([0]), torch.tensor([1]), 1, 4, group=torch.tensor([0, 0, 1, 1]))
    >>> negatives.sample(torch.tensor([0]), torch.Generator().manual_seed(0)).tolist()
    [[0]]
    """

    def __init__(
        self,
        src: Tensor,
        dst: Tensor,
        n_src: int,
        n_dst: int,
        group: Tensor,
        k: int = 1,
        self_pairs: bool = False,
    ) -> None:
        super().__init__(src, dst, n_src, n_dst, k, self_pairs)
        group = torch.as_tensor(group, device=self.edges.device).long()
        if group.shape != (n_dst,):
            raise ValueError(f"group must be of shape {(n_dst,)} (got {tuple(group.shape)})")
        if int(group.min()) < -1:
            raise ValueError(f"group must be at least -1 (got {int(group.min())})")
        n_groups = int(group.max()) + 1
        grouped = torch.nonzero(group >= 0).squeeze(1)
        # The group after the last stands for "none" and has no members.
        self._members = EdgeSet(group[grouped], grouped, n_groups + 1, n_dst)
        self._group = Mirrored(group.where(group >= 0, n_groups))

    def _propose(self, src: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        (group,) = self._group.on(src.device)
        own, joined = self.edges.step(src, generator)
        member, grouped = self._members.step(group[own], generator)
        return member, joined & grouped


class TwoHopNegatives(StructuralNegatives):
    """A destination two hops away: what another source has that shares a destination with this one.

    A proposal is the end of a random walk source → destination → source → destination. It finds the popular ones
    first, as everything that follows co-occurrence does.

    Arguments and errors: see :class:`NonEdgeSampler`.

    >>> src, dst = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 1, 2])
    >>> set(TwoHopNegatives(src, dst, 3, 3, k=20).sample(torch.tensor([1])).flatten().tolist())
    {2}
    """

    def __init__(self, src: Tensor, dst: Tensor, n_src: int, n_dst: int, k: int = 1, self_pairs: bool = False) -> None:
        super().__init__(src, dst, n_src, n_dst, k, self_pairs)
        self._back = EdgeSet(dst, src, n_dst, n_src)

    def _propose(self, src: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        own, joined = self.edges.step(src, generator)
        other, _ = self._back.step(own, generator)
        proposed, _ = self.edges.step(other, generator)
        return proposed, joined
