"""Batches whose vectors come from propagating over the whole graph each step; models without a graph look theirs up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from torch import Tensor

from ...graph.negatives.hard import hardest
from ...graph.negatives.random import PopularityNegatives
from ...models.embedding.model import EmbeddingModel
from ...models.embedding.trained import torch_seed
from ...models.score_vectors import ScoreVectors
from ..negatives import Negatives
from .batch import Batch, InBatchBatch, PairBatch
from .look import Looked
from .pairs import Pairs, TrackColumns
from .plan import BatchPlan

if TYPE_CHECKING:  # models.graph imports DGL, which models without a graph do not need
    from ...corpus.corpus import Corpus
    from ...models.graph.model import GraphModel

__all__ = ["FullBatches", "InBatchBatches", "PairBatches", "PositiveBatches", "with_hardest"]


DIVISION = 0
"""Seed of a division into message and supervision edges that stays the same over a fit."""


class FullBatches(ABC):
    """Base of the batches of the full regime: an epoch is one pass over the supervised pairs in random order."""

    regime: ClassVar[str] = "full"
    seeks: ClassVar[bool] = False
    divides: ClassVar[bool] = False

    def __init__(self, model: EmbeddingModel, corpus: Corpus, plan: BatchPlan) -> None:
        self.model, self.plan = model, plan
        self.pairs, self.looked = Pairs.of(corpus, plan.device), Looked(plan.look)
        contexts = model.contexts(corpus)
        self.contexts = None if contexts is None else contexts.to(plan.device)

    def keep_playlists(self, chosen: Tensor) -> None:
        """Supervise the pairs of some playlists alone, (n_playlists,); what negatives are drawn from stays whole."""
        kept = chosen.to(self.pairs.src.device)[self.pairs.src]
        self.pairs = self.pairs.where(kept)
        self.contexts = None if self.contexts is None else self.contexts[kept.to(self.contexts.device)]

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed."""
        return torch_seed(seed)

    def state(self) -> dict[str, Tensor]:
        """Tensors that pass from epoch to epoch, for a checkpoint."""
        return self.looked.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        self.looked.restore(state)

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """One pass; ``epoch`` counts from 0."""
        device, share = self.pairs.src.device, self.plan.message_edge_share
        generator = torch.Generator(device).manual_seed(seed)
        self.refresh(epoch, generator)
        if share == 1:
            yield from self.batches(self.pairs, None, generator)
            return
        dividing = torch.Generator(device).manual_seed(DIVISION) if self.plan.message_edges_fixed else generator
        supervised = torch.randperm(len(self.pairs), generator=dividing, device=device) < self.n_supervised
        with cast("GraphModel", self.model).messages(~supervised):
            yield from self.batches(self.pairs.where(supervised), self.pairs.where(~supervised), generator)

    def refresh(self, epoch: int, generator: torch.Generator) -> None:
        """Bring up to date what passes from epoch to epoch."""
        self.looked.refresh(self.model, self.pairs, epoch)

    @abstractmethod
    def batches(self, pairs: Pairs, rest: Pairs | None, generator: torch.Generator) -> Iterator[Batch]:
        """Batches of the supervised ``pairs``; the ``rest`` pass messages, and are no negatives either."""

    @property
    def n_supervised(self) -> int:
        """Supervised pairs of an epoch, at least one."""
        n, share = len(self.pairs), self.plan.message_edge_share
        return n if share == 1 else max(1, round(n * (1 - share)))

    def __len__(self) -> int:
        return self.plan.n_batches(self.n_supervised)

    def shuffled(self, pairs: Pairs, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Playlists, tracks and contexts of ``batch_size`` pairs at a time, in random order."""
        order = torch.randperm(len(pairs), generator=generator, device=pairs.src.device)
        for chosen in self.plan.split(order):
            yield pairs.src[chosen], pairs.dst[chosen], None if self.contexts is None else self.contexts[chosen]

    def embedded(self, playlist: Tensor, track: Tensor, contexts: Tensor | None) -> dict[str, Any]:
        """The fields that every batch of these pairs has. In contexts, each pair has a row of playlists of its own."""
        first_layer = playlist_ids = None
        if contexts is not None:
            playlist_ids = playlist
            vectors, tables = self.model.embed_pairs(playlist, contexts)
            playlist = torch.arange(len(playlist), device=playlist.device)
        else:
            if self.plan.noise is not None:
                vectors, first_layer = cast("GraphModel", self.model).contrastive_views(self.plan.noise)
            else:
                vectors = self.model.embed()
            tables = self.model.regularised_embeddings()
        return {
            **{"vectors": vectors, "tables": tables, "playlist": playlist, "track": track},
            **{"prior": self.model.prior_of(None), "first_layer": first_layer, "reduced": self.plan.reduced},
            "playlist_ids": playlist_ids,
        }


class PositiveBatches(FullBatches):
    """Pairs without negatives."""

    def batches(self, pairs: Pairs, rest: Pairs | None, generator: torch.Generator) -> Iterator[Batch]:
        for playlist, track, contexts in self.shuffled(pairs, generator):
            yield Batch(**self.embedded(playlist, track, contexts))


class PairBatches(FullBatches):
    """Pairs with negatives drawn for each."""

    divides: ClassVar[bool] = True

    def __init__(self, model: EmbeddingModel, corpus: Corpus, plan: BatchPlan, negatives: Negatives) -> None:
        super().__init__(model, corpus, plan)
        self.negatives, self.sampler = negatives, negatives.sampler(corpus)

    def batches(self, pairs: Pairs, rest: Pairs | None, generator: torch.Generator) -> Iterator[PairBatch]:
        log_q = self.sampler.log_q if isinstance(self.sampler, PopularityNegatives) else None
        for playlist, track, contexts in self.shuffled(pairs, generator):
            # Drawn for the whole batch, so that the number of processes changes nothing.
            drawn = self.plan.own(self.negatives.draw(self.sampler, playlist, track, generator))
            playlist, track = self.plan.own(playlist), self.plan.own(track)
            contexts = None if contexts is None else self.plan.own(contexts)
            batch = PairBatch(**self.embedded(playlist, track, contexts), negatives=drawn, log_q=log_q)
            yield with_hardest(batch, self.negatives)

    def refresh(self, epoch: int, generator: torch.Generator) -> None:
        self.negatives.refresh(self.sampler, self.model, epoch, generator)

    def state(self) -> dict[str, Tensor]:
        return self.sampler.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.sampler.restore(state)


class InBatchBatches(FullBatches):
    """Pairs that compete with each other's tracks."""

    def __init__(self, model: EmbeddingModel, corpus: Corpus, plan: BatchPlan) -> None:
        super().__init__(model, corpus, plan)
        self.columns = TrackColumns(corpus.n_tracks)

    def batches(self, pairs: Pairs, rest: Pairs | None, generator: torch.Generator) -> Iterator[InBatchBatch]:
        for playlist, track, contexts in self.shuffled(pairs, generator):
            candidates, target, counts = torch.unique(track, return_inverse=True, return_counts=True)
            row, held = self.pairs.of_playlists(playlist)
            column = self.columns(held, candidates)
            own = (column >= 0) & (column != target[row])
            yield InBatchBatch(
                **self.embedded(playlist, track, contexts),
                **self.looked.of(playlist),
                candidates=candidates,
                counts=counts,
                target=target,
                masked=(row[own], column[own]),
                log_popularity=self.pairs.log_popularity[candidates],
            )


def with_hardest(batch: PairBatch, negatives: Negatives) -> PairBatch:
    """The batch with the hardest of its negatives alone, where that is what the negatives are to be."""
    if not negatives.hardest_of:
        return batch
    queries, tracks = ScoreVectors(batch.queries, batch.vectors[1], batch.prior).padded()
    return batch.keeping(hardest(queries, batch.negatives, tracks, negatives.n))
