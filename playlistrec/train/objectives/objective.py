"""The base of all objectives, and of the terms that are added to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from torch import Tensor
from typing_extensions import Self

from ...errors import ConfigError
from ..batches.full import PairBatches
from ..batches.plan import BatchPlan, Sampled
from ..batches.sampled import SampledPairBatches
from ..negatives import UNIFORM, Negatives

if TYPE_CHECKING:
    from ...corpus.corpus import Corpus
    from ...models.embedding.trained import TrainedModel
    from ...models.graph.model import GraphModel

__all__ = ["Batches", "Objective", "PairwiseObjective", "Term"]


class Batches(Protocol):
    """A stream of batches, an epoch at a time."""

    regime: ClassVar[str]
    seeks: ClassVar[bool]
    """True if an epoch can be taken up at any step."""
    divides: ClassVar[bool]
    """True if several processes can share a batch: its loss is a mean over its pairs."""

    def seeded(self, seed: int) -> AbstractContextManager[None]: ...
    def epoch(self, seed: int, epoch: int) -> Iterator[Any]: ...
    def state(self) -> dict[str, Tensor]: ...
    def restore(self, state: Mapping[str, Tensor]) -> None: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Term(ABC):
    """Something that is added to the loss of an objective, ``weight`` times.

    >>> from playlistrec.train import FullSoftmax, L2
    >>> objective = FullSoftmax(temperature=0.1) + L2(1e-4)
    >>> objective.terms
    (L2(weight=0.0001),)
    """

    weight: float
    whole_graph: ClassVar[str] = ""
    """The option for which the whole graph must be propagated over; empty where it need not be."""

    def apply(self, total: Tensor, batch: Any) -> Tensor:
        """``total`` and the weighted term of a batch."""
        return total + self.weight * self.loss(batch)

    @abstractmethod
    def loss(self, batch: Any) -> Tensor:
        """The term of a batch, a scalar."""

    def plan(self, plan: BatchPlan) -> BatchPlan:
        """The plan with what this term needs of batches."""
        return plan

    def check(self, model: TrainedModel, batches: Batches) -> None:  # noqa: B027 - most terms suit all models
        """Raise ConfigError where the term means nothing to the model or its batches."""


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """The quantity that a step minimises: a loss over batches of its own kind, and terms added to it with ``+``.

    Called with a batch it gives the loss to show, and the objective to minimise.
    """

    terms: tuple[Term, ...] = field(default=())
    whole_graph: ClassVar[str] = ""
    """The option for which the whole graph must be propagated over; empty where it need not be."""
    aggregates: ClassVar[bool] = False
    """True if the objective is for models whose playlists are aggregates of their tracks."""

    def __add__(self, term: Term) -> Self:
        return replace(self, terms=(*self.terms, term))

    def __call__(self, batch: Any) -> tuple[Tensor, Tensor]:
        loss = total = self.loss(batch)
        for term in self.terms:
            total = term.apply(total, batch)
        return loss, total if batch.share == 1 else total * batch.share

    def mass(self, batch: Any) -> Tensor:
        """The weight of a batch beside others, of which :meth:`loss` is the mean: its pairs."""
        return batch.track.new_tensor(len(batch.track))  # type: ignore[no-any-return]

    @property
    def needs_whole_graph(self) -> str:
        """The option, if any, for which the whole graph must be propagated over."""
        return next((option for option in (self.whole_graph, *(t.whole_graph for t in self.terms)) if option), "")

    def batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        """The batches of an epoch over the pairs of ``corpus``.

        Raises ConfigError where the model cannot be trained so.
        """
        if isinstance(plan.regime, Sampled) and model.propagates and self.needs_whole_graph:
            raise ConfigError(f"{self.needs_whole_graph} needs the full regime (got regime=sampled)")
        if model.aggregates and not self.aggregates:
            raise ConfigError(f"{model.name} needs loss=softmax and negatives=shared (got {type(self).__name__})")
        for term in self.terms:
            plan = term.plan(plan)
        batches = self.make_batches(model, corpus, plan)
        for term in self.terms:
            term.check(model, batches)
        return batches

    @abstractmethod
    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        """The batches that :meth:`loss` takes."""

    @abstractmethod
    def loss(self, batch: Any) -> Tensor:
        """The loss of a batch, a scalar."""


@dataclass(frozen=True, kw_only=True)
class PairwiseObjective(Objective):
    """An objective that compares each positive with negatives drawn for it.

    Attributes:
        negatives: where these come from.
    """

    negatives: Negatives = UNIFORM

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledPairBatches(cast("GraphModel", model), corpus, plan, self.negatives)
        return PairBatches(model, corpus, plan, self.negatives)
