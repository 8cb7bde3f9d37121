"""Ways to combine the layers of a graph network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["LayerConcat", "LayerSum"]


class LayerConcat(nn.Module):
    """All layers side by side, the input among them: ``h = h_0 ‖ … ‖ h_L``. Wang et al. 2019 (NGCF), eq. 9.

    >>> LayerConcat()([torch.tensor([[2.0]]), torch.tensor([[4.0]])])
    tensor([[2., 4.]])
    """

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Combine L + 1 tensors of shape (n, d) to one of (n, (L + 1) d)."""
        return torch.cat(list(layers), dim=1)


class LayerSum(nn.Module):
    """Weighted sum over the layers, the input among them: ``h = sum_l alpha_l h_l``, l = 0..L.

    He et al. 2020 (LightGCN), eq. 4, with ``alpha_l = 1 / (L + 1)``, given numbers, or ``alpha = softmax(w)`` with
    w learned (and 0 at first, which is the mean).

    Args:
        n_layers: the number L of layers after the input.
        weights: ``"mean"``, ``"learned"``, or L + 1 numbers, which are scaled to add up to 1.

    Raises:
        ValueError: other weights.

    >>> LayerSum(1)([torch.tensor([[2.0]]), torch.tensor([[4.0]])])
    tensor([[3.]])
    >>> LayerSum(1, [0, 1])([torch.tensor([[2.0]]), torch.tensor([[4.0]])])
    tensor([[4.]])
    """

    def __init__(self, n_layers: int, weights: str | Sequence[float] = "mean") -> None:
        super().__init__()
        self.fixed: list[float] | None = None
        if weights == "learned":
            self.logits = nn.Parameter(torch.zeros(n_layers + 1))
        elif weights == "mean":
            self.fixed = [1 / (n_layers + 1)] * (n_layers + 1)
        elif isinstance(weights, str) or len(weights) != n_layers + 1 or not sum(weights):
            raise ValueError(f"weights must be mean, learned or {n_layers + 1} numbers (got {weights!r})")
        else:
            self.fixed = [weight / sum(weights) for weight in weights]

    @property
    def alpha(self) -> Tensor:
        """(L + 1,) the weights of the layers."""
        return self.logits.softmax(0) if self.fixed is None else torch.tensor(self.fixed)

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Combine L + 1 tensors of shape (n, d) to one."""
        alpha: Sequence[float] | Tensor = self.alpha if self.fixed is None else self.fixed
        if len(layers) != len(alpha):
            raise ValueError(f"layers must be {len(alpha)} tensors (got {len(layers)})")
        if self.fixed is None:
            return torch.stack([weight * layer for weight, layer in zip(self.alpha, layers)]).sum(0)
        used = [(weight, layer) for weight, layer in zip(self.fixed, layers) if weight]
        scale, total = used[0][0], used[0][1].clone()
        for weight, layer in used[1:]:
            total = total.add_(layer, alpha=weight / scale)
        return total.mul_(scale)
