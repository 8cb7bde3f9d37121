"""From flat options to objects: the one place where the names of losses, negatives and regimes mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..config import require
from ..errors import ConfigError
from .batches.plan import Full, Regime, Sampled
from .negatives import InBatch, Negatives, Pool, Popularity, SameArtist, TwoHop, Uniform
from .objectives import (
    BCE,
    BPR,
    L2,
    Contrast,
    DirectAU,
    Distillation,
    FullSoftmax,
    InBatchSoftmax,
    MessageEdges,
    Objective,
    SampledSoftmax,
    SharedSoftmax,
    SymmetricSoftmax,
    Term,
)
from .options import TrainOptions
from .schedule import Constant, Cosine, Schedule
from .session_registry import objective_of_sessions

if TYPE_CHECKING:
    from ..models.embedding.model import Vectors
    from ..models.embedding.trained import TrainedModel

__all__ = ["check", "objective_of", "precision_of", "regime_of", "schedule_of"]

SHARED_CANDIDATES = ("shared", "all")
"""Negatives that all playlists of a step share."""
KNOWN_PROBABILITY = ("uniform", "popularity", "in-batch", "shared")
"""Negatives whose sampling probability is known."""


OF_CANDIDATES = (
    *("top_k", "top_k_temperature", "temperature_spread", "look_every", "negative_exponent", "pooled_positives"),
)
"""Options of softmax over candidates that rows share."""


def check(options: TrainOptions) -> None:
    """Raise ConfigError for options that do not go together, whatever the model."""
    loss, negatives = options.loss, options.negatives
    got = f"(got loss={loss}, negatives={negatives})"
    few, drawn = options.hard_negative_candidates, not _draws_nothing(options)
    above = f"above n_negatives = {options.n_negatives}"
    require(few == 0 or few > options.n_negatives, "hard_negative_candidates", above, few)
    require(few == 0 or drawn, "hard_negative_candidates", "0 where no negatives are drawn", few)
    if negatives in SHARED_CANDIDATES and loss in ("bpr", "bce"):
        raise ConfigError(
            f"negatives={negatives} is for loss=softmax: set that, or negatives=uniform (got loss={loss})"
        )
    if negatives != "uniform" and loss == "directau":
        raise ConfigError(f"loss=directau takes no negatives: leave them out (got negatives={negatives})")
    if options.logq_correction and (loss != "softmax" or negatives not in KNOWN_PROBABILITY):
        raise ConfigError(
            "logq_correction needs loss=softmax and negatives whose probability is known: uniform, popularity, "
            f"in-batch or shared {got}"
        )
    for name in ("length_weight_exponent", "symmetric_weight"):
        if getattr(options, name) and (loss != "softmax" or negatives not in SHARED_CANDIDATES):
            raise ConfigError(f"{name} needs loss=softmax and negatives that playlists share: shared or all {got}")
    shares = loss == "softmax" and negatives in ("in-batch", *SHARED_CANDIDATES)
    for name in ("top_k", "temperature_spread", "negative_exponent"):
        if getattr(options, name) and not shares:
            raise ConfigError(f"{name} needs loss=softmax and negatives that rows share: in-batch, shared or all {got}")
    if options.surrogate != "exp" and (loss != "softmax" or negatives in SHARED_CANDIDATES):
        raise ConfigError(f"surrogate needs loss=softmax and negatives of a pair's own, or in-batch {got}")
    if options.teacher and (loss != "softmax" or negatives != "shared"):
        raise ConfigError(f"teacher needs loss=softmax and negatives=shared, whose candidates both models rank {got}")
    split = options.message_edge_split
    require(split == "epoch" or options.message_edge_share < 1, "message_edge_split", "epoch where all are both", split)
    regime_of(options)
    if loss == "softmax":
        _loss(options)  # which checks what is its own
    if options.regime == "sampled" and (needs := _needs_whole_graph(options)):
        raise ConfigError(f"{needs} needs the full regime (got regime=sampled)")


def objective_of(options: TrainOptions, model: TrainedModel, teacher_vectors: Vectors | None = None) -> Objective:
    """The objective that the options name for a model.

    Args:
        teacher_vectors: final vectors of the run that ``options.teacher`` names.

    Raises:
        ConfigError: options that mean nothing to the model, or a teacher without vectors.
    """
    given = (teacher_vectors is not None) == bool(options.teacher)
    require(given, "teacher", "a run whose vectors are given, or empty", options.teacher)
    if model.reads_order:
        return objective_of_sessions(options, model)
    other = f"another for {model.name}: its negatives are not shared"
    require(options.loss != "bpr-max", "loss", other, options.loss)
    return _with_terms(options, teacher_vectors)


def regime_of(options: TrainOptions) -> Regime | None:
    """The regime; None where the size of the graph is to decide."""
    sampled = Sampled(fanout=options.fanout, workers=options.workers)
    return {"auto": None, "full": Full(), "sampled": sampled}[options.regime]


def schedule_of(options: TrainOptions) -> Schedule:
    """The course of the learning rate."""
    schedules: dict[str, Schedule] = {"constant": Constant(), "cosine": Cosine()}
    return schedules[options.schedule]


def precision_of(options: TrainOptions) -> torch.dtype:
    """Type of the propagation and of the products of softmax."""
    return {"float32": torch.float32, "bf16": torch.bfloat16}[options.precision]


def _loss(options: TrainOptions) -> Objective:
    exponent = options.length_weight_exponent
    match options.loss, options.negatives:
        case "softmax", "all":
            return FullSoftmax(length_weight_exponent=exponent, **_candidates(options))
        case "softmax", "shared":
            return SharedSoftmax(
                **_candidates(options),
                n_negatives=options.n_negatives,
                popularity_power=options.popularity_power,
                logq_correction=options.logq_correction,
                length_weight_exponent=exponent,
            )
        case "softmax", "in-batch":
            return InBatchSoftmax(
                logq_correction=options.logq_correction, surrogate=options.surrogate, **_candidates(options)
            )
        case "softmax", _:
            return SampledSoftmax(
                temperature=options.temperature,
                surrogate=options.surrogate,
                logq_correction=options.logq_correction,
                negatives=_negatives(options),
            )
        case "bpr", _:
            return BPR(negatives=_negatives(options))
        case "bce", _:
            return BCE(negatives=_negatives(options))
        case _:
            return DirectAU(uniformity=options.uniformity)


def _candidates(options: TrainOptions) -> dict[str, Any]:
    """The options of every softmax whose candidates rows share."""
    return {name: getattr(options, name) for name in ("temperature", *OF_CANDIDATES)}


def _with_terms(options: TrainOptions, teacher_vectors: Vectors | None) -> Objective:
    objective = _loss(options)
    for term in _terms(options, teacher_vectors):
        objective = objective + term
    return objective


def _terms(options: TrainOptions, teacher_vectors: Vectors | None) -> list[Term]:
    terms: list[Term] = []
    if options.l2:
        terms.append(L2(options.l2))
    if options.symmetric_weight:
        terms.append(SymmetricSoftmax(options.symmetric_weight, options.temperature))
    if teacher_vectors is not None:
        terms.append(
            Distillation(
                options.teacher_weight,
                teacher_vectors,
                temperature=options.teacher_temperature,
                logq_correction=options.logq_correction,
                length_weight_exponent=options.length_weight_exponent,
            )
        )
    if options.contrast:
        terms.append(Contrast(options.contrast, options.contrast_noise, options.contrast_temperature))
    if options.message_edge_share < 1:
        terms.append(MessageEdges(options.message_edge_share, options.message_edge_split))
    return terms


def _negatives(options: TrainOptions) -> Negatives:
    n, hardest_of = options.n_negatives, options.hard_negative_candidates
    match options.negatives:
        case "uniform":
            return Uniform(n=n, hardest_of=hardest_of)
        case "popularity":
            return Popularity(n=n, hardest_of=hardest_of, power=options.popularity_power)
        case "in-batch":
            return InBatch(n=n, hardest_of=hardest_of)
        case "pool":
            return Pool(
                n=n,
                hardest_of=hardest_of,
                size=options.pool_size,
                final_share=options.pool_final_share,
                anneal_epochs=options.pool_anneal_epochs,
                refresh_every=options.pool_refresh_every,
            )
        case "artist":
            return SameArtist(n=n, hardest_of=hardest_of)
        case "two-hop":
            return TwoHop(n=n, hardest_of=hardest_of)
        case other:
            raise ConfigError(f"negatives={other} are not drawn for each positive (got loss={options.loss})")


def _draws_nothing(options: TrainOptions) -> bool:
    """True if no negatives are drawn for a positive."""
    softmax = options.loss == "softmax" and options.negatives in ("in-batch", *SHARED_CANDIDATES)
    return softmax or options.loss == "directau"


def _needs_whole_graph(options: TrainOptions) -> str:
    if options.loss == "bpr-max":  # for models without a graph
        return ""
    needs = _with_terms(options, None).needs_whole_graph
    return needs or ("precision=bf16" if options.precision == "bf16" else "")
