"""The training loop: Adam, validation, the best epoch kept, a checkpoint after every epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..corpus.corpus import Corpus
from ..errors import DataError, RunError
from ..events import Event, OnEvent, ignore
from ..models.embedding.model import Vectors
from ..models.embedding.trained import TrainedModel
from .batches.regimes import FullBatches, SampledBatches, batches_for
from .batches.sessions import SessionBatches
from .checkpoint import Arrays, read_arrays, write_arrays
from .objectives.objective import PRECISIONS, Objective
from .objectives.session import SessionObjective
from .options import TrainOptions
from .snapshots import write_snapshot

__all__ = ["FitState", "fit"]

WARM_UP = 0.05
LOWEST = 0.01
Validate = Callable[[TrainedModel], Mapping[str, float]]


@dataclass
class FitState:
    """How far a fit has come: what a checkpoint remembers beside weights and moments.

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


def fit(
    model: TrainedModel,
    corpus: Corpus,
    options: TrainOptions,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    teacher: Vectors | None = None,
    validate: Validate | None = None,
    folder: Path | None = None,
    resume: bool = False,
    time_limit: float | None = None,
    last_epoch: int | None = None,
    on_event: OnEvent = ignore,
) -> FitState:
    """Fit ``model`` to the pairs of ``corpus`` and leave it with the weights of its best epoch.

    Args:
        model: built from ``corpus``, whose entries are all there is to learn from.
        corpus: the training entries.
        teacher: final vectors of all playlists and all tracks of the model that ``options.teacher`` stands for; their
            dot products are its scores.
        validate: metrics of the model, ``options.criterion`` among them: its best decides which epoch is kept and
            when to stop. Without it the last epoch is kept.
        folder: where ``weights.npz`` (best epoch), ``checkpoint.npz``, ``history.jsonl``, ``timing.jsonl`` and
            ``snapshots`` (the tracks' vectors after ``options.snapshot_epochs``) go.
        resume: continue from ``folder``'s checkpoint, to the same numbers as an uninterrupted fit.
        time_limit: seconds after which no further epoch is begun.
        last_epoch: stop after this epoch, with the learning rates and pools that ``options.epochs`` would give.

    Raises:
        DataError: there is nothing to learn from. RunError: no checkpoint to resume from, or the loss diverged;
            the checkpoint of the epoch before is then as it was.
    """
    if not corpus.n_entries:
        raise DataError("there are no training entries to fit on")
    start = time.perf_counter()
    device = device or torch.device("cpu")
    model.to(device)
    model.precision = PRECISIONS[options.precision]
    optimizer = _adam(model, options.lr)
    state = FitState()
    best: Arrays | None = None
    if resume:
        state, best, kept = _restore(_required(folder), model, optimizer)
        _write_history(_required(folder), state)  # a kill may have come between it and the checkpoint
        if state.stopped == "patience":
            return _finish(model, state, best)
    batches = batches_for(model, corpus, options, device)
    if resume:
        batches.sampler.restore(kept)
    if teacher is not None:
        teacher = teacher[0].to(device), teacher[1].to(device)
    objective_of = _objective(batches, options, teacher)
    regime = "sampled" if isinstance(batches, SampledBatches) else "full"
    total = len(batches)
    on_event(Event("message", f"{len(corpus.pairs[0]):,} pairs, {total:,} steps an epoch, {regime} regime"))
    if folder is not None and not state.epoch and 0 in options.snapshot_epochs:
        write_snapshot(folder, model.eval(), 0)
    state.stopped = None
    while state.stopped is None:
        if state.epoch >= (last_epoch or options.epochs):
            state.stopped = "epochs"
            break
        began = time.perf_counter()
        epoch_seed = int(np.random.SeedSequence([seed, state.epoch]).generate_state(1)[0])
        model.train()
        with batches.seeded(epoch_seed):
            losses = []
            for step, batch in enumerate(batches.epoch(epoch_seed, state.epoch)):
                loss, objective = objective_of(batch)
                optimizer.zero_grad()
                objective.backward()  # type: ignore[no-untyped-call]
                _set_lr(optimizer, options, (state.epoch + step / total) / options.epochs)
                optimizer.step()
                losses.append(loss.detach())
                on_event(Event("progress", "epoch", {"done": step + 1, "total": total}))
        state.epoch += 1
        model.eval()
        record: dict[str, float] = {"epoch": state.epoch, "loss": float(torch.stack(losses).mean())}
        wrong = _overflown(model)
        if wrong or not math.isfinite(record["loss"]):
            raise RunError(_diverged(record["loss"], wrong, state.epoch, options, folder))
        improved = validate is None
        if validate is not None and state.epoch % options.eval_every == 0:
            record.update(validate(model))
            improved = state.best is None or record[options.criterion] > state.best
            state.waited = 0 if improved else state.waited + 1
        if improved:
            state.best, state.best_epoch, best = record.get(options.criterion), state.epoch, _copy(model.state())
        if state.waited >= options.patience:
            state.stopped = "patience"
        elif time_limit is not None and time.perf_counter() - start >= time_limit:
            state.stopped = "time"
        state.history.append(record)
        state.seconds.append(round(time.perf_counter() - began, 3))
        if folder is not None:
            if improved:
                write_arrays(folder / "weights.npz", model.state(), {"epoch": state.epoch})
            if state.epoch in options.snapshot_epochs:
                write_snapshot(folder, model, state.epoch)
            _save(folder, model, optimizer, state, batches.sampler.state())
        told = {"seconds": state.seconds[-1], "best_epoch": state.best_epoch, "best": state.best}
        on_event(Event("epoch", data={**record, **told, "epochs": last_epoch or options.epochs}))
    if validate is not None and state.best is None and state.history:
        # Stopped before the first validation was due. It stays out of the checkpoint, for a resumed fit would
        # not have made it here.
        state.history[-1].update(validate(model))
        state.best, state.best_epoch = state.history[-1][options.criterion], state.epoch
        if folder is not None:
            write_arrays(folder / "weights.npz", model.state(), {"epoch": state.epoch})
            _write_history(folder, state)
    return _finish(model, state, best)


