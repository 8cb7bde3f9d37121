"""Searching the options of a model: trials that are judged on the validation part, kept in a study on disk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...config import check_seed, require
from ...errors import (
    DataError,
    RunError,
)
from ...events import Event, OnEvent, ignore
from ...rank.evaluation import AT_K
from ...rank.protocols import METRICS
from ...storage import toml_text, write_file
from ..data import Data
from .study import Outcome, ask, counts, done, last_error, opened, tell
from .trials import Search

if TYPE_CHECKING:
    import optuna

__all__ = ["Tuned", "tune"]


@dataclass(frozen=True)
class Tuned:
    """The result of a search.

    Attributes:
        value: the best trial's metric on the validation part.
        options: its options, those that were searched and those that were not.
        preset: the file that `fit --preset` takes.
        counts: trials that were finished, pruned, or failed.
    """

    value: float
    options: dict[str, Any]
    preset: Path
    counts: dict[str, int]


def tune(
    data: Data | str | Path,
    model: str,
    out: str | Path,
    *,
    trials: int = 50,
    time_limit: float | None = None,
    sampler: Literal["tpe", "random"] = "tpe",
    by: str = "ndcg@20",
    options: Mapping[str, Any] | None = None,
    preset: str | None = None,
    space: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    on_event: OnEvent = ignore,
) -> Tuned:
    """Search the options of ``model`` with Optuna; the best of them go to ``out/best.toml``, a preset.

    Only the validation part is read. Models that are trained are given up at a validated epoch whose metric is below
    the median of the earlier trials' at that epoch. The study is in ``out/study.db``: the same call again goes on
    where the last one ended, however it did, and draws what it would have drawn.

    Args:
        trials: how many in all, those of earlier calls included.
        time_limit: seconds after which the search ends; the trial it cuts off is repeated when the search goes on.
        sampler: ``tpe`` (tree-structured Parzen estimator, Bergstra et al. 2011) or ``random``.
        by: the metric to raise.
        options, preset: as of :func:`~.fitting.fit`; options that are given are not searched.
        space: a file in place of the model's own, see :func:`~.spaces.space_for`.
        seed: of the search and of every fit.

    Raises:
        ConfigError: Optuna is not installed; an option that does not exist; a model without a space. RunError: ``out``
            holds another search, or no trial was finished. DataError: there is no validation part.
    """
    check_seed(seed)
    require("://" not in str(out) and ":/" not in str(out), "out", "a folder, not the address of a database", str(out))
    require(trials >= 1, "trials", "at least 1", trials)
    require(sampler in ("tpe", "random"), "sampler", "tpe or random", sampler)
    name, _, k = by.partition("@")
    fine = name in METRICS and (k.isdecimal() and int(k) >= 1 if name in (*AT_K, "coverage") else not k)
    require(fine, "by", f"one of {', '.join(METRICS)}, with a cut-off as in ndcg@20 where it has one", by)
    data = data if isinstance(data, Data) else Data.load(data)
    if not len(data.split.evaluation_set(data.corpus, "valid")):
        raise DataError(f"{data.name} has no validation part to tune on")
    search = Search.begin(data, model, dict(options or {}), preset, space, by, seed, device, on_event)
    best = Path(out) / "best.toml"
    with opened(Path(out), search.about()) as study:
        end = None if time_limit is None else time.monotonic() + time_limit
        while (n_done := len(done(study))) < trials and (end is None or time.monotonic() < end):
            trial = ask(study, sampler, seed, n_done)
            outcome = search.attempt(trial, end)
            tell(study, trial, outcome)
            on_event(_report(study, trial, outcome, f"trial {n_done + 1} of {trials}", by))
            if isinstance(outcome, float) and study.best_trial.number == trial.number:
                _write(best, search, study, sampler)
        counted = counts(study)
        if counted["finished"]:  # also where a process was killed before it had written the best
            _write(best, search, study, sampler)
        if not counted["finished"]:
            raise RunError(f"no trial was finished: {last_error(study) or 'give it more time, or fewer epochs'}")
        return Tuned(study.best_value, search.options(study.best_trial.params), best, counted)


def _report(study: optuna.Study, trial: optuna.Trial, outcome: Outcome, which: str, by: str) -> Event:
    options = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
    what = f"{by} {outcome:.4f}" if isinstance(outcome, float) else str(outcome)
    best = f", best {study.best_value:.4f}" if counts(study)["finished"] else ""
    record = {
        "trial": trial.number,
        "outcome": outcome if isinstance(outcome, float) else str(outcome),
        "options": trial.params,
    }
    return Event("message", f"{which}: {what}{best}  ({options})", record)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(path: Path, search: Search, study: optuna.Study, sampler: str) -> None:
    """The best trial so far as a preset."""
    counted = counts(study)
    found = (
        f"By `playlistrec tune` on the validation part of {search.data.name}: {search.by} {study.best_value:.4f} "
        f"({sampler}, seed {search.seed}; so far {', '.join(f'{n} {state}' for state, n in counted.items())})."
    )
    options = search.options(study.best_trial.params)
    written = {name: "none" if value is None else value for name, value in options.items()}
    write_file(path, toml_text({"model": search.model, "found": found}) + "\n[options]\n" + toml_text(written))
