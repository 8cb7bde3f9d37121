"""A whole comparison as a file: data, models, seeds, protocol, and what is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..config import require
from ..errors import ConfigError, nearest
from ..events import Event, OnEvent, ignore
from ..models.registry import model_class
from ..storage import read_toml
from .data import preprocess
from .data_folder import DATA
from .fit_each import FitRequest, fit_each
from .studies import study

__all__ = ["Experiment", "Fitted", "fit_seeds"]

EVALUATE = {
    "split": "valid",
    "k": [10, 20],
    "metrics": ["recall", "ndcg", "map"],
    "by": "ndcg@20",
    "protocol": "full",
    "test": "permutation",
    "resamples": 10_000,
    "pairwise": False,
}
"""The options of the report, with the defaults."""
KEYS = ("about", "data", "preprocess", "seeds", "models", "evaluate")


@dataclass(frozen=True)
class Fitted:
    """The runs of an experiment, by model one a seed, and the errors of those that failed."""

    runs: dict[str, list[Path]]
    failed: dict[str, str]


@dataclass(frozen=True)
class Experiment:
    """The content of an experiment file.

    Attributes:
        data: the data folder; where ``preprocess`` is given, the one that is made.
        preprocess: ``source`` and options of :func:`~playlistrec.experiment.data.preprocess`; empty for a folder that
            is there.
        requests: the fits, but for their seeds.
        seeds: of each fit.
        evaluate: what is reported: the keys of ``EVALUATE``.
    """

    data: Path | None
    preprocess: Mapping[str, Any]
    requests: Sequence[FitRequest]
    seeds: Sequence[int]
    evaluate: Mapping[str, Any] = field(default_factory=lambda: dict(EVALUATE))

    @classmethod
    def read(cls, path: Path) -> Experiment:
        """Read an experiment file. Its paths are relative to the folder it lies in.

        Raises ConfigError for what is no experiment: names the key, and the nearest that there is.
        """
        content = read_toml(path, "experiment file")
        if ("data" in content) == ("preprocess" in content):
            raise ConfigError(f"{path} needs data, a data folder, or [preprocess] with a source")
        steps = dict(content.get("preprocess", {}))
        if "preprocess" in content:
            require("source" in steps, "[preprocess] source", "a path", None)
            steps["source"] = path.parent / str(steps["source"])
        return cls._of(content, str(path), path.parent / content["data"] if "data" in content else None, steps)

    @classmethod
    def shipped(cls, name: str, data: Path) -> Experiment:
        """An experiment of :mod:`~playlistrec.experiment.studies` on a data folder, or on a source of playlists.

        A source is preprocessed as the experiment says. Raises ConfigError where there is none of that name.
        """
        content = study(name)
        if (data / DATA.manifest).exists():
            return cls._of(content, name, data, {})
        return cls._of(content, name, None, {**content["preprocess"], "source": data})

    @classmethod
    def _of(cls, content: Mapping[str, Any], where: str, data: Path | None, steps: Mapping[str, Any]) -> Experiment:
        _check(content, KEYS, where)
        models = content.get("models", {})
        if not isinstance(models, dict) or not models:
            raise ConfigError(f"{where} needs a table [models.NAME] for each model")
        evaluate = dict(content.get("evaluate", {}))
        _check(evaluate, EVALUATE, f"{where}, [evaluate]")
        return cls(
            data=data,
            preprocess=steps,
            requests=[_request(where, name, about) for name, about in models.items()],
            seeds=_seeds(content.get("seeds", [0])),
            evaluate={**EVALUATE, **evaluate},
        )

    def changed(
        self,
        *,
        epochs: int | None = None,
        time_limit: float | None = None,
        seeds: int | None = None,
        split: str | None = None,
        device: str | None = None,
    ) -> Experiment:
        """The experiment with other epochs and limits of the models that are trained, or other seeds; None leaves them.

        Args:
            seeds: so many, from 0 on.
        """
        limits = {"epochs": epochs, "time_limit": time_limit}
        new: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
        to_all: dict[str, Any] = {} if device is None else {"device": device}
        requests = [
            replace(request, **to_all, **(new if model_class(request.model).trainable else {}))
            for request in self.requests
        ]
        evaluate = {**self.evaluate, **({} if split is None else {"split": split})}
        chosen = self.seeds if seeds is None else _seeds(seeds)
        return replace(self, requests=requests, seeds=chosen, evaluate=evaluate)

    def fit(self, out: Path, on_event: OnEvent = ignore) -> tuple[Path, Fitted]:
        """Preprocess and fit what ``out`` does not hold yet; the data folder, and the runs."""
        data = self.data
        if data is None:
            data = out / "data"
            if not data.exists():
                options = {key: value for key, value in self.preprocess.items() if key != "source"}
                try:
                    preprocess(self.preprocess["source"], data, on_event=on_event, **options)
                except TypeError as error:
                    raise ConfigError(f"[preprocess]: {error}") from None
        return data, fit_seeds(data, self.requests, self.seeds, out, on_event=on_event)


def fit_seeds(
    data: Path, requests: Sequence[FitRequest], seeds: Sequence[int], out: Path, *, on_event: OnEvent = ignore
) -> Fitted:
    """Fit every request once a seed; a model that draws nothing once in all.

    Raises as :func:`~playlistrec.experiment.fit_each.fit_each` does.
    """
    alone: dict[str, list[FitRequest]] = {}
    for request in requests:
        kind = model_class(request.model)
        drawn = kind.trainable or kind.made_of_runs
        labels = [f"{request.name} seed {seed}" if seed else request.name for seed in seeds]
        each = [replace(request, seed=seed, label=label) for seed, label in zip(seeds, labels)]
        alone[request.name] = each if drawn else each[:1]
        if not drawn and len(seeds) > 1:
            on_event(Event("message", f"{request.name} draws nothing: fitted once"))
    fitted, failed = fit_each(data, [request for each in alone.values() for request in each], out, on_event=on_event)
    runs = {name: [fitted[request.name] for request in each if request.name in fitted] for name, each in alone.items()}
    whole = {name: found for name, found in runs.items() if len(found) == len(alone[name])}
    return Fitted(whole, {name: error.on_command_line() for name, error in failed.items()})


def _request(where: str, name: str, about: Any) -> FitRequest:
    if not isinstance(about, dict) or "model" not in about:
        raise ConfigError(f"{where}, [models.{name}] needs model")
    known = [f.name for f in fields(FitRequest) if f.name not in ("label", "seed")]
    _check(about, known, f"{where}, [models.{name}]")
    model_class(about["model"])
    limit = about.get("time_limit")
    require(limit is None or isinstance(limit, int | float), "time_limit", "a number of seconds", limit)
    return FitRequest(**{**about, "label": name})


def _seeds(given: Any) -> list[int]:
    """The seeds: a list, or so many from 0 on."""
    seeds = list(range(given)) if isinstance(given, int) and not isinstance(given, bool) else given
    fine = isinstance(seeds, list) and seeds and all(isinstance(seed, int) and seed >= 0 for seed in seeds)
    require(bool(fine) and len(set(seeds)) == len(seeds), "seeds", "a number or a list of different seeds", given)
    return list(seeds)


def _check(content: Mapping[str, Any], known: Any, where: str) -> None:
    for key in content:
        if key not in known:
            raise ConfigError(f"{where} has an unknown key {key!r}{nearest(key, known)}; known: {', '.join(known)}")
