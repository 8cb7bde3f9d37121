"""TorchScript: a module that folds a playlist in from its seeds and ranks all tracks, in Python or C++."""

# No `from __future__ import annotations`: the compiler reads the annotations of attributes, and not as text.

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ConfigError
from ..models.base import Query
from ..rank.recommend import candidate_scores
from ..rank.topk import mask_seeds, top_k
from ..serving.vectors import Embeddings

__all__ = ["LOAD", "write"]

LOAD = (
    '`torch.jit.load("recommender.pt").recommend(seeds, offsets, k)` gives rows of `tracks.parquet` and their scores, '
    "both (batch, k), for playlists it has never seen; `seeds` has the rows of all their seeds one after another and "
    "`offsets` where each begins, and the last ends (int64); called itself it gives all scores, seeds at -inf"
)

QUESTIONS = 100
"""Playlists on which the module is held to the model."""


class Folded(nn.Module):
    """Ranks tracks for playlists given as seeds alone: a ``fold`` gives their vectors, dot products the scores.

    To these comes the ``prior`` (n_tracks,), what a track's score is whoever asks. Without seeds the scores are the
    ``popularity`` (n_tracks,), as those of the model.
    """

    tracks: Tensor
    prior: Tensor
    popularity: Tensor

    def __init__(self, fold: nn.Module, tracks: Tensor, prior: Tensor, popularity: Tensor) -> None:
        super().__init__()
        self.fold = fold
        self.register_buffer("tracks", tracks)
        self.register_buffer("prior", prior)
        self.register_buffer("popularity", popularity)

    def forward(self, seeds: Tensor, offsets: Tensor) -> Tensor:
        """(batch, n_tracks) scores, those of seeds ``-inf``, for (n_seeds,) seeds cut at (batch + 1,) offsets."""
        scores = self.fold(self.tracks, seeds, offsets) @ self.tracks.T + self.prior
        scores[offsets.diff() == 0] = self.popularity
        playlists = torch.arange(len(offsets) - 1, device=seeds.device)
        return mask_seeds(scores, torch.repeat_interleave(playlists, offsets.diff()), seeds)

    @torch.jit.export
    def recommend(self, seeds: Tensor, offsets: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The ``k`` best tracks and their scores, (batch, k) each: -1 and ``-inf`` where there are fewer."""
        scores, tracks = top_k(self.forward(seeds, offsets), k)
        return tracks, scores


class RidgeFold(nn.Module):
    """The ridge solution of :class:`~playlistrec.models.factorization.mf.MF`."""

    base: Tensor
    pull: Tensor

    def __init__(self, playlists: Tensor, tracks: Tensor, weight: float, ridge: float, cosine: bool) -> None:
        super().__init__()
        eye = torch.eye(tracks.shape[1], device=tracks.device)
        self.register_buffer("base", weight * tracks.T @ tracks + ridge * eye)
        mean = playlists.mean(0) if len(playlists) else tracks.new_zeros(tracks.shape[1])
        self.register_buffer("pull", ridge * mean)
        self.cosine = cosine

    def forward(self, tracks: Tensor, seeds: Tensor, offsets: Tensor) -> Tensor:
        found = torch.zeros(len(offsets) - 1, tracks.size(1), device=tracks.device)
        for row in range(len(found)):
            own = tracks[torch.unique(seeds[int(offsets[row]) : int(offsets[row + 1])])]
            found[row] = torch.linalg.solve(self.base + own.T @ own, own.sum(0) + self.pull)
        return F.normalize(found, dim=-1) if self.cosine else found


class LinearFold(nn.Module):
    """The fold-in of a graph model without weights or nonlinearity: ``z = c + |N|^-1/2 Σ_seeds w``.

    All layers are sums over the same seeds, so that their weighted sum (or concatenation) is one sum of one table.

    Args:
        constant: (d,) what a playlist without seeds is.
        table: (n_tracks, d) w.
    """

    constant: Tensor
    table: Tensor

    def __init__(self, constant: Tensor, table: Tensor, cosine: bool) -> None:
        super().__init__()
        self.register_buffer("constant", constant)
        self.register_buffer("table", table)
        self.cosine = cosine

    def forward(self, tracks: Tensor, seeds: Tensor, offsets: Tensor) -> Tensor:
        n, n_tracks = len(offsets) - 1, len(tracks)
        playlists = torch.repeat_interleave(torch.arange(n, device=seeds.device), offsets.diff())
        keys = torch.unique(playlists * n_tracks + seeds)  # a seed that is there twice counts once
        rows = keys // n_tracks
        degree = torch.bincount(rows, minlength=n).clamp(min=1).unsqueeze(1)
        sums = torch.zeros(n, tracks.size(1), device=tracks.device).index_add_(0, rows, self.table[keys % n_tracks])
        found = self.constant + sums * degree.rsqrt()
        return F.normalize(found, dim=-1) if self.cosine else found


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``recommender.pt``. Raises ConfigError where TorchScript cannot say how the model folds a playlist in."""
    with torch.no_grad():
        model: Any = source.model
        popularity = torch.from_numpy(source.history.popularity.astype(np.float32))
        prior = torch.zeros_like(popularity) if model.prior is None else model.prior
        module = Folded(_fold(model), model.vectors()[1].detach(), prior, popularity)
        script: Any = torch.jit.script(module.cpu().eval())
    script.save(str(folder / "recommender.pt"))
    return {"files": ["recommender.pt"], "largest difference": _difference(source, script)}


def _fold(model: Any) -> nn.Module:
    """The module that folds a playlist in as the model does."""
    cosine = model.config.similarity == "cosine"
    if model.fold_rule == "ridge":
        playlists, tracks = model.vectors()
        return RidgeFold(playlists, tracks, model.unobserved_weight, model.ridge, cosine)
    if model.fold_rule == "linear":
        return _linear(model, cosine)
    raise ConfigError(
        f"torchscript is for mf, fm without context, and lightgcn; how {model.name} folds a playlist in is not scripted"
    )


def _linear(model: Any, cosine: bool) -> LinearFold:
    """The constant and the table of a :class:`~playlistrec.models.graph.lightgcn.LightGCN`."""
    states = model.states()
    start = states[0]["playlist"].mean(0, keepdim=True)
    norm = model.degree_norms["in"][0].to(start).unsqueeze(1)
    neighbour_sums = [state["track"] * norm for state in states[:-1]]
    nothing = torch.zeros_like(start)
    constant = model.combine([start, *[nothing] * len(neighbour_sums)])
    table = model.combine([torch.zeros_like(neighbour_sums[0]), *neighbour_sums])
    return LinearFold(constant.squeeze(0), table, cosine)


def _difference(source: Embeddings, script: nn.Module) -> float:
    """The largest difference between scores of the module and of the model for playlists given as seeds alone."""
    query = source.query
    queries = Query.of([query.seeds(row).tolist() for row in source.sample(QUESTIONS)])
    ours = candidate_scores(source.model, queries).scores.cpu()
    theirs = script(torch.from_numpy(queries.tracks), torch.from_numpy(queries.offsets))
    ranked = ours > -torch.inf
    return float((theirs - ours)[ranked].abs().max()) if ranked.any() else 0.0
