"""What a batch is worth: the loss that the options name, the penalty and the contrastive term."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...config import require
from ...graph.negatives.hard import hardest
from ...graph.negatives.random import PopularityNegatives
from ...models.embedding.model import Vectors
from ..batches.pairs import Pairs
from ..batches.regimes import Batch, FullBatches, SampledBatches
from ..losses.formulas import (
    LOSSES,
    alignment,
    contrast,
    distillation_loss,
    l2_penalty,
    sampled_softmax,
    shared_softmax,
    softmax,
    uniformity,
)
from ..options import TrainOptions

__all__ = ["PRECISIONS", "Objective"]

Candidates = tuple[Tensor, Tensor, tuple[Tensor, Tensor]]

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
"""Type of the propagation and of the products of softmax, by option."""


class Objective:
    """Turns a batch into the loss to show and the objective to minimise.

    Args:
        teacher: final vectors of all playlists and tracks that ``options.teacher`` stands for; their dot products are
            its scores.
    """

    def __init__(
        self, options: TrainOptions, batches: FullBatches | SampledBatches, teacher: Vectors | None = None
    ) -> None:
        given = (teacher is not None) == bool(options.teacher)
        require(given, "teacher", "a run whose vectors are given, or empty", options.teacher)
        self.teacher = teacher
        self.options = options
        self.model, self.sampler = batches.model, batches.sampler
        self.pairs: Pairs | None = batches.pairs if isinstance(batches, FullBatches) else None
        self.column: Tensor | None = None
        self.reduced = None if options.precision == "float32" else PRECISIONS[options.precision]

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The loss, and the loss with all that is added to it."""
        options = self.options
        if options.hard_negative_candidates and batch.negatives is not None:
            wanted = batch.vectors[0].index_select(0, batch.playlist)
            wanted, tracks = self.model.with_prior(wanted, batch.vectors[1], batch.track_ids)
            batch = replace(batch, negatives=hardest(wanted, batch.negatives, tracks, options.n_negatives))
        among = None if batch.shared is None else self._candidates(batch, batch.shared)
        loss = self._loss(batch) if among is None else self._among_shared(batch, among)
        objective = loss
        if options.l2:
            objective = objective + options.l2 * self._penalty(batch)
        if options.symmetric_weight:
            objective = objective + options.symmetric_weight * self._reverse(batch)
        if self.teacher is not None:
            assert among is not None, "a teacher needs negatives=shared"
            objective = objective + options.teacher_weight * self._distillation(batch, among, self.teacher)
        if options.contrast:
            objective = objective + options.contrast * self._contrast(batch)
        return loss, objective

    def _loss(self, batch: Batch) -> Tensor:
        playlists, tracks = batch.vectors
        if batch.every:
            prior, temperature = self.model.prior_of(batch.track_ids), self.options.temperature
            bias = None if prior is None else prior / temperature
            pairs, weights = (batch.playlist, batch.track), self._weights(batch)
            queries = playlists / temperature
            return softmax(queries, tracks, pairs, weights=weights, bias=bias, masked=batch.own, reduced=self.reduced)
        # index_select: its backward is several times faster on CPU than that of indexing or F.embedding.
        wanted = playlists.index_select(0, batch.playlist)
        if self.options.loss == "directau":
            wanted, positive = F.normalize(wanted), F.normalize(tracks.index_select(0, batch.track))
            spread = (uniformity(wanted) + uniformity(positive)) / 2
            return alignment(wanted, positive) + self.options.uniformity * spread
        if batch.negatives is None:
            return self._in_batch(batch, wanted)
        return self._pairwise(batch, wanted, batch.negatives)

    def _pairwise(self, batch: Batch, wanted: Tensor, others: Tensor) -> Tensor:
        options, (_, tracks) = self.options, batch.vectors
        positive = (wanted * tracks.index_select(0, batch.track)).sum(-1)
        drawn = tracks.index_select(0, others.reshape(-1)).view(*others.shape, -1)
        negative = (wanted.unsqueeze(1) * drawn).sum(-1)
        if (prior := self.model.prior_of(batch.track_ids)) is not None:
            positive, negative = positive + prior[batch.track], negative + prior[others]
        if options.loss != "softmax":
            return LOSSES[options.loss](positive, negative)
        positive, negative = positive / options.temperature, negative / options.temperature
        if options.logq_correction and isinstance(self.sampler, PopularityNegatives):  # uniform draws need none
            positive = positive - options.logq_correction * self.sampler.log_q(_ids(batch.track, batch.track_ids))
            negative = negative - options.logq_correction * self.sampler.log_q(_ids(others, batch.track_ids))
        return sampled_softmax(positive, negative)

    def _in_batch(self, batch: Batch, wanted: Tensor) -> Tensor:
        """Softmax over the distinct tracks of the batch, each as often as it occurs, less the playlist's own."""
        options, pairs = self.options, self.pairs
        assert pairs is not None, "in-batch negatives are for the full regime"
        candidates, target, count = torch.unique(batch.track, return_inverse=True, return_counts=True)
        bias = count.float().log()
        if options.logq_correction:
            bias = bias - options.logq_correction * pairs.log_popularity[candidates]
        if (prior := self.model.prior_of(batch.track_ids)) is not None:
            bias = bias + prior[candidates] / options.temperature
        row, track = pairs.of_playlists(_ids(batch.playlist, batch.playlist_ids))
        column = self._columns(track, candidates)
        own = (column >= 0) & (column != target[row])
        keys = batch.vectors[1].index_select(0, candidates)
        each = torch.arange(len(wanted), device=wanted.device)
        masked = row[own], column[own]
        queries = wanted / options.temperature
        return softmax(queries, keys, (each, target), bias=bias, masked=masked, reduced=self.reduced)

    def _among_shared(self, batch: Batch, among: Candidates) -> Tensor:
        """Softmax of each pair among the tracks drawn for all playlists, less the playlist's own."""
        options = self.options
        (playlists, tracks), prior = batch.vectors, self.model.prior_of(None)
        candidates, bias, own = among
        queries = playlists / options.temperature
        asked = queries.index_select(0, batch.playlist)
        positive = (asked * tracks.index_select(0, batch.track)).sum(-1)
        if prior is not None:
            bias = bias + prior[candidates] / options.temperature
            positive = positive + prior[batch.track] / options.temperature
        return shared_softmax(
            queries,
            tracks.index_select(0, candidates),
            positive,
            batch.playlist,
            bias=bias,
            masked=own,
            weights=self._weights(batch),
            reduced=self.reduced,
        )

    def _candidates(self, batch: Batch, drawn: Tensor) -> Candidates:
        """The distinct drawn tracks, the corrections of their logits, and rows and columns of what a playlist holds."""
        sampler = self.sampler
        assert isinstance(sampler, PopularityNegatives), "the sampler of shared negatives"
        candidates, count = torch.unique(drawn, return_counts=True)
        bias = count.log() - self.options.logq_correction * (sampler.log_q(candidates).float() + math.log(len(drawn)))
        rows, own = _held(batch)
        column = self._columns(own, candidates)
        here = column >= 0
        return candidates, bias, (rows[here], column[here])

    def _distillation(self, batch: Batch, among: Candidates, teacher: Vectors) -> Tensor:
        """How far the softmax of the scores is from the teacher's, playlists weighing as much as all their pairs."""
        (playlists, tracks), temperature = batch.vectors, self.options.teacher_temperature
        rows = torch.arange(len(playlists), device=playlists.device)
        candidates, bias, own = among
        prior = self.model.prior_of(candidates)
        weights = self._weights(batch)
        if weights is None:
            weights = torch.full_like(batch.playlist, 1 / len(batch.playlist), dtype=playlists.dtype)
        return distillation_loss(
            (playlists / temperature, tracks.index_select(0, candidates)),
            (teacher[0][_ids(rows, batch.playlist_ids)] / temperature, teacher[1][candidates]),
            weights.new_zeros(len(rows)).index_add_(0, batch.playlist, weights),
            student_bias=bias if prior is None else bias + prior / temperature,
            teacher_bias=bias,
            masked=own,
            reduced=self.reduced,
        )

    def _reverse(self, batch: Batch) -> Tensor:
        """Softmax of each pair's playlist among those of the batch that do not hold its track.

        The other half of a loss over pairs of two views, as in Radford et al. 2021 (CLIP), figure 3.
        """
        playlists, tracks = batch.vectors
        asking, row = torch.unique(batch.track, return_inverse=True)
        order = torch.argsort(row, stable=True)
        masked = None
        if batch.own is not None:
            row_of = self._columns(batch.own[1], asking)
            here = row_of >= 0
            held, by = torch.sort(row_of[here], stable=True)
            masked = held, batch.own[0][here][by]
        queries = tracks.index_select(0, asking) / self.options.temperature
        pairs = row[order], batch.playlist[order]
        return softmax(queries, playlists, pairs, masked=masked, reduced=self.reduced)

    def _weights(self, batch: Batch) -> Tensor | None:
        """What the pairs of a batch weigh by the length of their playlists, 1 in all; none where they weigh alike."""
        if not self.options.length_weight_exponent:
            return None
        rows, _ = _held(batch)
        length = torch.bincount(rows, minlength=len(batch.vectors[0])).to(batch.vectors[0].dtype)
        weights = length[batch.playlist] ** -self.options.length_weight_exponent
        return weights / weights.sum()

    def _columns(self, tracks: Tensor, candidates: Tensor) -> Tensor:
        """Where tracks stand among the candidates, -1 where they do not."""
        if self.column is None:
            self.column = torch.full((self.model.n_tracks,), -1, device=candidates.device)
        self.column[candidates] = torch.arange(len(candidates), device=candidates.device)
        column = self.column[tracks]
        self.column[candidates] = -1
        return column

    def _penalty(self, batch: Batch) -> Tensor:
        playlists, tracks = batch.tables
        if batch.every:
            return l2_penalty([playlists], len(playlists)) + l2_penalty([tracks], len(tracks))
        touched = [playlists.index_select(0, batch.playlist), tracks.index_select(0, batch.track)]
        if batch.negatives is not None:
            touched.append(tracks.index_select(0, batch.negatives.reshape(-1)))
        return l2_penalty(touched, len(batch.playlist))

    def _contrast(self, batch: Batch) -> Tensor:
        assert batch.first is not None, "batches bring it where the contrast has a weight"
        total = torch.zeros((), device=batch.playlist.device)
        for rows, last, first in zip((batch.playlist, batch.track), batch.vectors, batch.first):
            chosen = torch.unique(rows)
            total = total + contrast(
                last.index_select(0, chosen), first.index_select(0, chosen), self.options.contrast_temperature
            )
        return total


def _held(batch: Batch) -> tuple[Tensor, Tensor]:
    """Rows and tracks of what the playlists of a batch hold, asked for or not."""
    if batch.own is None:
        return batch.playlist, batch.track
    return torch.cat([batch.playlist, batch.own[0]]), torch.cat([batch.track, batch.own[1]])


def _ids(rows: Tensor, ids: Tensor | None) -> Tensor:
    """What the rows of a batch are in the corpus."""
    return rows if ids is None else ids[rows]
