"""From flat options to the objectives of models that read playlists in order."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from ..config import require
from .batches.sessions import SessionNegatives
from .objectives import L2, BPRMax, Objective, SessionBPR, SessionSoftmax

if TYPE_CHECKING:
    from ..models.embedding.trained import TrainedModel
    from .options import TrainOptions

__all__ = ["objective_of_sessions"]

OF_SESSIONS = {
    *("epochs", "batch_size", "lr", "schedule", "l2", "eval_every", "patience"),
    *("loss", "temperature", "logq_correction", "bpr_max_reg", "negatives", "n_negatives", "popularity_power"),
}
"""The options that mean something to models that read playlists in order."""


def objective_of_sessions(options: TrainOptions, model: TrainedModel) -> Objective:
    """The objective that the options name. Raises ConfigError for those that mean nothing to the model."""
    for field in fields(options):
        if field.name not in OF_SESSIONS:
            value, rule = getattr(options, field.name), "empty" if field.default == "" else field.default
            meaningless = f"{rule} for {model.name}, to which it means nothing"
            require(value == field.default, field.name, meaningless, value)
    losses, negatives = ("bpr", "bpr-max", "softmax"), ("uniform", "popularity", "in-batch", "all")
    for name, known in (("loss", losses), ("negatives", negatives)):
        value = getattr(options, name)
        require(value in known, name, f"one of {', '.join(known)} for {model.name}", value)
    competitors = SessionNegatives(
        n=options.n_negatives if options.negatives in ("uniform", "popularity") else 0,
        power=options.popularity_power if options.negatives == "popularity" else 0.0,
        every=options.negatives == "all",
    )
    objective: Objective
    match options.loss:
        case "bpr":
            objective = SessionBPR(negatives=competitors)
        case "bpr-max":
            objective = BPRMax(negatives=competitors, bpr_max_reg=options.bpr_max_reg)
        case _:
            objective = SessionSoftmax(
                negatives=competitors, temperature=options.temperature, logq_correction=options.logq_correction
            )
    return objective + L2(options.l2) if options.l2 else objective
