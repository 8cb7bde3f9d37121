"""The steps of a fit: the first fit, the refit on more entries, and what is noted of the machine."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from .. import __version__
from ..config import Config
from ..distributed.process_group import current
from ..errors import RunError
from ..events import Event, OnEvent
from ..models.base import Arrays, Recommender
from ..models.embedding.trained import TrainedModel
from ..storage import make_folder, write_arrays
from ..train.checkpoint import FitState
from ..train.fit import fit as train
from ..train.options import TrainOptions
from .data import Data
from .ensembles.blending import blended
from .ensembles.run_parts import teacher_vectors
from .ensembles.two_stage import continued
from .runs import Run
from .validation import validation
from .warm_start import warm_start

__all__ = ["FitSteps", "learned_weights", "peak_memory_mb", "versions"]

BUILDERS: dict[str, Callable[..., Recommender]] = {"blend": blended, "two-stage": continued}
"""Functions that fit the models made of runs, by the name of the model."""


@dataclass
class FitSteps:
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
    checkpoint_every: float | None = None
    init: Run | None = None
    made: Recommender | None = None
    began: float = field(default_factory=time.perf_counter)

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
        if folder is not None and current().rank == 0:
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
        if self.model_type.made_of_runs:
            make = BUILDERS[self.model_type.name]
            # What validation chose, the weights or the trees, is kept, as the number of epochs is.
            first = self.made if refit else None
            self.made = model = make(self.data, self.options, first=first, seed=self.seed, on_event=self.on_event)
            self.options = model.config
        elif issubclass(self.model_type, TrainedModel):
            model = self.model_type.from_corpus(corpus, self.options, seed=self.seed, device=self.device)
            if self.init is not None:
                warm_start(model, corpus, self.init, refit=refit)
        else:
            model = self.model_type.from_corpus(corpus, self.options, seed=self.seed)
        state, ranks = None, current()
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
                resume=ranks.same(self.resume and folder is not None and (folder / "checkpoint.npz").exists()),
                time_limit=None if time_limit is None else time_limit - (time.perf_counter() - self.began),
                checkpoint_every=self.checkpoint_every,
                last_epoch=last_epoch,
                ranks=ranks,
                on_event=self.on_event,
            )
            return model.state(), state
        arrays = model.state()
        try:
            self.model_type.check_state(self.data.corpus, model.config, arrays)
        except RunError as error:
            raise RunError(f"{self.model_type.name} came to no figures with these options: {error}") from None
        if folder is not None:
            write_arrays(folder / "weights.npz", arrays, {})
        return arrays, state


def learned_weights(arrays: Arrays) -> dict[str, list[float]]:
    """The entry of ``run.json`` on a graph model's learned weights of its layers, the embeddings first; empty without.

    >>> import numpy as np
    >>> learned_weights({"combine.logits": np.zeros(2)})
    {'learned_layer_weights': [0.5, 0.5]}
    """
    if "combine.logits" not in arrays:
        return {}
    alpha = torch.from_numpy(arrays["combine.logits"]).softmax(0)
    return {"learned_layer_weights": [round(weight, 4) for weight in alpha.tolist()]}


def peak_memory_mb() -> int:
    """Peak memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one too
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), None)
        if line is not None:
            return round(int(line.split()[1]) / 1024)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def versions() -> dict[str, str]:
    """The versions of what a fit depends on."""
    found = {"playlistrec": __version__, "python": platform.python_version(), "torch": torch.__version__}
    if "dgl" in sys.modules:
        found["dgl"] = sys.modules["dgl"].__version__
    return found
