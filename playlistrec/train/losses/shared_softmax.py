"""Softmax of each positive among negatives that all rows share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["masked_logits", "shared_softmax"]

Pairs = tuple[Tensor, Tensor]

OUT = -1e30
"""Logit of what is no candidate: finite, so that a row without any stays a number."""


def shared_softmax(
    queries: Tensor,
    keys: Tensor,
    positive: Tensor,
    rows: Tensor,
    *,
    bias: Tensor,
    masked: Pairs,
    weights: Tensor | None = None,
    reduced: torch.dtype | None = None,
) -> Tensor:
    """Mean of ``-ln(e^positive / (e^positive + Σ_c e^s_ic))``: each positive among negatives that all rows share.

    ``s_ic = q_i·k_c + b_c``, less the candidates masked in row i. With candidates drawn with probabilities Q and
    ``b_c = -ln(n Q_c)`` the sum estimates that over everything without bias. Bengio & Senécal 2008, section III;
    Yi et al. 2019, eq. 4.

    Args:
        queries: (n, d), divided by the temperature.
        keys: (m, d) candidates, each once; how often it was drawn is in the bias.
        positive: (p,) scores of the positives, divided by the temperature.
        rows: (p,) the queries they are of.
        bias: (m,) added to the logits.
        masked: rows and columns of candidates that are none.
        weights: (p,) of the positives, in place of 1 / p.
        reduced: type in which the products are multiplied.

    >>> import torch
    >>> one, first, none = torch.ones(1, 1), torch.tensor([0]), torch.tensor([], dtype=torch.long)
    >>> loss = shared_softmax(one, one, torch.ones(1), first, bias=torch.zeros(1), masked=(none, none))
    >>> round(float(loss), 4)
    0.6931
    """
    logits = masked_logits(queries, keys, bias, masked, reduced)
    each = F.softplus(logits.logsumexp(1).index_select(0, rows) - positive)
    return each.mean() if weights is None else (weights * each).sum()


def masked_logits(queries: Tensor, keys: Tensor, bias: Tensor, masked: Pairs, reduced: torch.dtype | None) -> Tensor:
    """(n, m) products and biases, in float32 whatever they are multiplied in, of what is masked ``OUT``."""
    small = (queries.to(reduced), keys.to(reduced)) if reduced else (queries, keys)
    logits = (small[0] @ small[1].T).to(queries.dtype) + bias
    logits[masked] = logits.new_full((), OUT)
    return logits
