"""Judging a model on the validation part while it is fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..config import require
from ..distributed.process_group import current
from ..models.base import Recommender
from ..rank.evaluation import AT_K
from ..rank.protocols import evaluate
from ..rank.sampled import SAMPLED_METRICS, evaluate_sampled, sampled_of
from ..train.options import TrainOptions
from .data import Data
from .link_curves import LinkCurves

__all__ = ["validation"]

WITHOUT_DEPTH = ("auc", "pooled_auc")
"""Criteria of full ranking that have no depth."""

Validate = Callable[[Recommender], Mapping[str, float]]


def validation(data: Data, training: TrainOptions) -> Validate | None:
    """The validation of a fit, ``training.criterion`` included; None where the data has no validation part.

    Where several processes share the fit, they share each validation, and all get its figures.

    Raises ConfigError for a criterion or protocol that cannot be.
    """
    name, _, k = training.criterion.partition("@")
    sampled = sampled_of(training.protocol)
    metrics = AT_K if sampled is None else SAMPLED_METRICS
    at_depth = name in metrics and k.isdecimal() and int(k) >= 1
    bare = sampled is None and training.criterion in WITHOUT_DEPTH
    rule = f"one of {', '.join(metrics)} at a depth, as in ndcg@20"
    rule += f", or {' or '.join(WITHOUT_DEPTH)}" if sampled is None else ""
    require(at_depth or bare, "criterion", rule, training.criterion)
    corpus, split, ks = data.corpus, data.split, sorted({20, int(k or 20)})
    evaluation_set = split.evaluation_set(corpus, "valid")
    if not len(evaluation_set):
        return None
    if training.n_validated:
        evaluation_set = evaluation_set.sample(training.n_validated)
    if sampled is None:
        names = dict.fromkeys(("recall", "ndcg", name))
        return _with_curves(
            lambda model: evaluate(model, evaluation_set, ks=ks, metrics=names, group=current()).metrics, data, training
        )
    # Test entries may be drawn as negatives here: the training loop knows nothing of them.
    known, (n_negatives, draws) = split.ranking(corpus, "test"), sampled
    return _with_curves(
        lambda model: (
            evaluate_sampled(model, evaluation_set, known, n_negatives, draws=draws, ks=ks, group=current()).metrics
        ),
        data,
        training,
    )


def _with_curves(validate: Validate, data: Data, training: TrainOptions) -> Validate:
    """The validation, and beside it the loss and the AUC of links where these are wanted."""
    if training.link_curves == "none":
        return validate
    curves = LinkCurves(data, training.loss, test=training.link_curves == "test")
    return lambda model: {**validate(model), **curves(model)}
