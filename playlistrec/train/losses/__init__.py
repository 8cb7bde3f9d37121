"""Losses: pure functions of tensors, each a scalar. Nothing of ours is imported but ``graph.products``."""

from .adaptive_temperature import adaptive_temperatures
from .bce import bce
from .bilateral import log_sum, positive_half
from .bpr import bpr
from .bpr_max import bpr_max, shared_bpr
from .contrast import contrast
from .direct_au import alignment, uniformity
from .distillation import distillation_loss
from .l2 import l2_penalty
from .pairwise_softmax import pairwise_softmax
from .sampled_softmax import sampled_softmax
from .shared_softmax import shared_softmax
from .softmax import softmax
from .top_k import top_k_weights

__all__ = [
    "adaptive_temperatures",
    "alignment",
    "bce",
    "bpr",
    "bpr_max",
    "contrast",
    "distillation_loss",
    "l2_penalty",
    "log_sum",
    "pairwise_softmax",
    "positive_half",
    "sampled_softmax",
    "shared_bpr",
    "shared_softmax",
    "softmax",
    "top_k_weights",
    "uniformity",
]
