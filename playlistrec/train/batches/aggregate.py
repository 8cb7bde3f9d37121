"""Batches of playlists whose tracks are divided into seeds and targets: a step costs what these playlists hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from ...config import require
from ...models.embedding.trained import torch_seed
from .batch import SharedBatch
from .pairs import TrackColumns
from .plan import BatchPlan

if TYPE_CHECKING:
    from ...corpus.corpus import Corpus
    from ...models.graph.aggregate import Aggregate

__all__ = ["AggregateBatches"]

SHARE = (0.1, 0.9)
"""Of a playlist's tracks, the share that are seeds: drawn between these, with at least one seed and one target."""


class AggregateBatches:
    """``batch_size`` playlists a step; the targets compete with ``n`` tracks drawn by popularity^``power`` for all.

    An epoch is one pass over the playlists with two or more entries. Every step draws from its own seed, so that an
    epoch can be taken up at any step.
    """

    regime: ClassVar[str] = "aggregate"
    seeks: ClassVar[bool] = True
    divides: ClassVar[bool] = True

    def __init__(self, model: Aggregate, corpus: Corpus, plan: BatchPlan, n: int, power: float) -> None:
        require(n >= 1, "n_negatives", "at least 1", n)
        self.model, self.plan, self.n = model, plan, n
        self.offsets = torch.from_numpy(np.array(corpus.offsets)).to(plan.device)
        self.tracks = torch.from_numpy(np.array(corpus.tracks)).to(plan.device)
        self.playlists = torch.nonzero(torch.from_numpy(corpus.lengths >= 2)).squeeze(1).to(plan.device)
        weights = corpus.popularity.astype(np.float64) ** power
        weights[corpus.popularity == 0] = 0
        self.upto = torch.from_numpy(np.cumsum(weights)).to(plan.device)
        self.log_q = torch.from_numpy(np.log(np.maximum(weights, 1e-300) / max(weights.sum(), 1e-300))).to(plan.device)
        self.columns = TrackColumns(corpus.n_tracks)

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed."""
        return torch_seed(seed)

    def state(self) -> dict[str, Tensor]:
        """Nothing passes from epoch to epoch."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """See :meth:`state`."""

    def __len__(self) -> int:
        return self.plan.n_batches(len(self.playlists))

    def epoch(self, seed: int, epoch: int, start: int = 0) -> Iterator[SharedBatch]:
        """One pass, from step ``start`` on."""
        generator = torch.Generator(self.plan.device).manual_seed(seed)
        order = torch.randperm(len(self.playlists), generator=generator, device=self.plan.device)
        for step, chosen in enumerate(self.plan.split(order)):
            if step >= start:
                generator.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1)[0]))
                yield self.batch(self.playlists[chosen], generator)

    def batch(self, playlists: Tensor, generator: torch.Generator) -> SharedBatch:
        """The batch of some playlists."""
        model, plan = self.model, self.plan
        row, track = self._held(playlists, model.n_tracks)
        lengths = torch.bincount(row, minlength=len(playlists))
        seed = self._seeds(row, lengths, generator)
        if plan.ranks > 1:  # all processes draw for the whole batch, so that their number changes nothing
            mine = row % plan.ranks == plan.rank
            row, track, seed = row[mine] // plan.ranks, track[mine], seed[mine]
            playlists, lengths = plan.own(playlists), plan.own(lengths)
        first = torch.bincount(row[seed], minlength=len(playlists)).cumsum(0)
        queries = model.compared(model.aggregate(track[seed], torch.cat([first.new_zeros(1), first[:-1]])))

        drawn = torch.rand(self.n, generator=generator, device=track.device, dtype=torch.float64) * self.upto[-1]
        ids, counts = torch.unique(torch.searchsorted(self.upto, drawn, right=True), return_counts=True)
        here = torch.unique(torch.cat([track[~seed], ids]))
        rows = model.track_rows(here)
        column, own = self.columns(track, ids), self.columns(track[seed], here)
        return SharedBatch(
            vectors=(queries, model.compared(rows)),
            tables=(queries, rows),
            playlist=row[~seed],
            track=torch.searchsorted(here, track[~seed]),
            prior=model.prior_of(here),
            track_ids=here,
            playlist_ids=playlists,
            reduced=plan.reduced,
            own=(row[seed][own >= 0], own[own >= 0]),
            columns=self.columns,
            lengths=lengths,
            candidates=torch.searchsorted(here, ids),
            counts=counts,
            log_expected=self.log_q[ids].float() + math.log(self.n),
            masked=(row[column >= 0], column[column >= 0]),
        )

    def _held(self, playlists: Tensor, n_tracks: int) -> tuple[Tensor, Tensor]:
        """The distinct tracks of playlists: (n,) positions in ``playlists``, ascending, and tracks."""
        first, counts = self.offsets[playlists], self.offsets[playlists + 1] - self.offsets[playlists]
        row = torch.repeat_interleave(torch.arange(len(playlists), device=playlists.device), counts)
        at = torch.arange(len(row), device=row.device) + (first - (counts.cumsum(0) - counts))[row]
        keys = torch.unique(row * n_tracks + self.tracks[at])
        return keys // n_tracks, keys % n_tracks

    def _seeds(self, row: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        """(n,) true for a random part of each playlist's tracks; a playlist of one track has a target and no seed."""
        low, high = SHARE
        share = low + (high - low) * torch.rand(len(lengths), generator=generator, device=row.device)
        wanted = (share * lengths).round().long().clamp(min=1).minimum(lengths - 1)
        order = torch.argsort(row + torch.rand(len(row), generator=generator, device=row.device, dtype=torch.float64))
        place = torch.arange(len(row), device=row.device) - (lengths.cumsum(0) - lengths)[row]
        seed = torch.zeros(len(row), dtype=torch.bool, device=row.device)
        seed[order] = place < wanted[row]
        return seed
