"""Training the rows of new playlists alone, a few steps, so that an update does not need an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from ..corpus.corpus import Corpus, Mask
from ..models.embedding.trained import TrainedModel
from .batches.full import FullBatches
from .fit import trainer_of
from .options import TrainOptions

__all__ = ["PASSES", "settle"]

PASSES, EVERY, STRIDE = 8, 2, 1.0
"""Passes over the new playlists, after how many they are validated, and the learning rate in units of the root mean
square of the fitted rows."""


def settle(
    model: TrainedModel,
    corpus: Corpus,
    options: TrainOptions,
    new: Mask,
    *,
    passes: int = PASSES,
    validate: Callable[[TrainedModel], float] | None = None,
    seed: int = 0,
    device: torch.device | None = None,
) -> int:
    """Train the rows of some playlists by the objective of the fit, all else standing still.

    A pass takes only their pairs, mostly one step, and all tracks of the corpus compete. What a new playlist says of
    itself is weak in a graph model, a message to its tracks and back, so that the steps are long.

    Args:
        options: of the fit. What needs another model, or several epochs, is left out of them.
        new: (n_playlists,) True for the playlists that are trained.
        passes: at most.
        validate: called before the first pass and after every second; the rows of its best are kept. None: the last.

    Returns:
        The passes that were kept; 0 where the model has no rows of playlists, or its batches come from sampled
        neighbours.
    """
    table = dict(model.tables).get("playlist")
    chosen = torch.from_numpy(new & (corpus.lengths > 0))
    if table is None or not passes or not chosen.any() or chosen.all():
        return 0
    scale = float(table.detach()[~chosen].square().mean().sqrt())
    options = replace(options, lr=max(STRIDE * scale, 1e-6), epochs=passes, snapshot_epochs=(), message_edge_share=1.0)
    trainer = trainer_of(model, corpus, options, seed=seed, device=device)
    if not isinstance(trainer.batches, FullBatches):
        return 0
    trainer.batches.keep_playlists(chosen)
    model.eval()
    best, kept, rows = None if validate is None else validate(model), 0, table.detach().clone()
    with _only(model, table, chosen):
        for done in range(1, passes + 1):
            trainer.epoch(horizon=passes)
            if validate is not None and done % EVERY and done < passes:
                continue
            found = None if validate is None else validate(model)
            if found is None or best is None or found > best:
                best, kept, rows = found, done, table.detach().clone()
    with torch.no_grad():
        table.copy_(rows)
    model.eval()
    return kept


@contextmanager
def _only(model: TrainedModel, table: Tensor, chosen: Tensor) -> Iterator[None]:
    """Within this block only the chosen rows of a table have gradients."""
    rows = chosen.to(table).unsqueeze(1)
    frozen = [parameter for parameter in model.parameters() if parameter is not table]
    for parameter in frozen:
        parameter.requires_grad_(False)
    hook = table.register_hook(lambda gradient: gradient * rows)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        hook.remove()
        for parameter in frozen:
            parameter.requires_grad_(True)
