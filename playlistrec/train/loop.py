"""One fit, an epoch at a time: validation, the best epoch kept, a checkpoint after every epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from ..errors import RunError
from ..events import Event, OnEvent
from ..storage import Arrays, write_arrays
from .checkpoint import BEFORE, FitState, copied, load_weights, write_checkpoint, write_history
from .options import TrainOptions
from .snapshots import write_snapshot
from .trainer import Trainer, Validate

__all__ = ["Loop"]

TIMED, SLOW, LONG = 3, 90.0, 1800.0
"""Steps after which the time of an epoch is estimated, and seconds of it that are worth a remark and a warning."""


class Loop:
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
        self.kept, self.folder = folder is not None, folder if trainer.ranks.rank == 0 else None
        self.last, self.on_event = last, on_event
        self.until, self.every = limits
        self.losses: list[torch.Tensor] = []
        self.written = time.perf_counter()
        self.state = FitState()
        self.best: Arrays | None = None

    def stop(self, losses: list[torch.Tensor]) -> bool:
        """After a step: write a checkpoint where one is due, and say if time is up."""
        now, seeks = time.perf_counter(), self.trainer.batches.seeks
        total = len(self.trainer.batches)
        if len(losses) == min(TIMED, total - 1) and not self.state.epoch:
            self._estimate((now - self.began) / len(losses) * total)
        over = self.until is not None and now >= self.until
        due = self.every is not None and now - self.written >= self.every
        if self.until is not None or self.every is not None:
            over, due = self.trainer.ranks.same((over, due))
        if self.kept and seeks and (over or due):
            write_checkpoint(self.folder, self.trainer, self.state, losses)
            self.written = time.perf_counter()
        return over

    def _estimate(self, seconds: float) -> None:
        """Say which regime was picked and how long an epoch takes; warn where that is too long to send messages."""
        trainer = self.trainer
        text = f"an epoch takes about {seconds / 60:.{seconds < 600:d}f} minutes"
        if trainer.picked:
            text = f"regime auto picked {trainer.batches.regime}: {text}"
        if seconds >= LONG and trainer.model.propagates:
            self.on_event(Event("warning", f"{text}; for data of this size there is the model aggregate"))
        elif trainer.picked or seconds >= SLOW:
            self.on_event(Event("message", text))

    def epoch(self) -> None:
        """Train, validate and keep one epoch, and note if it was the last."""
        options, state, model = self.options, self.state, self.trainer.model
        began = time.perf_counter()
        if self.kept and self.until is not None and not state.epoch and not self.losses:
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
        elif self.until is not None and self.trainer.ranks.same(time.perf_counter() >= self.until):
            state.stopped = "time"
        state.history.append(record)
        state.seconds.append(round(time.perf_counter() - began, 3))
        if self.kept:
            self._keep(improved)
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

    def _keep(self, improved: bool) -> None:
        state, model, folder = self.state, self.trainer.model, self.folder
        if folder is not None and improved:
            write_arrays(folder / "weights.npz", model.state(), {"epoch": state.epoch})
        if folder is not None and state.epoch in self.options.snapshot_epochs:
            write_snapshot(folder, model, state.epoch)
        write_checkpoint(folder, self.trainer, state)
