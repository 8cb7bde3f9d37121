"""Fitting a model to data and keeping it as a run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ..config import Config, check_seed, require
from ..distributed.process_group import current
from ..errors import ConfigError, RunError
from ..events import Event, OnEvent, ignore
from ..models.base import Recommender
from ..models.registry import model_class
from ..notebook import own_progress
from ..storage import checksums, write_file
from ..train.checkpoint import FitState
from ..train.options import TrainOptions
from ..train.ranks import Ranks
from ..trust import trusted
from .auto.choice import AUTO
from .data import Data
from .ensembles.run_parts import refits
from .fit_steps import FitSteps, learned_weights, peak_memory_mb, versions
from .loading import carry
from .resolving import preset_of, resolve
from .run_folder import (
    FORMAT_VERSION,
    RUN,
    begun_folder,
    check_resumable,
    check_same_data,
    model_card,
    read_info,
    resumed_folder,
    write_info,
)
from .runs import Run, pick_device
from .warm_start import started_from

__all__ = ["fit"]


def fit(
    data: Data | str | Path,
    model: str,
    out: str | Path | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    preset: str | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    checkpoint_every: float | None = None,
    device: str = "auto",
    seed: int | None = None,
    resume: bool = False,
    refit: bool = False,
    init: Run | str | Path | None = None,
    slim: bool = False,
    force: bool = False,
    on_event: OnEvent | None = None,
) -> Run:
    """Fit ``model`` to the training part of ``data`` and keep it in the run folder ``out`` (or in memory).

    Under ``torchrun``, within :func:`~playlistrec.distributed.process_group.joined`, all processes share every batch.
    The model ``auto`` is what :func:`~playlistrec.experiment.auto.search.fit_auto` finds within ``time_limit``.

    Args:
        options: options of the model and of :class:`~playlistrec.train.options.TrainOptions`, by name.
        preset: where the others come from: the name of a preset or the path of its file, which ends in ``.toml``;
            ``"none"`` for the plain defaults; if not given, the preset of the model for data of this size.
        time_limit: seconds after which training ends, within an epoch too; the model is validated and kept.
        checkpoint_every: seconds between checkpoints within long epochs, of models that can resume there.
        resume: continue the fit that ``out`` holds.
        refit: then fit once more, from the start, on training and validation part together, for the number of
            epochs that the validation part chose. The test part is ranked with that model.
        init: a run to start from: rows of playlists, tracks and artists by their ids, and layers, where widths are the
            same. What the run does not have starts as it would without.
        slim: leave out the data, which a run folder otherwise carries to recommend where the data folder is gone.
        force: replace a run that ``out`` holds.
        on_event: gets what happens; if not given, a notebook shows a line of it.

    Raises:
        ConfigError: an unknown option or preset, or a value that an option cannot have.
        RunError: ``out`` exists, or cannot be resumed. DataError: there is nothing to fit on.
    """
    data = data if isinstance(data, Data) else Data.load(data)
    if model == AUTO:
        _left_out(options=options, preset=preset, epochs=epochs, resume=resume, init=init)
        on_event = on_event or own_progress()
        return _auto(data, out, time_limit, on_event, seed=seed or 0, device=device, force=force, slim=slim)
    model_type, ranks = model_class(model), current()
    on_event = ignore if ranks.rank else on_event or own_progress()
    _one_process(model, model_type.trainable, ranks)
    folder = None if out is None else Path(out)
    before = _before(folder) if resume else None
    given = dict(options or {}) | ({} if epochs is None else {"epochs": epochs})
    if before is None:
        chosen = preset_of(preset, model, data, given)
        given = {**(chosen.options if chosen else {}), **given}
        preset = chosen.name if chosen else None
    else:
        if preset not in (None, before.get("preset") or "none"):
            raise ConfigError(f"a fit that is resumed keeps its preset (got {preset!r})")
        given = {**before["options"], **(before["training"] or {}), **given}  # not given again: as it was
        seed, preset = before["seed"] if seed is None else seed, before.get("preset")
    model_options, training = resolve(model_type, given)
    chosen_device = pick_device(device)
    refit = _refits(data, model_type, model_options, training, refit)
    start = started_from(init, model_type, data)
    info = _begun(data, model, model_options, training, preset, seed or 0)
    on_event(Event("begin", data=dict(info)))
    read = [Path(path) for path in (data.path, *_runs_of(model_options, training)) if path]
    with _shared(ranks, _where(folder, before, info, data, force, read, refit)) as work:
        given_to_all = (data, model_type, model_options, training, chosen_device, info["seed"], resume)
        steps = FitSteps(*given_to_all, time_limit, on_event, checkpoint_every, start)
        arrays, state = steps.first(work)
        refit_arrays = steps.again(None if work is None else work / "refit", state) if refit else None
        info |= _ended(state, steps, refit, time.perf_counter() - steps.began) | learned_weights(arrays)
        if work is not None and folder is not None and ranks.rank == 0:
            if not slim:
                carry(work, data)
            write_file(work / "MODEL.md", model_card(folder, info, model_type.summary, data))
            info |= {"type": RUN.marker, "files": checksums(work, RUN.manifest)}
            write_info(work, info)
    on_event(Event("end", data=dict(info)))
    return Run(data, model_type, steps.options, arrays, refit_arrays, info, folder, trust=_named(model, model_options))


def _named(model: str, options: Config) -> frozenset[str]:
    """The models beside ours that the caller names, and so trusts."""
    return trusted() | {name for name in (model, *getattr(options, "parts", ())) if ":" in name}


@contextmanager
def _shared(ranks: Ranks, where: AbstractContextManager[Path | None]) -> Iterator[Path | None]:
    """The folder of the first process, for all of them: it alone begins it, and writes there."""
    if ranks.rank:
        yield ranks.same(None)
    else:
        with where as work:
            yield ranks.same(work)


def _left_out(**chosen: Any) -> None:
    """Raise ConfigError for an argument that the model ``auto`` chooses itself."""
    for name, value in chosen.items():
        require(not value, name, f"left out with the model {AUTO}, which chooses it", value)


def _one_process(model: str, trainable: bool, ranks: Ranks) -> None:
    if ranks.size > 1 and not trainable:
        raise ConfigError(f"{model} is fitted by one process (got {ranks.size})")


def _auto(data: Data, out: str | Path | None, time_limit: float | None, on_event: OnEvent, **how: Any) -> Run:
    from .auto.search import fit_auto  # which fits other models in turn

    _one_process(AUTO, False, current())
    return fit_auto(data, None if out is None else Path(out), time_limit=time_limit, on_event=on_event, **how)


@contextmanager
def _where(
    folder: Path | None,
    before: dict[str, Any] | None,
    info: dict[str, Any],
    data: Data,
    force: bool,
    read: list[Path],
    refit: bool,
) -> Iterator[Path | None]:
    """The folder in which a fit works: begun, or gone on with if there is a record of ``before``; none in memory."""
    if folder is None:
        yield None
    elif before is None:
        with begun_folder(folder, info, force=force, sources=read, refit=refit) as work:
            yield work
    else:
        check_same_data(folder, before, data)
        check_resumable(folder, before, info)
        with resumed_folder(folder) as work:
            yield work


def _runs_of(options: Config, training: TrainOptions | None) -> list[str]:
    """The run folders that a fit reads."""
    return [*getattr(options, "runs", ()), *([training.teacher] if training and training.teacher else [])]


def _begun(
    data: Data, model: str, config: Config, training: TrainOptions | None, preset: str | None, seed: int
) -> dict[str, Any]:
    """The entries of ``run.json`` before the fit."""
    check_seed(seed)
    return {
        "format": FORMAT_VERSION,
        "model": model,
        "options": config.as_dict(),
        "training": training.as_dict() if training else None,
        "preset": preset,
        "seed": seed,
        "data": str(data.path.absolute()) if data.path else None,
        "vocabulary": data.corpus.vocabulary_hash,
        "split": data.split.fingerprint,
        "refit": False,
    }


def _ended(state: FitState | None, steps: FitSteps, refit: bool, seconds: float) -> dict[str, Any]:
    """The entries of ``run.json`` that the fit adds."""
    return {
        "options": steps.options.as_dict(),
        "refit": refit,
        "best_epoch": state.best_epoch if state else None,
        "epochs_done": len(state.history) if state else None,
        "stopped": state.stopped if state else None,
        "valid": _best_record(state),
        "seconds": round(seconds, 2),
        "peak_memory_mb": peak_memory_mb(),
        "device": str(steps.device),
        "versions": versions(),
    }


def _refits(
    data: Data, model_type: type[Recommender], options: Config, training: TrainOptions | None, refit: bool
) -> bool:
    """True if the model is refitted; checked before anything takes long."""
    if model_type.made_of_runs:
        return refits(data, getattr(options, "runs", ()), refit)
    if training is not None and training.teacher:
        refits(data, [training.teacher], refit)
    return refit


def _before(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        raise RunError("resume needs the folder the fit was saved in")
    return read_info(folder)


def _best_record(state: FitState | None) -> dict[str, float] | None:
    if state is None:
        return None
    records = (r for r in state.history if r["epoch"] == state.best_epoch and any("@" in name for name in r))
    return next(records, None)