def _objective(
    batches: FullBatches | SampledBatches | SessionBatches, options: TrainOptions, teacher: Vectors | None
) -> Callable[[Any], tuple[torch.Tensor, torch.Tensor]]:
    """What turns one of these batches into the loss and the objective."""
    if isinstance(batches, SessionBatches):
        return SessionObjective(options, batches)
    return Objective(options, batches, teacher)


def _adam(model: TrainedModel, lr: float) -> torch.optim.Adam:
    parameters = list(model.parameters())
    try:
        return torch.optim.Adam(parameters, lr=lr, fused=True)
    except RuntimeError:  # torch before 2.4 has the fused kernel on CUDA only
        return torch.optim.Adam(parameters, lr=lr)


def _set_lr(optimizer: torch.optim.Adam, options: TrainOptions, done: float) -> None:
    """The learning rate after the share ``done`` of all steps, as ``options.schedule`` has it."""
    if options.schedule == "cosine":
        warm = min(1.0, (done + 1e-3) / WARM_UP)
        options_lr = options.lr * warm * max(LOWEST, (1 + math.cos(math.pi * min(1.0, done))) / 2)
        for group in optimizer.param_groups:
            group["lr"] = options_lr


def _copy(arrays: Arrays) -> Arrays:
    return {name: np.array(array) for name, array in arrays.items()}


def _load(model: TrainedModel, arrays: Arrays) -> None:
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    model.eval()


def _finish(model: TrainedModel, state: FitState, best: Arrays | None) -> FitState:
    if best is not None:
        _load(model, best)
    return state


def _required(folder: Path | None) -> Path:
    if folder is None:
        raise RunError("resume needs the folder the fit was saved in")
    return folder


def _overflown(model: TrainedModel) -> list[str]:
    """Node types whose embeddings are not finite, or so large that their products are not."""
    return [name for name, table in model.tables.items() if not table.detach().square().sum().isfinite()]


def _diverged(loss: float, wrong: list[str], epoch: int, options: TrainOptions, folder: Path | None) -> str:
    where = f"the embeddings of {' and '.join(wrong)} are no longer finite" if wrong else "a score overflowed"
    cause = f"likely lr = {options.lr} is too high"
    if options.loss == "softmax":
        cause += f" or temperature = {options.temperature} too low"
    kept = "" if folder is None or epoch == 1 else f"; {folder} keeps epoch {epoch - 1}: resume it with a lower lr"
    return f"the loss is {loss} in epoch {epoch}: {where}, {cause}{kept}"


def _save(
    folder: Path, model: TrainedModel, optimizer: torch.optim.Adam, state: FitState, sampler: dict[str, torch.Tensor]
) -> None:
    arrays = {f"weights/{name}": array for name, array in model.state().items()}
    arrays |= {f"sampler/{name}": tensor.cpu().numpy() for name, tensor in sampler.items()}
    for index, moments in optimizer.state_dict()["state"].items():
        for name, tensor in moments.items():
            arrays[f"adam/{index}/{name}"] = tensor.detach().cpu().numpy()
    write_arrays(folder / "checkpoint.npz", arrays, asdict(state))
    _write_history(folder, state)


def _write_history(folder: Path, state: FitState) -> None:
    for name, rows in (
        ("history.jsonl", state.history),
        ("timing.jsonl", [{"epoch": i + 1, "seconds": s} for i, s in enumerate(state.seconds)]),
    ):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def _restore(
    folder: Path, model: TrainedModel, optimizer: torch.optim.Adam
) -> tuple[FitState, Arrays | None, dict[str, torch.Tensor]]:
    """The state, the best weights if they are there, and what the sampler kept."""
    path = folder / "checkpoint.npz"
    if not path.exists():
        raise RunError(f"{folder} has no checkpoint to resume from")
    arrays, meta = read_arrays(path)
    _load(model, {name[8:]: array for name, array in arrays.items() if name.startswith("weights/")})
    moments: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        if name.startswith("adam/"):
            _, index, moment = name.split("/")
            moments.setdefault(int(index), {})[moment] = torch.from_numpy(np.array(array))
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    state = FitState(**meta)
    best = None
    if state.best_epoch:
        best, weights_meta = read_arrays(folder / "weights.npz")
        if weights_meta["epoch"] != state.best_epoch:
            # Killed between writing weights and checkpoint: the epoch that wrote them is repeated, identically.
            best = None
    sampler = {name[8:]: torch.from_numpy(array) for name, array in arrays.items() if name.startswith("sampler/")}
    return state, best, sampler
