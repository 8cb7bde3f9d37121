"""Adam that touches the rows of a batch alone, where gradients are sparse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["RowAdam"]


class RowAdam(torch.optim.Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1); of a parameter with a sparse gradient only the rows that have one move.

    A step costs what the batch holds, not what the table holds. The moments of a row, and the number of its steps that
    corrects their bias, change with that row alone: unlike ``torch.optim.SparseAdam``, which corrects by the steps of
    the whole, and so moves a row that is seen late too far.

    Args:
        params: parameters.
        lr: learning rate.
        betas: decay of the two moments.
        eps: added to the root of the second.

    >>> table = torch.nn.Parameter(torch.zeros(3, 1))
    >>> optimizer = RowAdam([table], lr=0.1)
    >>> torch.nn.functional.embedding(torch.tensor([1]), table, sparse=True).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in table.flatten().tolist()]
    [0.0, -0.1, 0.0]
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    def _move(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state, (first, second) = self.state[parameter], group["betas"]
        if not state:
            steps = len(parameter) if grad.is_sparse else 1
            state["step"] = torch.zeros(steps, device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        if not grad.is_sparse:
            state["step"] += 1
            mean = state["exp_avg"].lerp_(grad, 1 - first)
            square = state["exp_avg_sq"].mul_(second).addcmul_(grad, grad, value=1 - second)
            parameter -= self._change(mean, square, state["step"], group)
            return
        grad = grad.coalesce()
        rows, values = grad.indices()[0], grad.values()
        steps = state["step"].index_select(0, rows) + 1
        mean = state["exp_avg"].index_select(0, rows).lerp_(values, 1 - first)
        square = state["exp_avg_sq"].index_select(0, rows).mul_(second).addcmul_(values, values, value=1 - second)
        state["step"].index_copy_(0, rows, steps)
        state["exp_avg"].index_copy_(0, rows, mean)
        state["exp_avg_sq"].index_copy_(0, rows, square)
        parameter.index_add_(0, rows, self._change(mean, square, steps.unsqueeze(1), group), alpha=-1)

    def _change(self, mean: Tensor, square: Tensor, steps: Tensor, group: dict[str, Any]) -> Tensor:
        first, second = group["betas"]
        root = (square / (1 - second**steps)).sqrt_().add_(group["eps"])
        change: Tensor = mean / (1 - first**steps) / root * group["lr"]
        return change
