"""Fitting a model to data and keeping it as a run."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..config import Config
from ..errors import ConfigError, RunError, nearest
from ..events import Event, OnEvent, ignore
from ..models.base import Arrays, Recommender
from ..models.embedding.trained import TrainedModel
from ..models.ensemble.blend import BlendConfig
from ..models.registry import model_class
from ..models.two_stage.two_stage import TwoStageConfig
from ..storage import make_folder, remove_folder, write_arrays, write_file
from ..train.checkpoint import FitState
from ..train.fit import fit as train
from ..train.options import TrainOptions
from .data import Data
from .ensembles.blending import blended
from .ensembles.run_parts import refits, teacher_vectors
from .ensembles.two_stage import continued
from .presets import Preset, preset_for, preset_named
from .run_folder import (
    FORMAT_VERSION,
    begin_folder,
    check_resumable,
    check_same_data,
    model_card,
    read_info,
    write_info,
)
from .runs import Run, pick_device
from .validation import validation

__all__ = ["fit", "preset_of", "resolve"]

MADE_OF_RUNS: dict[type[Config], Callable[..., Recommender]] = {
    BlendConfig: blended,
    TwoStageConfig: continued,
}
"""What fits the models whose parts may be runs: their options -> the function."""


def fit(
    data: Data | str | Path,
    model: str,
    out: str | Path | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    preset: str | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    device: str = "auto",
    seed: int | None = None,
    resume: bool = False,
    refit: bool = False,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Run:
    """Fit ``model`` to the training part of ``data`` and keep it in the run folder ``out`` (or in memory).

    Args:
        options: options of the model and of :class:`~playlistrec.train.options.TrainOptions`, by name.
        preset: where the others come from: the name of a preset or the path of its file, which ends in ``.toml``;
            ``"none"`` for the plain defaults; if not given, the preset of the model for data of this size.
        time_limit: seconds for the training loop.
        resume: continue the fit that ``out`` holds.
        refit: then fit once more, from the start, on training and validation part together, for the number of
            epochs that the validation part chose. The test part is ranked with that model.
        force: replace a run that ``out`` holds.

    Raises:
        ConfigError: an unknown option or preset, or a value that an option cannot have.
        RunError: ``out`` exists, or cannot be resumed. DataError: there is nothing to fit on.
    """
    data = data if isinstance(data, Data) else Data.load(data)
    model_type = model_class(model)
    folder = Path(out) if out is not None else None
    before = _before(folder) if resume else None
    given = dict(options or {}) | ({} if epochs is None else {"epochs": epochs})
    if before is not None:
        if preset is not None:
            raise ConfigError(f"a fit that is resumed keeps its preset (got {preset!r})")
        # What is not said again is as it was.
        given = {**before["options"], **(before["training"] or {}), **given}
        seed = before["seed"] if seed is None else seed
        preset = before.get("preset")
    else:
        chosen = preset_of(preset, model, data)
        given = {**(chosen.options if chosen else {}), **given}
        preset = chosen.name if chosen else None
    model_options, training = resolve(model_type, given)
    chosen_device = pick_device(device)
    if isinstance(model_options, BlendConfig | TwoStageConfig):
        refit = refits(data, model_options.runs, refit)
    elif training is not None and training.teacher:
        refits(data, [training.teacher], refit)  # asked now, before anything takes long
    info: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "model": model,
        "options": model_options.as_dict(),
        "training": training.as_dict() if training else None,
        "preset": preset,
        "seed": seed or 0,
        "data": str(data.path.absolute()) if data.path else None,
        "vocabulary": data.corpus.vocabulary_hash,
        "split": data.split.fingerprint,
        "refit": False,
    }
    if folder is not None and before is not None:
        check_same_data(folder, before, data)
        check_resumable(folder, before, info)
    elif folder is not None:
        begin_folder(folder, info, force=force)
    began = time.perf_counter()
    fitted = _Fitting(
        data, model_type, model_options, training, chosen_device, info["seed"], resume, time_limit, on_event
    )
    try:
        arrays, state = fitted.first(folder)
    except BaseException:
        if folder is not None and before is None and not (folder / "checkpoint.npz").exists():
            remove_folder(folder)  # nothing to resume from
        raise
    refit_arrays = None
    if refit:
        refit_arrays = fitted.again(None if folder is None else folder / "refit", state)
    info |= {
        "options": fitted.options.as_dict(),
        "refit": refit,
        "best_epoch": state.best_epoch if state else None,
        "stopped": state.stopped if state else None,
        "valid": _best_record(state),
        "seconds": round(time.perf_counter() - began, 2),
        "peak_memory_mb": _peak_memory_mb(),
        "device": str(chosen_device),
        "versions": _versions(),
    }
    if folder is not None:
        write_info(folder, info)
        write_file(folder / "MODEL.md", model_card(folder, info, model_type.summary, data))
    return Run(data, model_type, fitted.options, arrays, refit_arrays, info, folder)


@dataclass
class _Fitting:
    """One call of :func:`fit`: the first fit, and the same again on more entries."""

    data: Data
    model_type: type[Recommender]
    options: Config
    training: TrainOptions | None
    device: torch.device
    seed: int
    resume: bool
    time_limit: float | None
    on_event: OnEvent
    made: Recommender | None = None

    def first(self, folder: Path | None) -> tuple[Arrays, FitState | None]:
        validate = None
        if self.training is not None:
            validate = validation(self.data, self.training)
            if validate is None:
                self.on_event(Event("warning", "there is no validation part: the last epoch is kept"))
        return self._fit(folder, False, self.time_limit, validate, None)

    def again(self, folder: Path | None, state: FitState | None) -> Arrays:
        # What validation chose, and nothing else: the number of epochs.
        last = None if state is None else max(1, state.best_epoch)
        if last is not None:
            self.on_event(Event("message", f"fitting again on training and validation, {last} epochs"))
        if folder is not None:
            make_folder(folder)
        return self._fit(folder, True, None, None, last)[0]

    def _fit(
        self,
        folder: Path | None,
        refit: bool,
        time_limit: float | None,
        validate: Callable[[Recommender], Mapping[str, float]] | None,
        last_epoch: int | None,
    ) -> tuple[Arrays, FitState | None]:
        corpus = self.data.split.training(self.data.corpus, refit=refit)
        model: Recommender
        if make := MADE_OF_RUNS.get(type(self.options)):
            # What validation chose, the weights or the trees, is kept, as the number of epochs is.
            first = self.made if refit else None
            self.made = model = make(self.data, self.options, first=first, seed=self.seed, on_event=self.on_event)
            self.options = model.config
        elif issubclass(self.model_type, TrainedModel):
            model = self.model_type.from_corpus(corpus, self.options, seed=self.seed, device=self.device)
        else:
            model = self.model_type.from_corpus(corpus, self.options, seed=self.seed)
        state = None
        if self.training is not None:
            assert isinstance(model, TrainedModel), "options of training are resolved for those alone"
            teacher = self.training.teacher
            state = train(
                model,
                corpus,
                replace(self.training, snapshot_epochs=()) if refit else self.training,
                seed=self.seed,
                device=self.device,
                teacher_vectors=teacher_vectors(self.data, teacher, refit=refit) if teacher else None,
                validate=validate,
                folder=folder,
                resume=self.resume and folder is not None and (folder / "checkpoint.npz").exists(),
                time_limit=time_limit,
                last_epoch=last_epoch,
                on_event=self.on_event,
            )
        elif folder is not None:
            write_arrays(folder / "weights.npz", model.state(), {})
        return model.state(), state


def _before(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        raise RunError("resume needs the folder the fit was saved in")
    return read_info(folder)


def resolve(model_type: type[Recommender], given: Mapping[str, Any]) -> tuple[Config, TrainOptions | None]:
    """Sort options into the model's and the training loop's."""
    trained = issubclass(model_type, TrainedModel)
    own = {f.name for f in fields(model_type.config_class)}
    loop = {f.name for f in fields(TrainOptions)} if trained else set()
    for name in given:
        if name not in own | loop:
            rest = ", and those of the training loop (`playlistrec models` lists them)" if loop else ""
            raise ConfigError(
                f"{model_type.name} has no option {name!r}{nearest(name, own | loop)}; "
                f"it has: {', '.join(sorted(own)) or 'none'}{rest}"
            )
    options = model_type.config_class.from_options({k: v for k, v in given.items() if k in own})
    if not trained:
        return options, None
    return options, TrainOptions.from_options({k: v for k, v in given.items() if k in loop})


def preset_of(name: str | None, model: str, data: Data) -> Preset | None:
    """The preset that :func:`fit` takes ``name`` for; none for the plain defaults."""
    if name == "none":
        return None
    return preset_for(model, data.split.counts()["train"]) if name is None else preset_named(name, model)


def _best_record(state: FitState | None) -> dict[str, float] | None:
    if state is None:
        return None
    records = (r for r in state.history if r["epoch"] == state.best_epoch and any("@" in name for name in r))
    return next(records, None)


def _peak_memory_mb() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one too
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), None)
        if line is not None:
            return round(int(line.split()[1]) / 1024)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def _versions() -> dict[str, str]:
    versions = {"playlistrec": __version__, "python": platform.python_version(), "torch": torch.__version__}
    if "dgl" in sys.modules:
        versions["dgl"] = sys.modules["dgl"].__version__
    return versions
