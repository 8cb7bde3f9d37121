"""Objectives: what a training step minimises, each with its options, its batches and its loss."""

from .bce import BCE
from .bpr import BPR
from .contrast import Contrast
from .direct_au import DirectAU
from .distillation import Distillation
from .full_softmax import FullSoftmax
from .in_batch_softmax import InBatchSoftmax
from .l2 import L2
from .message_edges import MessageEdges
from .objective import Batches, Objective, PairwiseObjective, Term
from .sampled_softmax import SampledSoftmax
from .session import BPRMax, SessionBPR, SessionObjective, SessionSoftmax
from .shared_softmax import SharedSoftmax
from .symmetric_softmax import SymmetricSoftmax

__all__ = [
    "BCE",
    "BPR",
    "L2",
    "BPRMax",
    "Batches",
    "Contrast",
    "DirectAU",
    "Distillation",
    "FullSoftmax",
    "InBatchSoftmax",
    "MessageEdges",
    "Objective",
    "PairwiseObjective",
    "SampledSoftmax",
    "SessionBPR",
    "SessionObjective",
    "SessionSoftmax",
    "SharedSoftmax",
    "SymmetricSoftmax",
    "Term",
]
