"""Updating a run to the playlists of a later day, without fitting it anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..config import require
from ..corpus.corpus import Corpus, Mask
from ..corpus.growth import Growth, fitted_rows, grown, grown_split
from ..errors import ConfigError
from ..events import Event, OnEvent, ignore
from ..models.base import Arrays
from ..models.embedding.trained import TrainedModel
from ..rank.protocols import evaluate
from ..storage import checksums, make_folder, new_folder, write_arrays, write_file
from ..train.fit import fit as train
from ..train.options import TrainOptions
from ..train.settling import PASSES, settle
from .data import Data, write_data
from .fit_steps import peak_memory_mb, versions
from .loading import carry, origin_of
from .run_folder import CARRIED, FITTED, RUN, model_card, recipe, write_info
from .runs import Run, pick_device

__all__ = ["update"]


def update(
    run: Run | str | Path,
    data: Data | str | Path,
    out: str | Path | None = None,
    *,
    epochs: int = 0,
    device: str = "auto",
    slim: bool = False,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Run:
    """A run like ``run`` for ``data``, a later state of the playlists that it was fitted to, without a fit.

    Playlists and tracks keep their rows, and new ones come after them; those that ``data`` no longer has keep theirs,
    without entries. What was hidden stays hidden. Gradient models get vectors of what is new from its neighbours
    (:func:`~playlistrec.models.embedding.inductive.grown_state`), and the playlists among it a few steps of training
    (:func:`~playlistrec.train.settling.settle`); all others are counted anew.

    Args:
        data: all playlists as they are now, with a split of the run's kind.
        out: the run folder to write, with its data in ``data`` where the rows are not those of ``data``; None: memory.
        epochs: epochs of training that follow, from there; for gradient models.
        slim: as of :func:`~.fitting.fit`; data of its own are in the run folder in any case.
        force: replace a run that ``out`` holds.

    Raises:
        ConfigError: a model made of runs, or epochs for one that has none. DataError: splits of different kinds.
        RunError: ``out`` exists, or ``run`` cannot be read.
    """
    began = time.perf_counter()
    run = run if isinstance(run, Run) else Run.load(run)
    data = data if isinstance(data, Data) else Data.load(data)
    require(epochs >= 0, "epochs", "at least 0", epochs)
    if epochs and not run.model_type.trainable:
        raise ConfigError(f"epochs are for models that are trained by gradient: {run.model_type.name} is counted anew")
    if run.model_type.made_of_runs:
        raise ConfigError(f"{run.model_type.name} is made of runs: update those, and then fit it to them")
    data = grown_data(run.data, data)
    info = _info(run, data, epochs)
    if out is None:
        return _updated(run, data, info, epochs, device, began, on_event)
    folder, read = Path(out), [path for path in (run.path, data.path) if path is not None]
    with new_folder(folder, RUN, force=force, sources=read) as work:
        if data.path is None:
            make_folder(work / CARRIED)
            manifest = write_data(work / CARRIED, data.corpus, data.split, data.manifest)
            data, info["data"] = Data(data.corpus, data.split, manifest, folder / CARRIED), CARRIED
        elif not slim:
            carry(work, data)
        updated = replace(_updated(run, data, info, epochs, device, began, on_event), path=folder)
        _write(work, updated)
    return updated


def _updated(
    run: Run, data: Data, info: dict[str, Any], epochs: int, device: str, began: float, on_event: OnEvent
) -> Run:
    """The updated run in memory."""
    base, states, passes = run.fitted_to, list[Arrays](), -1
    for refit, learned in ((False, run.arrays), (True, run.refit_arrays)):
        if learned is None:
            continue
        corpus = data.split.training(data.corpus, refit=refit)
        growth = Growth.since(base, "refit" if refit else "train", run.data.corpus, corpus)
        on_event(Event("message", f"updating {run.model_type.name}"))
        state = run.model_type.updated(corpus, run.options, learned, growth, seed=info["seed"])
        if run.model_type.trainable:
            settling = _Settling(run, data, corpus, growth, pick_device(device))
            state, passes = settling.trained(state, epochs, passes if refit else -1, on_event)
        states.append(state)
    info |= {"seconds": round(time.perf_counter() - began, 2), "peak_memory_mb": peak_memory_mb()}
    fitted = fitted_rows(data.corpus, data.split) if epochs else base
    return Run(
        data, run.model_type, run.options, states[0], states[1] if states[1:] else None, info, None, fitted, run.trust
    )


def grown_data(before: Data, data: Data) -> Data:
    """``data`` in the rows of ``before``; itself where it has them already and hides nothing that was learned."""
    corpus, entries = grown(before.corpus, data.corpus)
    split = grown_split(before.corpus, before.split, corpus, data.split.part[entries], data.split.kind)
    if corpus.vocabulary_hash == data.corpus.vocabulary_hash and split.fingerprint == data.split.fingerprint:
        return data
    return Data(corpus, split, origin_of(data) | {"grown_from": before.name, "grown_to": data.name})


def _info(run: Run, data: Data, epochs: int) -> dict[str, Any]:
    about = {"of": str(run.path.absolute()) if run.path else None, "epochs": epochs}
    return {
        **{name: value for name, value in run.info.items() if name not in ("seconds", "peak_memory_mb")},
        "data": str(data.path.absolute()) if data.path else None,
        "vocabulary": data.corpus.vocabulary_hash,
        "split": data.split.fingerprint,
        "valid": None,  # it was of other playlists
        "versions": versions(),
        "updates": [*run.info.get("updates", []), about],
    }


@dataclass(frozen=True)
class _Settling:
    """The training of an update: the rows of new playlists, and epochs where they are given."""

    run: Run
    data: Data
    corpus: Corpus
    growth: Growth
    device: torch.device

    def trained(self, state: Arrays, epochs: int, passes: int, on_event: OnEvent) -> tuple[Arrays, int]:
        """The state after training, and the passes over the new playlists; -1 for as many as validation likes best."""
        run, corpus = self.run, self.corpus
        model = run.model_type.from_state(corpus, run.options, state)
        assert isinstance(model, TrainedModel), "models that are trained by gradient"
        options = TrainOptions.from_options(run.info["training"] | {"snapshot_epochs": (), "teacher": ""})
        new = np.arange(corpus.n_playlists) >= self.growth.n_playlists
        if not model.propagates:  # its rows receive no messages from what else a playlist holds now
            new[: len(self.growth.changed)] |= self.growth.changed
        # Pairs with drawn negatives are soon learned by heart, and so are those of a model without messages.
        steady = model.propagates and options.loss == "softmax"
        validate = self._validation(new) if passes < 0 and not steady else None
        if passes < 0:
            passes = PASSES if steady or validate is not None else 0
        given: Any = {"seed": run.info["seed"], "device": self.device}
        passes = settle(model, corpus, options, new, passes=passes, validate=validate, **given)
        if epochs:
            train(model, corpus, replace(options, epochs=epochs), on_event=on_event, **given)
        return (model.state() if passes or epochs else state), passes

    def _validation(self, new: Mask) -> Callable[[TrainedModel], float] | None:
        """NDCG@20 on the validation part of the new playlists; None where it has none of them."""
        queries = self.data.split.evaluation_set(self.data.corpus, "valid")
        rows = np.flatnonzero(new[queries.playlists])
        if not len(rows) or not queries.known:
            return None
        some = queries.at(rows)
        return lambda model: evaluate(model, some, ks=[20], metrics=["ndcg"]).metrics["ndcg@20"]


def _write(folder: Path, run: Run) -> None:
    write_file(folder / "config.toml", recipe(run.info, refit=run.refit_arrays is not None))
    write_arrays(folder / "weights.npz", run.arrays, {"epoch": 0})
    if run.refit_arrays is not None:
        make_folder(folder / "refit")
        write_arrays(folder / "refit" / "weights.npz", run.refit_arrays, {"epoch": 0})
    write_arrays(folder / FITTED, run.fitted_to, {})
    assert run.path is not None, "it is written there"
    write_file(folder / "MODEL.md", model_card(run.path, run.info, run.model_type.summary, run.data))
    run.info.update({"type": RUN.marker, "files": checksums(folder, RUN.manifest)})
    write_info(folder, run.info)
