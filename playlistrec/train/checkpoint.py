"""Checkpoints: weights, moments, what samplers keep, and how far a fit has come, in ``.npz`` files. Never pickled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from ..errors import RunError
from ..models.state_schema import Field, check_like
from ..storage import Arrays, read_arrays, write_arrays, write_json_lines
from .optimizer import RowAdam

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
    history: list[dict[str, int | float]] = field(default_factory=list)
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
    try:
        state = msgspec.convert(meta, FitState)
        check_like(trainer.model.state(), _under("weights", arrays))
        moments = _moments(arrays, trainer)
        _check_kept(arrays, trainer)
    except (RunError, msgspec.ValidationError) as error:
        raise RunError(f"{path} is damaged: {error}") from None
    load_weights(trainer.model, _under("weights", arrays))
    trainer.optimizer.load_state_dict({**trainer.optimizer.state_dict(), "state": moments})
    trainer.done = state.epoch
    best = None
    if state.best_epoch:
        best, epoch = _weights(folder / "weights.npz", trainer)
        if epoch != state.best_epoch and (folder / BEFORE).exists():
            best, epoch = _weights(folder / BEFORE, trainer)
        if epoch != state.best_epoch:
            # Killed between writing weights and checkpoint: the epoch that wrote them is repeated, identically.
            best = None
    trainer.batches.restore({name: torch.from_numpy(array) for name, array in _under("sampler", arrays).items()})
    return state, best, list(torch.from_numpy(np.array(arrays.get("losses", np.zeros(0, np.float32)))))


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name[len(prefix) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{prefix}/")}


def _weights(path: Path, trainer: Trainer) -> tuple[Arrays, Any]:
    """The weights of a file and the epoch that it says. Raises RunError where they are not those of the model."""
    arrays, meta = read_arrays(path)
    try:
        check_like(trainer.model.state(), arrays)
    except RunError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    return arrays, meta.get("epoch")


def _steps(parameter: torch.Tensor, trainer: Trainer) -> tuple[int, ...]:
    """The shape of a parameter's count of steps: RowAdam counts those of every row of a table."""
    if not isinstance(trainer.optimizer, RowAdam):
        return ()
    is_table = any(parameter is table for table in trainer.model.tables.values())
    return (len(parameter),) if is_table else (1,)


def _moments(arrays: Arrays, trainer: Trainer) -> dict[int, dict[str, Any]]:
    """Adam's moments by parameter. Raises RunError where they are not of its shape: Adam does not look."""
    parameters = [p for group in trainer.optimizer.param_groups for p in group["params"]]
    moments: dict[int, dict[str, Any]] = {}
    for name, array in _under("adam", arrays).items():
        match = re.fullmatch(r"(\d{1,6})/(step|exp_avg|exp_avg_sq|max_exp_avg_sq)", name)
        if match is None or int(match[1]) >= len(parameters):
            raise RunError(f"adam/{name} is not a moment of one of the {len(parameters)} parameters")
        parameter = parameters[int(match[1])]
        shape = _steps(parameter, trainer) if match[2] == "step" else tuple(parameter.shape)
        Field("f", shape, low=None if match[2] == "exp_avg" else 0).check(f"adam/{name}", array, {})
        moments.setdefault(int(match[1]), {})[match[2]] = torch.from_numpy(np.array(array))
    for index, found in moments.items():
        if not {"step", "exp_avg", "exp_avg_sq"} <= found.keys():
            raise RunError(f"adam/{index} must have step, exp_avg and exp_avg_sq (got {', '.join(found)})")
    return moments


def _check_kept(arrays: Arrays, trainer: Trainer) -> None:
    """Raise RunError where what samplers keep, or the losses, cannot be theirs."""
    if "losses" in arrays:
        Field("f", ("steps",)).check("losses", arrays["losses"], {})
    nodes = trainer.corpus.n_playlists, trainer.corpus.n_tracks
    for name, array in _under("sampler", arrays).items():
        if array.dtype.kind not in "if" or array.ndim < 1 or array.shape[0] not in nodes:
            raise RunError(f"sampler/{name} must have a row for each playlist or track (got {array.shape})")
        if array.dtype.kind == "i":
            Field("i", array.shape, low=-1, below=max(nodes) + 1).check(f"sampler/{name}", array, {})


def copied(arrays: Arrays) -> Arrays:
    """The arrays, independent of the model's memory."""
    return {name: np.array(array) for name, array in arrays.items()}


def load_weights(model: TrainedModel, arrays: Arrays) -> None:
    """Give the model these weights, and put it into evaluation mode."""
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    model.eval()
