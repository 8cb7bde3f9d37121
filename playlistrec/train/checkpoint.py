"""Checkpoints: weights, moments, what samplers keep, and how far a fit has come, in ``.npz`` files. Never pickled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..errors import RunError
from ..storage import Arrays, read_arrays, write_arrays, write_json_lines

__all__ = [
    "BEFORE",
    "FitState",
    "copied",
    "load_weights",
    "read_checkpoint",
    "write_checkpoint",
    "write_history",
]

if TYPE_CHECKING:
    from ..models.embedding.trained import TrainedModel
    from .trainer import Trainer


@dataclass
class FitState:
    """The progress of a fit: the part of a checkpoint that is neither weights nor moments.

    Attributes:
        epoch: epochs done.
        best_epoch: the epoch whose weights are kept.
        best: its validation ``criterion``, none before the first validation.
        waited: validations since then.
        stopped: why the fit ended: ``"epochs"``, ``"patience"``, ``"time"``, or none while it has not.
        history: one record an epoch: ``epoch``, ``loss`` and, where validated, the metrics.
        seconds: seconds each epoch took, validation included; not part of the history, which must repeat exactly.
    """

    epoch: int = 0
    best_epoch: int = 0
    best: float | None = None
    waited: int = 0
    stopped: str | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


BEFORE = "weights-before.npz"
"""The best weights before an epoch that was cut off, which a resumed fit goes back to."""


def write_checkpoint(
    folder: Path | None, trainer: Trainer, state: FitState, losses: Sequence[torch.Tensor] = ()
) -> None:
    """Write ``checkpoint.npz``, and then the history; ``losses`` are those of the steps of an epoch that goes on.

    All processes of a fit call it together, and the first, which has a ``folder``, writes.
    """
    adam = trainer.ranks.moments(trainer.optimizer)
    if folder is None:
        return
    arrays: Arrays = {f"weights/{name}": array for name, array in trainer.model.state().items()}
    arrays |= {f"sampler/{name}": tensor.cpu().numpy() for name, tensor in trainer.batches.state().items()}
    for index, moments in adam.items():
        for name, tensor in moments.items():
            arrays[f"adam/{index}/{name}"] = tensor.detach().cpu().numpy()
    if losses:
        arrays["losses"] = torch.stack(list(losses)).cpu().numpy()
    write_arrays(folder / "checkpoint.npz", arrays, asdict(state))
    write_history(folder, state)


def write_history(folder: Path, state: FitState) -> None:
    """Write ``history.jsonl``, a record an epoch, and ``timing.jsonl``."""
    for name, rows in (
        ("history.jsonl", state.history),
        ("timing.jsonl", [{"epoch": i + 1, "seconds": s} for i, s in enumerate(state.seconds)]),
    ):
        write_json_lines(folder / name, rows)


def read_checkpoint(folder: Path, trainer: Trainer) -> tuple[FitState, Arrays | None, list[torch.Tensor]]:
    """Bring the trainer to where the checkpoint was written.

    Returns:
        How far the fit had come, the best weights if they are there, and the losses of the epoch that goes on. Raises
        RunError where there is no checkpoint.
    """
    path = folder / "checkpoint.npz"
    if not path.exists():
        raise RunError(f"{folder} has no checkpoint to resume from")
    arrays, meta = read_arrays(path)
    load_weights(trainer.model, {name[8:]: array for name, array in arrays.items() if name.startswith("weights/")})
    moments: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        if name.startswith("adam/"):
            _, index, moment = name.split("/")
            moments.setdefault(int(index), {})[moment] = torch.from_numpy(np.array(array))
    trainer.optimizer.load_state_dict({**trainer.optimizer.state_dict(), "state": moments})
    state = FitState(**meta)
    trainer.done = state.epoch
    best = None
    if state.best_epoch:
        best, weights_meta = read_arrays(folder / "weights.npz")
        if weights_meta["epoch"] != state.best_epoch and (folder / BEFORE).exists():
            best, weights_meta = read_arrays(folder / BEFORE)
        if weights_meta["epoch"] != state.best_epoch:
            # Killed between writing weights and checkpoint: the epoch that wrote them is repeated, identically.
            best = None
    kept = {name[8:]: torch.from_numpy(array) for name, array in arrays.items() if name.startswith("sampler/")}
    trainer.batches.restore(kept)
    return state, best, list(torch.from_numpy(np.array(arrays.get("losses", np.zeros(0, np.float32)))))


def copied(arrays: Arrays) -> Arrays:
    """The arrays, independent of the model's memory."""
    return {name: np.array(array) for name, array in arrays.items()}


def load_weights(model: TrainedModel, arrays: Arrays) -> None:
    """Give the model these weights, and put it into evaluation mode."""
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    model.eval()
