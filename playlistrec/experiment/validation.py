"""Judging a model on the validation part while it is fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..config import require
from ..models.base import Recommender
from ..rank.evaluation import AT_K
from ..rank.protocols import evaluate
from ..rank.sampled import SAMPLED_METRICS, evaluate_sampled, sampled_of
from ..train.options import TrainOptions
from .data import Data

__all__ = ["validation"]


def validation(data: Data, training: TrainOptions) -> Callable[[Recommender], Mapping[str, float]] | None:
    """The validation of a fit, ``training.criterion`` included; None where the data has no validation part.

    Raises ConfigError for a criterion or protocol that cannot be.
    """
    name, _, k = training.criterion.partition("@")
    sampled = sampled_of(training.protocol)
    metrics = AT_K if sampled is None else SAMPLED_METRICS
    fine = name in metrics and k.isdigit() and int(k) >= 1
    require(fine, "criterion", f"one of {', '.join(metrics)} at a depth, as in ndcg@20", training.criterion)
    corpus, split, ks = data.corpus, data.split, sorted({20, int(k)})
    evaluation_set = split.evaluation_set(corpus, "valid")
    if not len(evaluation_set):
        return None
    if training.n_validated:
        evaluation_set = evaluation_set.sample(training.n_validated)
    if sampled is None:
        names = dict.fromkeys(("recall", "ndcg", name))
        return lambda model: evaluate(model, evaluation_set, ks=ks, metrics=names).metrics
    # Test entries may be drawn as negatives here: the training loop knows nothing of them.
    known, (n_negatives, draws) = split.ranking(corpus, "test"), sampled
    return lambda model: evaluate_sampled(model, evaluation_set, known, n_negatives, draws=draws, ks=ks).metrics
