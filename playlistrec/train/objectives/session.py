"""What a session-parallel batch is worth: the loss that the options name, and the penalty."""

from __future__ import annotations

import torch
from torch import Tensor

from ..batches.sessions import SessionBatch, SessionBatches
from ..losses.formulas import l2_penalty, softmax
from ..losses.shared_candidates import bpr_max, shared_bpr
from ..options import TrainOptions

__all__ = ["SessionObjective"]


class SessionObjective:
    """Turns a batch into the loss to show and the objective to minimise.

    At the end of an epoch, when rows run out of playlists, batches are small: the objective is their loss times the
    share of a whole batch that they are, so that a track weighs the same wherever it is.
    """

    def __init__(self, options: TrainOptions, batches: SessionBatches) -> None:
        self.options, self.model = options, batches.model
        self.size = batches.n_rows * batches.model.config.unroll

    def __call__(self, batch: SessionBatch) -> tuple[Tensor, Tensor]:
        """The loss, and what is minimised."""
        n, output = len(batch.states), self.model.output.index_select(0, batch.candidates)
        keys = self.model.keys(output, self.model.bias.index_select(0, batch.candidates))
        loss = self._loss(batch, self.model.queries(batch.states), keys)
        objective = loss
        if self.options.l2:
            inputs = self.model.tables["track"].index_select(0, batch.track)
            objective = objective + self.options.l2 * l2_penalty([inputs, output], n)
        return loss, objective * (n / self.size)

    def _loss(self, batch: SessionBatch, queries: Tensor, keys: Tensor) -> Tensor:
        options = self.options
        if options.loss == "bpr":
            return shared_bpr(queries @ keys.T, batch.target, batch.counts)
        if options.loss == "bpr-max":
            return bpr_max(queries @ keys.T, batch.target, batch.counts, options.bpr_max_reg)
        each = torch.arange(len(queries), device=queries.device)
        bias = batch.counts.log() - options.logq_correction * batch.log_expected
        return softmax(queries / options.temperature, keys, (each, batch.target), bias=bias)
