"""Negative tracks for pairwise losses: uniform, by popularity, and hard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import require
from ..corpus.corpus import Corpus
from ..errors import ConfigError, DataError
from ..graph.negatives.hard import PoolNegatives, annealed_share
from ..graph.negatives.random import NonEdgeSampler, PopularityNegatives, UniformNegatives
from ..graph.negatives.structural import SameGroupNegatives, TwoHopNegatives
from ..models.embedding.model import EmbeddingModel

__all__ = ["UNIFORM", "InBatch", "Negatives", "Pool", "Popularity", "SameArtist", "TwoHop", "Uniform", "edges_of"]

TRIES = 4
"""Draws from the batch for each negative, before it is drawn from all tracks."""


@dataclass(frozen=True, kw_only=True)
class Negatives(ABC):
    """Negatives that are drawn for each positive; never a training pair.

    Attributes:
        n: negatives per positive.
        hardest_of: negatives drawn per positive, of which the ``n`` best-scored are kept (Zhang et al. 2013,
            section 4); 0 keeps all that are drawn.
    """

    n: int = 1
    hardest_of: int = 0

    def __post_init__(self) -> None:
        require(self.n >= 1, "n_negatives", "at least 1", self.n)
        allowed = self.hardest_of == 0 or self.hardest_of > self.n
        require(allowed, "hard_negative_candidates", f"above n_negatives = {self.n}", self.hardest_of)

    @property
    def k(self) -> int:
        """Negatives drawn per positive."""
        return self.hardest_of or self.n

    def sampler(self, corpus: Corpus) -> NonEdgeSampler:
        """The sampler over the training pairs of ``corpus``.

        Raises:
            ConfigError: negatives by artist, and the tracks have none.
            DataError: a playlist holds every track, so that it can have no negatives.
        """
        sampler = self._sampler(corpus)
        full = torch.nonzero(sampler.non_edges.free == 0).flatten()
        if len(full):
            pid = corpus.playlists["pid"][int(full[0])].as_py()
            raise DataError(
                f"playlist {pid} holds all {corpus.n_tracks} tracks, so it can have no negatives: leave it out, "
                "or fit with loss=softmax and negatives=all"
            )
        return sampler

    @abstractmethod
    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        """The sampler, unchecked."""

    def draw(
        self, sampler: NonEdgeSampler, playlist: Tensor, track: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """(n, k) tracks for the pairs (n,) of a batch."""
        return sampler.sample(playlist, generator)

    def refresh(self, sampler: NonEdgeSampler, model: EmbeddingModel, epoch: int, generator: torch.Generator) -> None:  # noqa: B027
        """Bring the sampler up to date before an epoch, counted from 0."""


@dataclass(frozen=True, kw_only=True)
class Uniform(Negatives):
    """Uniform over the tracks that a playlist does not hold."""

    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        return UniformNegatives(*edges_of(corpus), k=self.k)


@dataclass(frozen=True, kw_only=True)
class Popularity(Negatives):
    """In proportion to popularity to the power ``power``. Mikolov et al. 2013, section 2.2."""

    power: float = 0.75

    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        return PopularityNegatives(*edges_of(corpus), k=self.k, power=self.power)


@dataclass(frozen=True, kw_only=True)
class InBatch(Negatives):
    """Tracks of the other pairs of the batch; any track where a few draws give nothing but the playlist's own."""

    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        return UniformNegatives(*edges_of(corpus), k=self.k)

    def draw(
        self, sampler: NonEdgeSampler, playlist: Tensor, track: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        shape, device = (len(track), sampler.k), track.device
        found = track[torch.randint(len(track), shape, generator=generator, device=device)]
        own = sampler.edges.contains(playlist.unsqueeze(1), found)
        for _ in range(TRIES - 1):
            again = track[torch.randint(len(track), shape, generator=generator, device=device)]
            found = torch.where(own, again, found)
            own = own & sampler.edges.contains(playlist.unsqueeze(1), found)
        return torch.where(own, sampler.sample(playlist, generator), found)


@dataclass(frozen=True, kw_only=True)
class Pool(Negatives):
    """From a pool of each playlist's best-scored tracks, ever harder over the epochs.

    Attributes:
        size: tracks in a playlist's pool.
        final_share: share of all tracks, best-scored first, that the pools stand for in the end; 1 at first.
        anneal_epochs: epochs over which that share falls.
        refresh_every: epochs between refreshes of the pools.
    """

    size: int = 100
    final_share: float = 0.05
    anneal_epochs: int = 10
    refresh_every: int = 5

    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        return PoolNegatives(*edges_of(corpus), k=self.k, pool_size=self.size)

    def refresh(self, sampler: NonEdgeSampler, model: EmbeddingModel, epoch: int, generator: torch.Generator) -> None:
        if epoch % self.refresh_every:
            return
        assert isinstance(sampler, PoolNegatives), "made by this object"
        share = annealed_share(epoch, floor=self.final_share, over=self.anneal_epochs)
        model.eval()
        sampler.refresh(*model.score_vectors().padded(), share, generator)
        model.train()


@dataclass(frozen=True, kw_only=True)
class SameArtist(Negatives):
    """Other tracks by the artist of one of the playlist's tracks."""

    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        artist = torch.from_numpy(corpus.track_artist.astype(np.int64))
        if not len(artist) or int(artist.max()) < 0:
            raise ConfigError("negatives=artist needs tracks with artists, and these have none")
        return SameGroupNegatives(*edges_of(corpus), artist, k=self.k)


@dataclass(frozen=True, kw_only=True)
class TwoHop(Negatives):
    """Tracks of playlists that share a track."""

    def _sampler(self, corpus: Corpus) -> NonEdgeSampler:
        return TwoHopNegatives(*edges_of(corpus), k=self.k)


UNIFORM = Uniform()


def edges_of(corpus: Corpus) -> tuple[Tensor, Tensor, int, int]:
    """The first arguments of every sampler: playlists and tracks of the training pairs, and how many there are."""
    src, dst = (torch.from_numpy(ids.astype(np.int64)) for ids in corpus.pairs)
    return src, dst, corpus.n_playlists, corpus.n_tracks
