"""Losses: pure functions of tensors, each a scalar. Nothing of ours is imported but ``graph.products``."""

from .bce import bce
from .bpr import bpr
from .bpr_max import bpr_max, shared_bpr
from .contrast import contrast
from .direct_au import alignment, uniformity
from .distillation import distillation_loss
from .l2 import l2_penalty
from .sampled_softmax import sampled_softmax
from .shared_softmax import shared_softmax
from .softmax import softmax

__all__ = [
    "alignment",
    "bce",
    "bpr",
    "bpr_max",
    "contrast",
    "distillation_loss",
    "l2_penalty",
    "sampled_softmax",
    "shared_bpr",
    "shared_softmax",
    "softmax",
    "uniformity",
]
