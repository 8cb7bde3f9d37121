"""A temperature for each playlist, from how well it is fitted."""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy.special import lambertw
from torch import Tensor

__all__ = ["adaptive_temperatures"]


def adaptive_temperatures(losses: Tensor, temperature: float, spread: float) -> Tensor:
    """``τ_u = τ exp(W(max(-1/e, (L_u - mean L) / ν)))``, W being Lambert's function; τ where L is not finite.

    Playlists that are fitted worse than the mean get a higher temperature. Chen et al. 2023, "Adap-τ: adaptively
    modulating embedding magnitude for recommendation" (WWW); the mean stands in for the threshold, as in
    the authors' code.

    Args:
        losses: (n,) softmax of each playlist at temperature 1.
        temperature: τ.
        spread: ν: more keeps the temperatures nearer to τ.

    >>> adaptive_temperatures(torch.tensor([2.0, 2.0, 2.0]), 0.1, 1.0)
    tensor([0.1000, 0.1000, 0.1000])
    """
    known = losses.isfinite()
    if not known.any():
        return torch.full_like(losses, temperature)
    away = ((losses - losses[known].mean()) / spread).where(known, torch.zeros_like(losses)).clamp(min=-1 / math.e)
    # At the branch point rounding may leave the real axis.
    argument: Any = away.double().clamp(min=-1 / math.e + 1e-12).cpu().numpy()
    power = lambertw(argument).real
    return temperature * torch.from_numpy(power).exp().to(losses)
