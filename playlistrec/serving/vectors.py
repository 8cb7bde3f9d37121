"""The vectors that a model ranks with, and whose they are: what similarity and export are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ..corpus.corpus import Corpus
from ..errors import ConfigError
from ..models.base import Query, Recommender, ScoreVectors
from ..models.registry import MODELS, model_class

__all__ = ["KINDS", "Embeddings", "Kind", "Vectors"]

Vectors = npt.NDArray[np.float32]

Kind = Literal["track", "artist", "playlist"]
KINDS: tuple[Kind, ...] = ("track", "artist", "playlist")

BATCH = 4096
"""Playlists whose vectors are computed at once."""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors such that ``playlists @ tracks.T`` are the scores by which a model ranks.

    Attributes:
        model: whose they are.
        history: the entries that the model knows when it ranks.
        query: every playlist with its seeds, which are not recommended to it.
        playlists: (n_playlists, d); of a playlist that the model does not know, the one it is folded in as.
        tracks: (n_tracks, d).
        artists: (n_artists, d), none where the model has no vectors of artists that compare with these.
        n_directions: leading columns that are directions; behind them stands the bias, to which playlists have 1.
    """

    model: Recommender
    history: Corpus
    query: Query
    playlists: Vectors
    tracks: Vectors
    artists: Vectors | None
    n_directions: int

    @classmethod
    @torch.no_grad()
    def of(cls, model: Any, history: Corpus, query: Query) -> Embeddings:
        """The vectors of a model for some playlists. Raises ConfigError where it has none."""
        if not model.has_vectors:
            able = ", ".join(_with_vectors())
            raise ConfigError(f"{model.name} has no vectors of playlists and tracks; models that have: {able}")
        known = model.score_vectors()
        batches = [model.score_vectors(query.take(low, low + BATCH)) for low in range(0, len(query), BATCH)]
        playlists = torch.cat([batch.playlists for batch in batches]) if batches else known.playlists
        playlists, tracks = ScoreVectors(playlists, known.tracks, known.bias).padded()
        artists = model.node_vectors().get("artist")
        if artists is not None:  # nothing but their vector speaks for them
            artists = F.pad(artists, (0, tracks.shape[1] - artists.shape[1]))
        return cls(
            model,
            history,
            query,
            _numpy(playlists),
            _numpy(tracks),
            None if artists is None else _numpy(artists),
            known.tracks.shape[1],
        )

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return int(self.tracks.shape[1])

    @cached_property
    def directions(self) -> Mapping[Kind, Tensor]:
        """(n, d) vectors of length 1 by kind, 0 where nothing is known.

        Where the model has no vectors of artists, the mean of an artist's tracks stands for it.
        """
        seeded = np.diff(self.query.offsets) > 0
        arrays: dict[Kind, Vectors] = {
            "playlist": np.where(seeded[:, None], self.playlists, np.float32(0)),
            "track": self.tracks,
            "artist": _means(self.history, self.tracks) if self.artists is None else self.artists,
        }
        return {
            kind: F.normalize(torch.from_numpy(np.ascontiguousarray(array[:, : self.n_directions])), dim=1)
            for kind, array in arrays.items()
        }

    def sample(self, n: int) -> npt.NDArray[np.int64]:
        """At most ``n`` playlists that have seeds, in order, the same ones every time."""
        rows = np.flatnonzero(np.diff(self.query.offsets))
        if len(rows) <= n:
            return rows
        return np.sort(np.random.Generator(np.random.PCG64(0)).choice(rows, n, replace=False))


def _numpy(vectors: Tensor) -> Vectors:
    found: Vectors = vectors.detach().cpu().numpy()
    return found


def _with_vectors() -> Sequence[str]:
    return [name for name in MODELS if model_class(name).has_vectors]


def _means(corpus: Corpus, tracks: Vectors) -> Vectors:
    """(n_artists, d) the mean of the vectors of each artist's tracks."""
    named = np.flatnonzero(corpus.track_artist >= 0)
    sums = np.zeros((corpus.n_artists, tracks.shape[1]), dtype=np.float32)
    np.add.at(sums, corpus.track_artist[named], tracks[named])
    counts = np.bincount(corpus.track_artist[named], minlength=corpus.n_artists)
    means: Vectors = sums / np.maximum(counts, 1).astype(np.float32)[:, None]
    return means
