"""Which negatives a fit asks for, made from its options."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..corpus.corpus import Corpus
from ..errors import ConfigError, DataError
from ..graph.negatives.hard import PoolNegatives, annealed_share
from ..graph.negatives.random import NonEdgeSampler, PopularityNegatives, UniformNegatives
from ..graph.negatives.structural import SameGroupNegatives, TwoHopNegatives
from ..models.embedding.model import EmbeddingModel
from .options import TrainOptions

__all__ = ["in_batch", "negative_sampler", "refresh_pools"]

TRIES = 4
"""Draws from the batch for each negative, before it is drawn from all tracks."""


def negative_sampler(corpus: Corpus, options: TrainOptions) -> NonEdgeSampler:
    """The sampler that ``options`` names; uniform where negatives come from the batch, or are all tracks.

    Raises:
        ConfigError: negatives by artist, and the tracks have none.
        DataError: negatives are to be drawn for a playlist that holds every track.
    """
    sampler = _sampler(corpus, options)
    full = torch.nonzero(sampler.non_edges.free == 0).flatten()
    if len(full) and not options.shares_candidates:
        pid = corpus.playlists["pid"][int(full[0])].as_py()
        raise DataError(
            f"playlist {pid} holds all {corpus.n_tracks} tracks, so it can have no negatives: leave it out, "
            "or fit with loss=softmax and negatives=all"
        )
    return sampler


def _sampler(corpus: Corpus, options: TrainOptions) -> NonEdgeSampler:
    src, dst = (torch.from_numpy(ids.astype(np.int64)) for ids in corpus.pairs)
    edges = src, dst, corpus.n_playlists, corpus.n_tracks
    k = options.hard_negative_candidates or options.n_negatives
    match options.negatives:
        case "uniform" | "in-batch" | "all":
            return UniformNegatives(*edges, k=k)
        case "popularity" | "shared":
            return PopularityNegatives(*edges, k=k, power=options.popularity_power)
        case "pool":
            return PoolNegatives(*edges, k=k, pool_size=options.pool_size)
        case "two-hop":
            return TwoHopNegatives(*edges, k=k)
        case "artist":
            artist = torch.from_numpy(corpus.track_artist.astype(np.int64))
            if not len(artist) or int(artist.max()) < 0:
                raise ConfigError("negatives=artist needs tracks with artists, and these have none")
            return SameGroupNegatives(*edges, artist, k=k)


def refresh_pools(
    sampler: NonEdgeSampler,
    model: EmbeddingModel,
    options: TrainOptions,
    epoch: int,
    generator: torch.Generator,
) -> None:
    """Before an epoch (counted from 0), refresh the pools of hard negatives where they are due."""
    if isinstance(sampler, PoolNegatives) and epoch % options.pool_refresh_every == 0:
        share = annealed_share(epoch, floor=options.pool_final_share, over=options.pool_anneal_epochs)
        model.eval()
        sampler.refresh(*model.with_prior(*model.vectors()), share, generator)
        model.train()


def in_batch(
    sampler: NonEdgeSampler, playlist: Tensor, track: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Tracks of the other pairs of a batch that are none of the playlist's own.

    Where a few draws give nothing but own tracks, ``sampler`` draws.

    Args:
        sampler: knows the edges, and how many negatives there are to be.
        playlist, track: (n,) ids of the pairs of the batch.

    Returns:
        (n, sampler.k) track ids.
    """
    shape, device = (len(track), sampler.k), track.device
    found = track[torch.randint(len(track), shape, generator=generator, device=device)]
    own = sampler.edges.contains(playlist.unsqueeze(1), found)
    for _ in range(TRIES - 1):
        again = track[torch.randint(len(track), shape, generator=generator, device=device)]
        found = torch.where(own, again, found)
        own = own & sampler.edges.contains(playlist.unsqueeze(1), found)
    return torch.where(own, sampler.sample(playlist, generator), found)
