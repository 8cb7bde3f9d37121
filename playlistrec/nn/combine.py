"""What the layers of a graph network are combined to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["LayerSum"]


class LayerSum(nn.Module):
    """Weighted sum over the layers, the input among them: ``h = sum_l alpha_l h_l``, l = 0..L.

    He et al. 2020 (LightGCN), eq. 4, with ``alpha_l = 1 / (L + 1)``, or ``alpha = softmax(w)`` with w learned
    (and 0 at first, which is the same).

    Args:
        n_layers: the number L of layers after the input.
        weights: ``"mean"`` or ``"learned"``.

    >>> LayerSum(1)([torch.tensor([[2.0]]), torch.tensor([[4.0]])])
    tensor([[3.]])
    """

    logits: Tensor

    def __init__(self, n_layers: int, weights: Literal["mean", "learned"] = "mean") -> None:
        super().__init__()
        if weights not in ("mean", "learned"):
            raise ValueError(f"weights must be mean or learned (got {weights!r})")
        zeros = torch.zeros(n_layers + 1)
        if weights == "learned":
            self.logits = nn.Parameter(zeros)
        else:
            self.register_buffer("logits", zeros, persistent=False)

    @property
    def alpha(self) -> Tensor:
        """(L + 1,) the weights of the layers."""
        return self.logits.softmax(0)

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Combine L + 1 tensors of shape (n, d) to one."""
        if len(layers) != len(self.logits):
            raise ValueError(f"layers must be {len(self.logits)} tensors (got {len(layers)})")
        if not self.logits.requires_grad:
            # Equal weights: the sum is scaled once instead of every layer.
            total = layers[0].clone()
            for layer in layers[1:]:
                total += layer
            return total / len(layers)
        alpha = self.alpha
        out = alpha[0] * layers[0]
        for weight, layer in zip(alpha[1:], layers[1:]):
            out = out + weight * layer
        return out
