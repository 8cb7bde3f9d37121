"""Fitting a model: epochs of the trainer, validation, the best epoch kept, a checkpoint after every epoch."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from ..corpus.corpus import Corpus
from ..errors import DataError, RunError
from ..events import Event, OnEvent, ignore
from ..models.embedding.model import Vectors
from ..models.embedding.trained import TrainedModel
from .checkpoint import FitState, read_checkpoint, write_history
from .loop import Loop
from .options import TrainOptions
from .ranks import ALONE, Ranks
from .registry import objective_of, precision_of, regime_of, schedule_of
from .snapshots import write_snapshot
from .trainer import Trainer, Validate

__all__ = ["fit", "trainer_of"]


def trainer_of(
    model: TrainedModel,
    corpus: Corpus,
    options: TrainOptions,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    teacher_vectors: Vectors | None = None,
    ranks: Ranks = ALONE,
) -> Trainer:
    """The trainer that the options describe. Arguments and errors: see :func:`fit`."""
    device = device or torch.device("cpu")
    if teacher_vectors is not None:
        teacher_vectors = teacher_vectors[0].to(device), teacher_vectors[1].to(device)
    return Trainer(
        model,
        corpus,
        objective_of(options, model, teacher_vectors),
        lr=options.lr,
        weight_decay=options.weight_decay,
        schedule=schedule_of(options),
        batch_size=options.batch_size,
        regime=regime_of(options),
        precision=precision_of(options),
        seed=seed,
        device=device,
        ranks=ranks,
    )


def fit(
    model: TrainedModel,
    corpus: Corpus,
    options: TrainOptions,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    teacher_vectors: Vectors | None = None,
    validate: Validate | None = None,
    folder: Path | None = None,
    resume: bool = False,
    time_limit: float | None = None,
    checkpoint_every: float | None = None,
    last_epoch: int | None = None,
    ranks: Ranks = ALONE,
    on_event: OnEvent = ignore,
) -> FitState:
    """Fit ``model`` to the pairs of ``corpus`` and leave it with the weights of its best epoch.

    Args:
        model: built from ``corpus``, whose entries are all there is to learn from.
        corpus: the training entries.
        teacher_vectors: final vectors of all playlists and all tracks of the run that ``options.teacher`` names; their
            dot products are its scores.
        validate: metrics of the model, ``options.criterion`` among them: its best decides which epoch is kept and
            when to stop. Without it the last epoch is kept. All of ``ranks`` call it together, and the first's count.
        folder: where ``weights.npz`` (best epoch), ``checkpoint.npz``, ``history.jsonl``, ``timing.jsonl`` and
            ``snapshots`` (the tracks' vectors after ``options.snapshot_epochs``) go.
        resume: continue from ``folder``'s checkpoint, to the same numbers as an uninterrupted fit.
        time_limit: seconds after which training ends, within an epoch too; the model is validated then.
        checkpoint_every: seconds between checkpoints within an epoch, where its batches can begin at any step.
        ranks: the processes that fit together; the first writes the folder, and its clock and validation count.
        last_epoch: stop after this epoch, with the learning rates and pools that ``options.epochs`` would give.

    Raises:
        DataError: there is nothing to learn from. RunError: no checkpoint to resume from, or the loss diverged;
            the checkpoint of the epoch before is then as it was.
    """
    start = time.perf_counter()
    if resume and folder is None:
        raise RunError("resume needs the folder the fit was saved in")
    if not corpus.n_entries:
        raise DataError("there are no training entries to fit on")
    trainer = trainer_of(model, corpus, options, seed=seed, device=device, teacher_vectors=teacher_vectors, ranks=ranks)
    if validate is not None and ranks.size > 1:
        validate = _alike(validate, ranks)
    limits = None if time_limit is None else start + time_limit, checkpoint_every
    loop = Loop(trainer, options, validate, folder, last_epoch or options.epochs, limits, on_event)
    if resume and folder is not None:
        loop.state, loop.best, loop.losses = read_checkpoint(folder, trainer)
        if loop.folder is not None:
            write_history(folder, loop.state)  # a kill may have come between it and the checkpoint
        if loop.state.stopped == "patience":
            return loop.finish()
    batches = trainer.batches
    on_event(
        Event("message", f"{len(corpus.pairs[0]):,} pairs, {len(batches):,} steps an epoch, {batches.regime} regime")
    )
    if loop.folder is not None and not loop.state.epoch and 0 in options.snapshot_epochs:
        write_snapshot(loop.folder, model.eval(), 0)
    loop.state.stopped = None
    while loop.state.stopped is None:
        if loop.state.epoch >= loop.last:
            loop.state.stopped = "epochs"
            break
        loop.epoch()
    return loop.finish()


def _alike(validate: Validate, ranks: Ranks) -> Validate:
    return lambda model: ranks.same(dict(validate(model)))
