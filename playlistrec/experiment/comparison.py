"""Several models on one split: fitted where they are not yet, ranked, and held to the best by a paired test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..config import check_seed, require
from ..corpus.split import Part
from ..errors import ConfigError, RunError, nearest
from ..events import Event, OnEvent, ignore
from ..rank.evaluation import Evaluation
from ..rank.significance import bootstrap_interval, bootstrap_test, holm, permutation_test
from .data import Data
from .run_folder import read_info
from .runs import Run

__all__ = ["SIGNIFICANT", "Comparison", "Row", "compare"]

SIGNIFICANT = 0.05


MOST_RESAMPLES = 10_000_000


@dataclass(frozen=True)
class Row:
    """One model of a comparison.

    Attributes:
        name: what it was called by the caller; the folder's name where a folder was given.
        metrics: as of :class:`~playlistrec.rank.evaluation.Evaluation`.
        fit_seconds, fit_mb: time and peak memory of the fit.
        rank_seconds: time of scoring and ranking all queries.
        difference: mean of its metric minus the best model's, 0 for the best itself.
        interval: 95 % bootstrap interval of the difference; none for the best.
        p: of the paired test against the best, corrected for all comparisons; none for the best.
    """

    name: str
    run: Path
    metrics: Mapping[str, float]
    fit_seconds: float
    fit_mb: int
    rank_seconds: float
    difference: float = 0.0
    interval: tuple[float, float] | None = None
    p: float | None = None

    @property
    def as_good(self) -> bool:
        """True if it is not shown to be worse than the best."""
        return self.p is not None and self.p >= SIGNIFICANT


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`compare`; ``failed`` has, by name, the error of each model that is not among ``rows``."""

    data: str
    part: Part
    protocol: str
    n_queries: int
    by: str
    test: str
    resamples: int
    rows: list[Row]
    failed: dict[str, str] = field(default_factory=dict)


def compare(
    runs: Mapping[str, Path] | Sequence[str | Path],
    *,
    part: Part = "valid",
    k: Sequence[int] = (10, 20),
    by: str = "ndcg@20",
    protocol: str = "full",
    test: Literal["permutation", "bootstrap"] = "permutation",
    resamples: int = 10_000,
    seed: int = 0,
    data: str | Path | Data | None = None,
    device: str = "auto",
    on_event: OnEvent = ignore,
) -> Comparison:
    """Rank the queries of ``part`` with each run and test each against the best by the metric ``by``.

    The same queries choose the best and test it, so that p is a little too small where several are about as good.

    Args:
        runs: run folders, by name or named by their folders.
        test: ``permutation`` (of signs) or ``bootstrap``, see :mod:`playlistrec.rank.significance`; Holm's correction
            over all comparisons.

    Raises:
        ConfigError: ``by`` is no metric that is a mean over playlists. RunError: the runs are not all of one data and
            split, or none of them can be ranked.
    """
    require(test in ("permutation", "bootstrap"), "test", "permutation or bootstrap", test)
    require(1 <= resamples <= MOST_RESAMPLES, "resamples", f"from 1 to {MOST_RESAMPLES:,}", resamples)
    check_seed(seed)
    folders = dict(runs) if isinstance(runs, Mapping) else _named([Path(run) for run in runs])
    require(len(folders) > 0, "runs", "one or more run folders", runs)
    first = _same_data(folders)
    depth = re.fullmatch(r"\w+@(\d+)", by)
    ks = sorted({*k, *((int(depth[1]),) if depth else ())})
    loaded = data if isinstance(data, Data) else Data.load(data or read_info(first)["data"])
    done: dict[str, tuple[dict[str, Any], Evaluation]] = {}
    failed = {}
    for name, folder in folders.items():
        result = _ranked(folder, loaded, part, ks, protocol, device, on_event)
        if isinstance(result, str):
            failed[name] = result
            continue
        known = result[1].per_query
        if by not in known:
            rule = f"by must be a mean over playlists{nearest(by, known)}"
            raise ConfigError(f"{rule}: {', '.join(known)} (got {by!r})")
        done[name] = result
    if not done:
        raise RunError("; ".join(f"{name}: {error}" for name, error in failed.items()))
    one = next(iter(done.values()))[1]
    best = max(done, key=lambda name: done[name][1].metrics[by])
    others = [name for name in done if name != best]
    rows = {name: _row(name, folders[name], *result) for name, result in done.items()}
    if others:
        on_event(Event("message", f"testing {len(others)} differences, {resamples:,} resamples"))
        theirs = np.stack([done[name][1].per_query[by] for name in others]) - done[best][1].per_query[by]
        tested = permutation_test if test == "permutation" else bootstrap_test
        p = holm(tested(theirs, resamples=resamples, seed=seed))
        bounds = bootstrap_interval(theirs, resamples=resamples, seed=seed + 1)
        for index, name in enumerate(others):
            low, high = bounds[index].tolist()
            rows[name] = _row(
                name, folders[name], *done[name], float(theirs[index].mean()), (low, high), float(p[index])
            )
    return Comparison(loaded.name, part, one.protocol, one.n_queries, by, test, resamples, list(rows.values()), failed)


def _named(folders: list[Path]) -> dict[str, Path]:
    """By the folder's own name where that is no other's too."""
    names = [folder.resolve().name for folder in folders]
    return {str(f) if names.count(name) > 1 else name: f for name, f in zip(names, folders)}


def _same_data(folders: Mapping[str, Path]) -> Path:
    """The first folder. Raises RunError unless all were fitted on the data and split that it was fitted on."""
    infos = {name: read_info(folder) for name, folder in folders.items()}
    first = next(iter(infos))
    for key, what in (("vocabulary", "other data"), ("split", "another split")):
        differ = [name for name, info in infos.items() if info[key] != infos[first][key]]
        if differ:
            was = "were" if len(differ) > 1 else "was"
            raise RunError(f"{', '.join(differ)} {was} fitted on {what} than {first}: they do not compare")
    return folders[first]


def _ranked(
    folder: Path, data: Data, part: Part, ks: Sequence[int], protocol: str, device: str, on_event: OnEvent
) -> tuple[dict[str, Any], Evaluation] | str:
    """The record and metrics of a run, or its error; not the model, which may be large."""
    try:
        run = Run.load(folder, data=data)
        return run.info, run.evaluate(part, ks, protocol=protocol, device=device, on_event=on_event)
    except RunError as error:
        return str(error)


def _row(
    name: str,
    folder: Path,
    info: Mapping[str, Any],
    result: Evaluation,
    difference: float = 0.0,
    interval: tuple[float, float] | None = None,
    p: float | None = None,
) -> Row:
    return Row(
        name=name,
        run=folder,
        metrics=result.metrics,
        fit_seconds=info["seconds"],
        fit_mb=info["peak_memory_mb"],
        rank_seconds=result.seconds,
        difference=difference,
        interval=interval,
        p=p,
    )
