"""Training the rows of new playlists alone, a few steps, so that an update does not need an epoch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..corpus.corpus import Corpus, Mask
from ..models.embedding.trained import TrainedModel
from .batches.full import FullBatches
from .fit import trainer_of
from .options import TrainOptions

__all__ = ["settle"]

STEPS, STRIDE = 8, 1.0
"""Passes over the new playlists, and the learning rate in units of the root mean square of the fitted rows."""


def settle(
    model: TrainedModel,
    corpus: Corpus,
    options: TrainOptions,
    new: Mask,
    *,
    seed: int = 0,
    device: torch.device | None = None,
) -> bool:
    """Train the rows of some playlists by the objective of the fit, all else standing still.

    A pass takes only their pairs, mostly one step, and all tracks of the corpus compete. What a new playlist says of
    itself is weak in a graph model, a message to its tracks and back, so that the steps are long.

    Args:
        options: of the fit. What needs another model, or several epochs, is left out of them.
        new: (n_playlists,) True for the playlists that are trained.

    Returns:
        False where the model has no rows of playlists, or its batches come from sampled neighbours.
    """
    table = dict(model.tables).get("playlist")
    chosen = torch.from_numpy(new & (corpus.lengths > 0))
    if table is None or not chosen.any() or chosen.all():
        return False
    scale = float(table.detach()[~chosen].square().mean().sqrt())
    options = replace(options, lr=max(STRIDE * scale, 1e-6), epochs=STEPS, snapshot_epochs=(), message_edge_share=1.0)
    trainer = trainer_of(model, corpus, options, seed=seed, device=device)
    if not isinstance(trainer.batches, FullBatches):
        return False
    trainer.batches.keep_playlists(chosen)
    rows = chosen.to(table).unsqueeze(1)
    frozen = [parameter for parameter in model.parameters() if parameter is not table]
    for parameter in frozen:
        parameter.requires_grad_(False)

    def of_new(gradient: Tensor) -> Tensor:
        return gradient * rows

    hook = table.register_hook(of_new)
    try:
        for _ in range(STEPS):
            trainer.epoch(horizon=STEPS)
    finally:
        hook.remove()
        for parameter in frozen:
            parameter.requires_grad_(True)
    return True
