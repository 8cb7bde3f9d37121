"""The vectors of a run, and whose they are: what every kind of export is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ..corpus.corpus import Corpus
from ..corpus.split import TEST_SEED, TRAIN, VALID, VALID_SEED
from ..errors import ConfigError
from ..experiment.runs import Run
from ..models.base import Query, Recommender
from ..models.embedding.model import EmbeddingModel
from ..models.registry import MODELS, model_class

__all__ = ["Embeddings", "Vectors"]

Vectors = npt.NDArray[np.float32]

BATCH = 4096
"""Playlists whose vectors are computed at once."""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors such that ``playlists @ tracks.T`` are the scores by which the test part is ranked.

    Attributes:
        run: where they are from.
        model: its recommender for the test part.
        known: the entries that this one knows.
        query: every playlist with the seeds it is asked with, which are not recommended to it.
        playlists: (n_playlists, d); of a playlist that was hidden whole, the one it is folded in as.
        tracks: (n_tracks, d).
        artists: (n_artists, d), none where the model has no vectors of artists that compare with these.
    """

    run: Run
    model: EmbeddingModel
    known: Corpus
    query: Query
    playlists: Vectors
    tracks: Vectors
    artists: Vectors | None

    @classmethod
    def of(cls, run: Run, *, device: str = "auto") -> Embeddings:
        """The vectors of a run. Raises ConfigError where its model has none."""
        if not issubclass(run.model_type, EmbeddingModel):
            raise ConfigError(
                f"{run.model_type.name} has no vectors of playlists and tracks; models that have: {', '.join(_able())}"
            )
        corpus, split = run.data.corpus, run.data.split
        model = run.recommender("test", device=device)
        assert isinstance(model, EmbeddingModel), "as its class says"
        known = split.ranking(corpus, "test")
        seeds = corpus.where(split.mask(TRAIN, VALID, VALID_SEED, TEST_SEED))
        rows = np.arange(corpus.n_playlists, dtype=np.int64)
        query = Query(
            offsets=seeds.offsets,
            tracks=seeds.tracks.astype(np.int64),
            playlists=np.where(known.lengths > 0, rows, -1),
            titles=corpus.titles(rows),
        )
        vectors = model.node_vectors()
        batches = [model.queries(query.take(low, low + BATCH)) for low in range(0, len(query), BATCH)]
        playlists = torch.cat(batches) if batches else vectors["playlist"]
        playlists, tracks = model.with_prior(playlists, vectors["track"])
        artists = vectors.get("artist")
        if artists is not None:  # nothing but their vector speaks for them
            artists = F.pad(artists, (0, tracks.shape[1] - artists.shape[1]))
        return cls(
            run,
            model,
            known,
            query,
            _numpy(playlists),
            _numpy(tracks),
            None if artists is None else _numpy(artists),
        )

    @property
    def dim(self) -> int:
        return int(self.tracks.shape[1])

    def asking(self, n: int) -> npt.NDArray[np.int64]:
        """At most ``n`` playlists that have seeds, in order, the same ones every time."""
        rows = np.flatnonzero(np.diff(self.query.offsets))
        if len(rows) <= n:
            return rows
        return np.sort(np.random.Generator(np.random.PCG64(0)).choice(rows, n, replace=False))


def _numpy(vectors: Tensor) -> Vectors:
    found: Vectors = vectors.detach().cpu().numpy()
    return found


def _able() -> Sequence[str]:
    kinds: dict[str, type[Recommender]] = {name: model_class(name) for name in MODELS}
    return [name for name, kind in kinds.items() if issubclass(kind, EmbeddingModel)]
