"""Batches of playlists with all their positives, which compete with all tracks or with a shared sample of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from ...config import require
from ...graph.negatives.random import PopularityNegatives
from ...models.embedding.model import EmbeddingModel
from ..negatives import edges_of
from .batch import PlaylistBatch, SharedBatch
from .full import FullBatches
from .pairs import Pairs, TrackColumns
from .plan import BatchPlan

if TYPE_CHECKING:
    from ...corpus.corpus import Corpus

__all__ = ["PlaylistBatches", "SharedBatches"]


class PlaylistBatches(FullBatches):
    """``batch_size`` playlists a step with all their supervised pairs.

    Where tracks are scored in contexts, each pair is a row of its own, and ``batch_size`` pairs are a batch.
    """

    divides: ClassVar[bool] = True

    def __init__(self, model: EmbeddingModel, corpus: Corpus, plan: BatchPlan) -> None:
        super().__init__(model, corpus, plan)
        self.columns = TrackColumns(corpus.n_tracks)

    def batches(self, pairs: Pairs, rest: Pairs | None, generator: torch.Generator) -> Iterator[PlaylistBatch]:
        if self.contexts is not None:
            for whole in self.shuffled(pairs, generator):
                playlist, track = self.plan.own(whole[0]), self.plan.own(whole[1])
                contexts = None if whole[2] is None else self.plan.own(whole[2])
                row, held = self.pairs.of_playlists(playlist)
                others = held != track[row]
                fields = self.embedded(playlist, track, contexts)
                yield self.batch(fields, playlist, (row[others], held[others]), generator)
            return
        playlists = pairs.degree.nonzero().squeeze(1)
        order = torch.randperm(len(playlists), generator=generator, device=playlists.device)
        groups = [self.plan.own(group) for group in self.plan.split(playlists[order])]
        sizes = torch.stack([pairs.degree[group].sum() for group in groups]).tolist()  # one look at the device an epoch
        for group, size in zip(groups, sizes):
            row, track = pairs.of_playlists(group, size)
            fields = self.embedded(group, track, None) | {"playlist": row}
            for name in ("vectors", "tables", "first_layer"):
                if fields[name] is not None:
                    fields[name] = fields[name][0].index_select(0, group), fields[name][1]
            yield self.batch(fields, group, None if rest is None else rest.of_playlists(group), generator)

    def batch(
        self,
        fields: dict[str, Any],
        playlists: Tensor,
        own: tuple[Tensor, Tensor] | None,
        generator: torch.Generator,
    ) -> PlaylistBatch:
        """The batch of some playlists, whose other tracks ``own`` are."""
        fields = {**fields, "playlist_ids": playlists, **self.looked.of(playlists)}
        return PlaylistBatch(**fields, own=own, columns=self.columns)

    def __len__(self) -> int:
        if self.contexts is not None:
            return super().__len__()
        return self.plan.n_batches(int((self.pairs.degree > 0).sum()))


class SharedBatches(PlaylistBatches):
    """Playlists with all their supervised pairs, and ``n`` tracks drawn for all of them by popularity^``power``."""

    def __init__(self, model: EmbeddingModel, corpus: Corpus, plan: BatchPlan, n: int, power: float) -> None:
        super().__init__(model, corpus, plan)
        require(n >= 1, "n_negatives", "at least 1", n)
        self.n, self.sampler = n, PopularityNegatives(*edges_of(corpus), power=power)

    def batch(
        self,
        fields: dict[str, Any],
        playlists: Tensor,
        own: tuple[Tensor, Tensor] | None,
        generator: torch.Generator,
    ) -> SharedBatch:
        drawn = self.sampler.shared(self.n, self.pairs.src.device, generator)
        candidates, counts = torch.unique(drawn, return_counts=True)
        rows, held = super().batch(fields, playlists, own, generator).held()
        column = self.columns(held, candidates)
        here = column >= 0
        return SharedBatch(
            **{**fields, "playlist_ids": playlists, **self.looked.of(playlists)},
            own=own,
            columns=self.columns,
            candidates=candidates,
            counts=counts,
            log_expected=self.sampler.log_q(candidates).float() + math.log(self.n),
            masked=(rows[here], column[here]),
        )
