"""Several models on one split: fitted where they are not yet, ranked, and held to the best by a paired test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..config import check_seed, require
from ..corpus.split import Part
from ..errors import ConfigError, RunError, nearest
from ..events import Event, OnEvent, ignore
from ..rank.evaluation import Evaluation
from ..rank.significance import bootstrap_interval, bootstrap_test, holm, permutation_test
from .data import Data
from .run_folder import read_info
from .runs import Run

__all__ = ["SIGNIFICANT", "Comparison", "Pair", "Row", "compare"]

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
        n_seeds: runs, alike but for their seed, that ``metrics`` and the seconds are means of.
        deviations: sample standard deviation of each metric over them; none for one run.
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
    n_seeds: int = 1
    deviations: Mapping[str, float] | None = None

    @property
    def as_good(self) -> bool:
        """True if it is not shown to be worse than the best."""
        return self.p is not None and self.p >= SIGNIFICANT


@dataclass(frozen=True)
class Pair:
    """Two models of a comparison: the mean of ``first`` minus that of ``second``, its interval, and p.

    Attributes:
        effect: the mean difference over the standard deviation of the differences (Cohen's d for pairs).
    """

    first: str
    second: str
    difference: float
    interval: tuple[float, float]
    p: float
    effect: float


@dataclass(frozen=True)
class Comparison:
    """The result of :func:`compare`.

    Attributes:
        failed: by name, the error of each model that is not among ``rows``.
        pairs: every two models, where that was asked for; p is corrected for all of them.
    """

    data: str
    part: Part
    protocol: str
    n_queries: int
    by: str
    test: str
    resamples: int
    rows: list[Row]
    failed: dict[str, str] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def floor(self) -> float:
        """The smallest p that the test could give, before the correction."""
        return 1 / (1 + self.resamples)


def compare(
    runs: Mapping[str, Path | Sequence[Path]] | Sequence[str | Path],
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
    pairwise: bool = False,
    on_event: OnEvent = ignore,
) -> Comparison:
    """Rank the queries of ``part`` with each run and test each against the best by the metric ``by``.

    The same queries choose the best and test it, so that p is a little too small where several are about as good.
    Of several runs of one name, which differ in their seed, each query's metric is the mean over them; the test is
    over queries, and the spread over seeds is reported beside it.

    Args:
        runs: run folders, by name or named by their folders; several of one name are its seeds.
        pairwise: test every two models too.
        test: ``permutation`` (of signs) or ``bootstrap``, see :mod:`playlistrec.rank.significance`; Holm's correction
            over all comparisons.

    Raises:
        ConfigError: ``by`` is no metric that is a mean over playlists. RunError: the runs are not all of one data and
            split, or none of them can be ranked.
    """
    require(test in ("permutation", "bootstrap"), "test", "permutation or bootstrap", test)
    require(1 <= resamples <= MOST_RESAMPLES, "resamples", f"from 1 to {MOST_RESAMPLES:,}", resamples)
    check_seed(seed)
    folders = _named(runs)
    require(len(folders) > 0, "runs", "one or more run folders", runs)
    first = _same_data(folders)
    depth = re.fullmatch(r"\w+@(\d+)", by)
    ks = sorted({*k, *((int(depth[1]),) if depth else ())})
    loaded = data if isinstance(data, Data) else Data.load(data or read_info(first)["data"])
    done: dict[str, list[tuple[dict[str, Any], Evaluation]]] = {}
    failed: dict[str, str] = {}
    for name, seeds in folders.items():
        for folder in seeds:
            result = _ranked(folder, loaded, part, ks, protocol, device, on_event)
            if isinstance(result, str):
                failed[name] = result
                done.pop(name, None)
                break
            known = result[1].per_query
            if by not in known:
                rule = f"by must be a mean over playlists{nearest(by, known)}"
                raise ConfigError(f"{rule}: {', '.join(known)} (got {by!r})")
            done.setdefault(name, []).append(result)
    if not done:
        raise RunError("; ".join(f"{name}: {error}" for name, error in failed.items()))
    one = next(iter(done.values()))[0][1]
    rows = {name: _row(name, folders[name][0], results) for name, results in done.items()}
    values = {name: np.mean([result.per_query[by] for _, result in results], axis=0) for name, results in done.items()}
    best = max(rows, key=lambda name: rows[name].metrics[by])
    held = _Test(test, resamples, seed)
    if others := [name for name in done if name != best]:
        on_event(Event("message", f"testing {len(others)} differences, {resamples:,} resamples"))
        for name, pair in zip(others, held.pairs([(name, best) for name in others], values)):
            rows[name] = replace(rows[name], difference=pair.difference, interval=pair.interval, p=pair.p)
    every = held.pairs(list(combinations(done, 2)), values) if pairwise and others else []
    about = (loaded.name, part, one.protocol, one.n_queries, by, test, resamples)
    return Comparison(*about, list(rows.values()), failed, every)


@dataclass(frozen=True)
class _Test:
    """A paired test, its resamples and its seed."""

    kind: str
    resamples: int
    seed: int

    def pairs(self, names: Sequence[tuple[str, str]], values: Mapping[str, npt.NDArray[np.float64]]) -> list[Pair]:
        """The pairs of ``names``, tested with the same resamples, p corrected for all of them."""
        differences = np.stack([values[a] - values[b] for a, b in names])
        tested = permutation_test if self.kind == "permutation" else bootstrap_test
        p = holm(tested(differences, resamples=self.resamples, seed=self.seed))
        bounds = bootstrap_interval(differences, resamples=self.resamples, seed=self.seed + 1)
        mean, spread = differences.mean(1), differences.std(1, ddof=1 if differences.shape[1] > 1 else 0)
        effects = np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0)
        return [
            Pair(a, b, float(mean[i]), (float(bounds[i][0]), float(bounds[i][1])), float(p[i]), float(effects[i]))
            for i, (a, b) in enumerate(names)
        ]


def _named(runs: Mapping[str, Path | Sequence[Path]] | Sequence[str | Path]) -> dict[str, list[Path]]:
    """The folders by name; without names, by the folder's own where that is no other's too."""
    if isinstance(runs, Mapping):
        return {name: [Path(run)] if isinstance(run, str | Path) else list(run) for name, run in runs.items()}
    folders = [Path(run) for run in runs]
    names = [folder.resolve().name for folder in folders]
    return {str(f) if names.count(name) > 1 else name: [f] for name, f in zip(names, folders)}


def _same_data(folders: Mapping[str, Sequence[Path]]) -> Path:
    """The first folder. Raises RunError unless all were fitted on the data and split that it was fitted on."""
    infos = {name: [read_info(folder) for folder in seeds] for name, seeds in folders.items()}
    first = next(iter(infos))
    for key, what in (("vocabulary", "other data"), ("split", "another split")):
        differ = [name for name, infos_ in infos.items() if any(i[key] != infos[first][0][key] for i in infos_)]
        if differ:
            was = "were" if len(differ) > 1 else "was"
            raise RunError(f"{', '.join(differ)} {was} fitted on {what} than {first}: they do not compare")
    return folders[first][0]


def _ranked(
    folder: Path, data: Data, part: Part, ks: Sequence[int], protocol: str, device: str, on_event: OnEvent
) -> tuple[dict[str, Any], Evaluation] | str:
    """The record and metrics of a run, or its error; not the model, which may be large."""
    try:
        run = Run.load(folder, data=data)
        return run.info, run.evaluate(part, ks, protocol=protocol, device=device, on_event=on_event)
    except RunError as error:
        return str(error)


def _row(name: str, folder: Path, results: Sequence[tuple[Mapping[str, Any], Evaluation]]) -> Row:
    """The means over the runs of one name, and their spread."""
    infos = [info for info, _ in results]
    figures = {key: [result.metrics[key] for _, result in results] for key in results[0][1].metrics}
    return Row(
        name=name,
        run=folder,
        metrics={key: float(np.mean(values)) for key, values in figures.items()},
        fit_seconds=float(np.mean([info["seconds"] for info in infos])),
        fit_mb=max(info["peak_memory_mb"] for info in infos),
        rank_seconds=float(np.mean([result.seconds for _, result in results])),
        n_seeds=len(results),
        deviations={k: float(np.std(v, ddof=1)) for k, v in figures.items()} if len(results) > 1 else None,
    )
