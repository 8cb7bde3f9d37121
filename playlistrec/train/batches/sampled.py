"""Batches whose vectors come from the sampled neighbourhood of their pairs: DGL's edge-prediction loader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ...graph.negatives.random import PopularityNegatives
from ..negatives import Negatives
from .batch import PairBatch
from .full import with_hardest
from .plan import BatchPlan, Sampled

if TYPE_CHECKING:
    from ...corpus.corpus import Corpus
    from ...models.graph.model import GraphModel

__all__ = ["SampledBatches"]


class SampledBatches:
    """Pairs with negatives drawn for each, and blocks around them without the batch's own edges."""

    regime: ClassVar[str] = "sampled"

    def __init__(self, model: GraphModel, corpus: Corpus, plan: BatchPlan, negatives: Negatives) -> None:
        import dgl

        from ...graph.build import REVERSE
        from ...graph.loader import edge_loader

        assert isinstance(plan.regime, Sampled), "that is what these batches are for"
        self.model, self.plan, self.id = model, plan, dgl.NID
        self.negatives, self.sampler = negatives, negatives.sampler(corpus)
        self.loader = edge_loader(
            model.graph,
            "contains",
            [plan.regime.fanout] * len(model.layers),
            plan.batch_size,
            self.sampler,
            reverse_etypes=REVERSE,
            num_workers=plan.regime.workers,
        )

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed (with 0 workers)."""
        from ...graph.seeding import seeded

        return seeded(seed)

    def state(self) -> dict[str, Tensor]:
        """Tensors that pass from epoch to epoch, for a checkpoint."""
        return self.sampler.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        self.sampler.restore(state)

    def epoch(self, seed: int, epoch: int) -> Iterator[PairBatch]:
        """One pass over all pairs in random order; draws from the global generators, see :meth:`seeded`."""
        device = self.plan.device
        self.negatives.refresh(self.sampler, self.model, epoch, torch.Generator().manual_seed(seed))
        for inputs, positive, negative, blocks in self.loader:
            vectors, tables = self.model.embed_blocks(blocks, inputs)
            playlist, track = (ids.long() for ids in positive.edges(etype="contains"))
            _, others = negative.edges(etype="contains")
            tracks = positive.nodes["track"].data[self.id].long().to(device)
            batch = PairBatch(
                vectors=vectors,
                tables=tables,
                playlist=playlist.to(device),
                track=track.to(device),
                prior=self.model.prior_of(tracks),
                track_ids=tracks,
                negatives=others.long().view(-1, self.sampler.k).to(device),
                log_q=self._log_q(tracks),
            )
            yield with_hardest(batch, self.negatives)

    def _log_q(self, tracks: Tensor) -> Callable[[Tensor], Tensor] | None:
        sampler = self.sampler
        return (lambda rows: sampler.log_q(tracks[rows])) if isinstance(sampler, PopularityNegatives) else None

    def __len__(self) -> int:
        return len(self.loader)
