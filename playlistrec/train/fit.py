"""Fitting a model: epochs of the trainer, validation, the best epoch kept, a checkpoint after every epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from ..corpus.corpus import Corpus
from ..errors import DataError, RunError
from ..events import Event, OnEvent, ignore
from ..models.embedding.model import Vectors
from ..models.embedding.trained import TrainedModel
from ..storage import Arrays, write_arrays
from .checkpoint import BEFORE, FitState, copied, load_weights, read_checkpoint, write_checkpoint, write_history
from .options import TrainOptions
from .registry import objective_of, precision_of, regime_of, schedule_of
from .snapshots import write_snapshot
from .trainer import Trainer, Validate

__all__ = ["fit", "trainer_of"]

TIMED, LONG = 3, 1800.0
"""Steps after which the time of an epoch is estimated, and seconds of it that are worth a warning."""


def trainer_of(
    model: TrainedModel,
    corpus: Corpus,
    options: TrainOptions,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    teacher_vectors: Vectors | None = None,
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
        schedule=schedule_of(options),
        batch_size=options.batch_size,
        regime=regime_of(options),
        precision=precision_of(options),
        seed=seed,
        device=device,
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
    on_event: OnEvent = ignore,
) -> FitState:
    """Fit ``model`` to the pairs of ``corpus`` and leave it with the weights of its best epoch.

    Args:
        model: built from ``corpus``, whose entries are all there is to learn from.
        corpus: the training entries.
        teacher_vectors: final vectors of all playlists and all tracks of the run that ``options.teacher`` names; their
            dot products are its scores.
        validate: metrics of the model, ``options.criterion`` among them: its best decides which epoch is kept and
            when to stop. Without it the last epoch is kept.
        folder: where ``weights.npz`` (best epoch), ``checkpoint.npz``, ``history.jsonl``, ``timing.jsonl`` and
            ``snapshots`` (the tracks' vectors after ``options.snapshot_epochs``) go.
        resume: continue from ``folder``'s checkpoint, to the same numbers as an uninterrupted fit.
        time_limit: seconds after which training ends, within an epoch too; the model is validated then.
        checkpoint_every: seconds between checkpoints within an epoch, where its batches can begin at any step.
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
    trainer = trainer_of(model, corpus, options, seed=seed, device=device, teacher_vectors=teacher_vectors)
    limits = None if time_limit is None else start + time_limit, checkpoint_every
    loop = _Loop(trainer, options, validate, folder, last_epoch or options.epochs, limits, on_event)
    if resume and folder is not None:
        loop.state, loop.best, loop.losses = read_checkpoint(folder, trainer)
        write_history(folder, loop.state)  # a kill may have come between it and the checkpoint
        if loop.state.stopped == "patience":
            return loop.finish()
    batches = trainer.batches
    on_event(
        Event("message", f"{len(corpus.pairs[0]):,} pairs, {len(batches):,} steps an epoch, {batches.regime} regime")
    )
    if folder is not None and not loop.state.epoch and 0 in options.snapshot_epochs:
        write_snapshot(folder, model.eval(), 0)
    loop.state.stopped = None
    while loop.state.stopped is None:
        if loop.state.epoch >= loop.last:
            loop.state.stopped = "epochs"
            break
        loop.epoch()
    return loop.finish()


class _Loop:
    """The state of one call of :func:`fit`, an epoch at a time."""

    def __init__(
        self,
        trainer: Trainer,
        options: TrainOptions,
        validate: Validate | None,
        folder: Path | None,
        last: int,
        limits: tuple[float | None, float | None],
        on_event: OnEvent,
    ) -> None:
        self.trainer, self.options, self.validate = trainer, options, validate
        self.folder, self.last, self.on_event = folder, last, on_event
        self.until, self.every = limits
        self.losses: list[torch.Tensor] = []
        self.written = time.perf_counter()
        self.state = FitState()
        self.best: Arrays | None = None

    def stop(self, losses: list[torch.Tensor]) -> bool:
        """After a step: write a checkpoint where one is due, and say if time is up."""
        now, seeks = time.perf_counter(), self.trainer.batches.seeks
        if len(losses) == TIMED and not self.state.epoch:
            self._estimate((now - self.began) / TIMED * len(self.trainer.batches))
        over = self.until is not None and now >= self.until
        due = self.every is not None and now - self.written >= self.every
        if self.folder is not None and seeks and (over or due):
            write_checkpoint(self.folder, self.trainer, self.state, losses)
            self.written = time.perf_counter()
        return over

    def _estimate(self, seconds: float) -> None:
        """Say how long an epoch takes, and warn where that is too long for a model that sees the whole graph."""
        text = f"an epoch takes about {seconds / 60:.0f} minutes" if seconds >= 90 else ""
        if seconds >= LONG and self.trainer.model.propagates:
            self.on_event(Event("warning", f"{text}: for data of this size there is the model aggregate"))
        elif text:
            self.on_event(Event("message", text))

    def epoch(self) -> None:
        """Train, validate and keep one epoch, and note if it was the last."""
        options, state, model = self.options, self.state, self.trainer.model
        began = time.perf_counter()
        if self.folder is not None and self.until is not None and not state.epoch and not self.losses:
            write_checkpoint(self.folder, self.trainer, state)  # to resume from if time is up within the first epoch
        losses, self.losses = self.losses, []
        self.began = time.perf_counter()
        record = self.trainer.epoch(horizon=options.epochs, on_event=self.on_event, losses=losses, stop=self.stop)
        whole = self.trainer.done > state.epoch
        state.epoch = self.trainer.done
        if wrong := self.trainer.diverged(record["loss"]):
            before = (
                ""
                if self.folder is None or state.epoch == 1
                else (f"; {self.folder} keeps epoch {state.epoch - 1}: resume it with a lower lr")
            )
            raise RunError(wrong + before)
        if not whole:
            self._cut_off(record, began)
            return
        improved = self.validate is None
        if self.validate is not None and state.epoch % options.eval_every == 0:
            record.update(self.validate(model))
            improved = state.best is None or record[options.criterion] > state.best
            state.waited = 0 if improved else state.waited + 1
        if improved:
            state.best, state.best_epoch = record.get(options.criterion), state.epoch
            self.best = copied(model.state())
        if state.waited >= options.patience:
            state.stopped = "patience"
        elif self.until is not None and time.perf_counter() >= self.until:
            state.stopped = "time"
        state.history.append(record)
        state.seconds.append(round(time.perf_counter() - began, 3))
        if self.folder is not None:
            self._keep(self.folder, improved)
        self._tell(record)

    def _cut_off(self, record: dict[str, float], began: float) -> None:
        """Time is up within an epoch: validate and keep the model, and leave the checkpoint as it is."""
        state, model = self.state, self.trainer.model
        state.stopped = "time"
        if self.validate is not None:
            record.update(self.validate(model))
        if self.validate is None or state.best is None or record[self.options.criterion] > state.best:
            if self.folder is not None:
                if self.best is not None:  # a resumed fit goes back to it
                    write_arrays(self.folder / BEFORE, self.best, {"epoch": state.best_epoch})
                write_arrays(self.folder / "weights.npz", model.state(), {"epoch": state.epoch + 1})
            state.best, state.best_epoch = record.get(self.options.criterion), state.epoch + 1
            self.best = copied(model.state())
        state.history.append(record)
        state.seconds.append(round(time.perf_counter() - began, 3))
        if self.folder is not None:
            write_history(self.folder, state)
        self._tell(record)

    def _tell(self, record: dict[str, float]) -> None:
        state = self.state
        about: dict[str, Any] = {
            **{"seconds": state.seconds[-1], "best_epoch": state.best_epoch},
            **{"best": state.best, "epochs": self.last},
        }
        self.on_event(Event("epoch", data={**record, **about}))

    def finish(self) -> FitState:
        """Leave the model with the weights of the best epoch."""
        state, model = self.state, self.trainer.model
        if self.validate is not None and state.best is None and state.history:
            # Stopped before the first validation was due. It stays out of the checkpoint, for a resumed fit would
            # not have made it here.
            state.history[-1].update(self.validate(model))
            state.best, state.best_epoch = state.history[-1][self.options.criterion], state.epoch
            if self.folder is not None:
                write_arrays(self.folder / "weights.npz", model.state(), {"epoch": state.epoch})
                write_history(self.folder, state)
        if self.best is not None:
            load_weights(model, self.best)
        return state

    def _keep(self, folder: Path, improved: bool) -> None:
        state, model = self.state, self.trainer.model
        if improved:
            write_arrays(folder / "weights.npz", model.state(), {"epoch": state.epoch})
        if state.epoch in self.options.snapshot_epochs:
            write_snapshot(folder, model, state.epoch)
        write_checkpoint(folder, self.trainer, state)
