"""The trials of a search: one fit each, judged on the validation part."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, PlaylistrecError, nearest
from ...events import Event, OnEvent
from ...models.embedding.trained import TrainedModel
from ...models.registry import model_class
from ...rank.evaluation import AT_K
from ...rank.protocols import evaluate
from ..data import Data
from ..fitting import fit
from ..resolving import preset_of, resolve
from ..runs import Run
from .spaces import Space, space_for
from .study import CUT_OFF, PRUNED, Failed, Outcome

if TYPE_CHECKING:
    import optuna

__all__ = ["Search"]


class _PrunedError(Exception):
    """Ends a fit that is not worth going on with."""


@dataclass(frozen=True)
class Search:
    """The part that all trials share.

    Attributes:
        base: options that are not searched.
        values: all options with their values.
    """

    data: Data
    model: str
    base: dict[str, Any]
    values: dict[str, Any]
    space: Space
    by: str
    seed: int
    device: str
    on_event: OnEvent

    @classmethod
    def begin(
        cls,
        data: Data,
        model: str,
        given: dict[str, Any],
        preset: str | None,
        path: str | Path | None,
        by: str,
        seed: int,
        device: str,
        on_event: OnEvent,
    ) -> Search:
        kind = model_class(model)
        chosen = preset_of(preset, model, data, given)
        base = {**(chosen.options if chosen else {}), **given}
        if issubclass(kind, TrainedModel) and by.partition("@")[0] in AT_K:
            base = {"criterion": by, **base}
        own, training = resolve(kind, base)
        values = {**own.as_dict(), **(training.as_dict() if training else {})}
        space = space_for(model, None if path is None else Path(path))
        for name, dimension in space.items():
            for option in (name, *dimension.when):
                if option not in values:
                    raise ConfigError(f"{model} has no option {option!r} to search{nearest(option, values)}")
        space = {name: dimension for name, dimension in space.items() if name not in given}
        if not space:
            raise ConfigError(f"there is nothing to search: all options of the space are given ({', '.join(given)})")
        return cls(data, model, {name: values[name] for name in base}, values, space, by, seed, device, on_event)

    def about(self) -> dict[str, Any]:
        """All that a search shares with one that it goes on with."""
        return {
            "model": self.model,
            "vocabulary": self.data.corpus.vocabulary_hash,
            "split": self.data.split.fingerprint,
            "by": self.by,
            "seed": self.seed,
            "options": json.loads(json.dumps(self.base)),
            "space": repr(self.space),
        }

    def attempt(self, trial: optuna.Trial, end: float | None) -> Outcome:
        """Fit with the options of one trial."""
        chosen: dict[str, Any] = {}
        for name, dimension in self.space.items():
            now = {**self.values, **chosen}
            if all(now[other] == value for other, value in dimension.when.items()):
                chosen[name] = dimension.suggest(trial, name)

        def listen(event: Event) -> None:
            if event.kind == "epoch" and (value := event.data.get(self.values["criterion"])) is not None:
                trial.report(value, event.data["epoch"])
                if trial.should_prune():
                    raise _PrunedError
            elif event.kind == "progress":
                self.on_event(event)

        try:
            left = None if end is None else max(0.001, end - time.monotonic())
            run = fit(
                self.data,
                self.model,
                options={**self.base, **chosen},
                preset="none",
                time_limit=left,
                device=self.device,
                seed=self.seed,
                on_event=listen,
            )
            return CUT_OFF if run.info["stopped"] == "time" else self.value(run)
        except _PrunedError:
            return PRUNED
        except (PlaylistrecError, MemoryError, RuntimeError) as error:  # torch says with the last that memory is out
            return Failed(" ".join(str(error).split()) or type(error).__name__)

    def value(self, run: Run) -> float:
        """The metric of a run on the validation part."""
        valid = run.info["valid"] or {}
        if self.by in valid:
            return float(valid[self.by])
        name, _, k = self.by.partition("@")
        evaluation_set = self.data.split.evaluation_set(self.data.corpus, "valid")
        ks = (int(k),) if k.isdecimal() else (20,)
        found = evaluate(run.recommender("valid", device=self.device), evaluation_set, ks=ks, metrics=(name,))
        return found.metrics[self.by]

    def options(self, searched: Mapping[str, Any]) -> dict[str, Any]:
        """All options of a trial."""
        return {**self.base, **searched}
