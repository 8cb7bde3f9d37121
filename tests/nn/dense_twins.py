"""The layers once more, from the papers' formulas: dense matrices, plain torch, none of our code.

``A`` is the (n_dst, n_src) adjacency matrix, ``A[v, u] = 1`` where u is an in-neighbour of v.
"""

from __future__ import annotations

import torch
from torch import Tensor


def light_gcn(A: Tensor, h_src: Tensor, degree_src: Tensor, degree_dst: Tensor) -> Tensor:
    """He et al. 2020, eq. 3: the sum over u in N_v of h_u / (sqrt|N_v| sqrt|N_u|)."""
    weight = A / (degree_dst.sqrt()[:, None] * degree_src.sqrt()[None, :])
    return torch.where(A > 0, weight, 0.0) @ h_src


def attention(
    A: Tensor, h_src: Tensor, h_dst: Tensor, W_src: Tensor, W_dst: Tensor, a: Tensor, slope: float = 0.2
) -> Tensor:
    """Velickovic et al. 2018, eq. 1-4 for every head; a (heads, 2 d_out) meets [W h_v || W h_u].

    ``W_src``, ``W_dst``: (heads, d_out, d_in). Returns (n_dst, heads, d_out).
    """
    outs = []
    for W_u, W_v, vector in zip(W_src, W_dst, a):
        z_src, z_dst = h_src @ W_u.T, h_dst @ W_v.T
        rows = []
        for v in range(len(A)):
            neighbours = torch.nonzero(A[v]).flatten()
            if not len(neighbours):
                rows.append(torch.zeros_like(z_src[0]))
                continue
            both = torch.cat([z_dst[v].expand(len(neighbours), -1), z_src[neighbours]], dim=1)
            logit = both @ vector
            logit = torch.where(logit > 0, logit, slope * logit)
            alpha = torch.exp(logit) / torch.exp(logit).sum()
            rows.append(alpha @ z_src[neighbours])
        outs.append(torch.stack(rows))
    return torch.stack(outs, dim=1)


def sage(A: Tensor, h_dst: Tensor, aggregate: Tensor, W_self: Tensor, W_neigh: Tensor, b: Tensor) -> Tensor:
    """Hamilton et al. 2017, algorithm 1: W [h_v || h_N(v)], W = [W_self || W_neigh], with a bias."""
    return torch.cat([h_dst, aggregate], dim=1) @ torch.cat([W_self, W_neigh], dim=1).T + b


def mean(A: Tensor, h_src: Tensor) -> Tensor:
    """The mean of the in-neighbours, 0 where there are none."""
    return torch.stack([h_src[row > 0].mean(0) if row.any() else torch.zeros_like(h_src[0]) for row in A])


def pooled_max(A: Tensor, h_src: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Hamilton et al. 2017, eq. 3: the elementwise max of sigma(W h_u + b), sigma = ReLU; 0 for none."""
    z = (h_src @ W.T + b).clamp(min=0)
    return torch.stack([z[row > 0].amax(0) if row.any() else torch.zeros_like(z[0]) for row in A])
