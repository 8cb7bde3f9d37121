"""Training: objectives, batches and losses, and the trainer that puts them together.

Names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .batches.plan import Full, Sampled
    from .negatives import InBatch, Pool, Popularity, SameArtist, TwoHop, Uniform
    from .objectives import (
        BCE,
        BPR,
        L2,
        BPRMax,
        Contrast,
        DirectAU,
        Distillation,
        FullSoftmax,
        InBatchSoftmax,
        MessageEdges,
        Objective,
        SampledSoftmax,
        SessionBPR,
        SessionSoftmax,
        SharedSoftmax,
        SymmetricSoftmax,
        Term,
    )
    from .options import TrainOptions
    from .schedule import Constant, Cosine
    from .trainer import Trainer

_HOME = {
    **dict.fromkeys(("Full", "Sampled"), "batches.plan"),
    **dict.fromkeys(("InBatch", "Pool", "Popularity", "SameArtist", "TwoHop", "Uniform"), "negatives"),
    **dict.fromkeys(("Constant", "Cosine"), "schedule"),
    **{"TrainOptions": "options", "Trainer": "trainer"},
}

__all__ = [
    "BCE",
    "BPR",
    "L2",
    "BPRMax",
    "Constant",
    "Contrast",
    "Cosine",
    "DirectAU",
    "Distillation",
    "Full",
    "FullSoftmax",
    "InBatch",
    "InBatchSoftmax",
    "MessageEdges",
    "Objective",
    "Pool",
    "Popularity",
    "SameArtist",
    "Sampled",
    "SampledSoftmax",
    "SessionBPR",
    "SessionSoftmax",
    "SharedSoftmax",
    "SymmetricSoftmax",
    "Term",
    "TrainOptions",
    "Trainer",
    "TwoHop",
    "Uniform",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME.get(name, 'objectives')}", __name__), name)
