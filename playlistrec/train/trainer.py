"""The trainer: a model, an objective, an optimiser, and one epoch after another."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..config import require
from ..corpus.corpus import Corpus
from ..errors import ConfigError, DataError, RunError
from ..events import Event, OnEvent, ignore
from ..models.embedding.trained import TrainedModel
from .batches.plan import BatchPlan, Full, Regime, Sampled
from .objectives import Objective
from .optimizer import RowAdam
from .ranks import ALONE, Ranks
from .schedule import Constant, Schedule

__all__ = ["SAMPLED_ABOVE", "Trainer", "Validate"]

SAMPLED_ABOVE = 20_000_000
"""Pairs above which a regime of None samples: below, two hops of a large batch touch nearly every node anyway."""

Validate = Callable[[TrainedModel], Mapping[str, float]]


class Trainer:
    """Trains ``model`` on the pairs of ``corpus`` with Adam.

    An epoch's randomness comes from ``(seed, epoch)`` alone. ``picked`` is true where the size of the graph picked the
    regime.

    Args:
        model: built from ``corpus``, whose entries are all there is to learn from.
        objective: what each step minimises.
        lr: learning rate.
        weight_decay: Adam's, of all parameters.
        schedule: its course.
        batch_size: positive pairs a step; playlists a step where batches hold whole playlists.
        regime: over what a step propagates; None picks by the size of the graph.
        precision: of the propagation and of the products of softmax; embeddings and ranking stay float32.
        ranks: the processes that share every batch.

    Raises:
        DataError: there is nothing to learn from. ConfigError: the objective is not for this model.

    >>> from playlistrec.corpus.corpus import Corpus
    >>> from playlistrec.models.factorization.mf import MF
    >>> from playlistrec.train import BPR, L2, Trainer
    >>> corpus = Corpus.from_lists([["a", "b"], ["b", "c"], ["a", "c"]])
    >>> trainer = Trainer(MF.from_corpus(corpus, MF.config_class(dim=4)), corpus, BPR() + L2(1e-4), lr=0.05)
    >>> [event.data["epoch"] for event in trainer.epochs(3)]
    [1, 2, 3]
    """

    def __init__(
        self,
        model: TrainedModel,
        corpus: Corpus,
        objective: Objective,
        *,
        lr: float = 0.005,
        weight_decay: float = 0.0,
        schedule: Schedule | None = None,
        batch_size: int = 8192,
        regime: Regime | None = None,
        precision: torch.dtype = torch.float32,
        seed: int = 0,
        device: torch.device | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        if not corpus.n_entries:
            raise DataError("there are no training entries to fit on")
        self.model, self.corpus, self.objective, self.seed = model, corpus, objective, seed
        self.lr, self.schedule, self.ranks = lr, schedule or Constant(), ranks
        device = device or torch.device("cpu")
        reduced = None if precision == torch.float32 else precision
        self.optimizer: torch.optim.Optimizer
        self.picked = model.propagates and regime is None
        if not model.propagates:
            unsupported = f"float32 for {model.name}, which does not support it"
            require(reduced is None, "precision", unsupported, "bf16")
            regime = Full()
        elif regime is None:
            large = len(corpus.pairs[0]) > SAMPLED_ABOVE and not objective.needs_whole_graph and reduced is None
            regime = Sampled() if large else Full()
        model.to(device)
        model.precision = precision
        if model.aggregates:
            require(
                not weight_decay, "weight_decay", f"0 for {model.name}, of which a step sees few rows", weight_decay
            )
            self.optimizer = RowAdam(model.parameters(), lr)
        else:
            self.optimizer = _adam(model, lr, weight_decay)
        given: dict[str, Any] = {"rank": ranks.rank, "ranks": ranks.size}
        plan = BatchPlan(batch_size=batch_size, device=device, regime=regime, reduced=reduced, **given)
        self.batches = objective.batches(model, corpus, plan)
        whole = model.propagates and self.batches.regime == "full"
        if ranks.size > 1 and (whole or not self.batches.divides):
            what = "the whole graph" if whole else "its batch as a whole"
            rule = "the model aggregate, the sampled regime or mf, with a loss over pairs or softmax"
            raise ConfigError(f"several processes share {rule} ({type(objective).__name__} needs {what})")
        self.done = 0

    def epochs(self, n: int, *, validate: Validate | None = None) -> Iterator[Event]:
        """Train up to the ``n``-th epoch; after each comes an ``"epoch"`` event.

        Its data are ``epoch`` (from 1), ``loss`` (mean over the steps), ``seconds``, and the metrics of ``validate``.
        Raises RunError where the loss diverges.
        """
        while self.done < n:
            began = time.perf_counter()
            record: dict[str, Any] = self.epoch(horizon=n)
            if wrong := self.diverged(record["loss"]):
                raise RunError(wrong)
            if validate is not None:
                record.update(validate(self.model))
            yield Event("epoch", data={**record, "seconds": time.perf_counter() - began, "epochs": n})

    def epoch(
        self,
        *,
        horizon: int,
        on_event: OnEvent = ignore,
        losses: Sequence[torch.Tensor] = (),
        stop: Callable[[list[torch.Tensor]], bool] | None = None,
    ) -> dict[str, float]:
        """Train one epoch, or the rest of one.

        Args:
            horizon: epochs over which the schedule runs.
            on_event: gets a ``"progress"`` event after each step.
            losses: of the steps that were done before; the batches must be able to begin there (``seeks``).
            stop: called after each step but the last with the losses so far; true to break off, and ``done`` stays.

        Returns:
            ``epoch``, counted from 1, and ``loss``, the mean over the steps.
        """
        number, total = self.done, len(self.batches)
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        self.model.train()
        with self.batches.seeded(seed):
            found, whole = list(losses), True
            given: Any = self.batches
            stream = given.epoch(seed, number, start=len(found)) if found else given.epoch(seed, number)
            for step, batch in enumerate(stream, len(found)):
                found.append(self.step(batch, (number + step / total) / horizon))
                about = {"done": step + 1, "total": total, "epoch": number + 1, "epochs": horizon, "loss": found[-1]}
                on_event(Event("progress", "epoch", {**about, "entries": self.corpus.n_entries}))
                if step + 1 < total and stop is not None and stop(found):
                    whole = False
                    break
        self.done += whole
        self.model.eval()
        return {"epoch": number + 1, "loss": float(torch.stack(found).mean())}

    def step(self, batch: Any, done: float = 0.0) -> torch.Tensor:
        """One step: the loss of a batch, its gradients, and Adam. ``done`` is the share of all steps before it."""
        loss, objective = self.objective(batch)
        loss, share = self.ranks.mean(loss.detach(), self.objective.mass(batch))
        self.optimizer.zero_grad()
        objective = objective if self.ranks.size == 1 else objective * share
        objective.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.lr, done)
        self.ranks.step(self.optimizer)
        return loss

    def diverged(self, loss: float) -> str:
        """The name of a value that is not finite, with the likely cause; empty where all are finite."""
        tables = self.model.tables.items()
        wrong = [name for name, table in tables if not table.detach().square().sum().isfinite()]
        if not wrong and math.isfinite(loss):
            return ""
        where = f"the embeddings of {' and '.join(wrong)} are no longer finite" if wrong else "a score overflowed"
        cause = f"likely lr = {self.lr} is too high"
        if temperature := getattr(self.objective, "temperature", None):
            cause += f" or temperature = {temperature} too low"
        return f"the loss is {loss} in epoch {self.done}: {where}, {cause}"


def _adam(model: TrainedModel, lr: float, weight_decay: float) -> torch.optim.Adam:
    parameters = list(model.parameters())
    try:
        return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay, fused=True)
    except RuntimeError:  # torch before 2.4 has the fused kernel on CUDA only
        return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)
