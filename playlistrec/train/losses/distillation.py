"""A teacher's softmax over shared candidates, to which a student's is drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from .shared_softmax import masked_logits

__all__ = ["distillation_loss"]

Pairs = tuple[Tensor, Tensor]


def distillation_loss(
    student: Pairs,
    teacher: Pairs,
    weights: Tensor,
    *,
    student_bias: Tensor,
    teacher_bias: Tensor,
    masked: Pairs,
    reduced: torch.dtype | None = None,
) -> Tensor:
    """``-Σ_i w_i Σ_c p_ic ln q_ic``: the softmax q of one model's scores drawn to the softmax p of another's.

    Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2, over candidates that all
    rows share.

    Args:
        student, teacher: (n, d) queries, divided by the temperature, and (m, d) keys, each model with a d of its own.
        weights: (n,) of the rows.
        student_bias, teacher_bias: (m,) added to their logits.
        masked: rows and columns of candidates that are none.
        reduced: type in which the products are multiplied.

    >>> import torch
    >>> one, two, none = torch.ones(1, 1), torch.tensor([[0.0], [0.0]]), torch.tensor([], dtype=torch.long)
    >>> biases = {"student_bias": torch.zeros(2), "teacher_bias": torch.zeros(2)}
    >>> loss = distillation_loss((one, two), (one, two), torch.ones(1), masked=(none, none), **biases)
    >>> round(float(loss), 4)
    0.6931
    """
    with torch.no_grad():
        targets = masked_logits(*teacher, teacher_bias, masked, reduced).softmax(1)
    return -(weights * (targets * masked_logits(*student, student_bias, masked, reduced).log_softmax(1)).sum(1)).sum()
