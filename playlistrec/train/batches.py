"""The two training regimes as streams of batches: the whole graph each step, or a sampled neighbourhood."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from ..corpus.corpus import Corpus
from ..graph.negatives import UniformNegatives
from ..models.embedding import EmbeddingModel, drawn_with
from .options import TrainOptions

if TYPE_CHECKING:  # models.graph imports DGL, which models without a graph do not need
    from ..models.graph import GraphModel

__all__ = ["Batch", "FullBatches", "SampledBatches", "batches_for"]

SAMPLED_ABOVE = 20_000_000
"""Pairs above which ``auto`` samples: below, two hops of a large batch touch nearly every node anyway."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Positives with their negatives, as rows of the vectors they index.

    Attributes:
        vectors: final (playlists, tracks) vectors, with gradients.
        tables: the layer-0 (playlists, tracks) embeddings the same rows index.
        playlist, track: (batch,) rows; negatives: (batch, n_negatives) rows of tracks.
    """

    vectors: tuple[Tensor, Tensor]
    tables: tuple[Tensor, Tensor]
    playlist: Tensor
    track: Tensor
    negatives: Tensor


class FullBatches:
    """Propagate over the whole graph each step (models without a graph just look their vectors up)."""

    def __init__(self, model: EmbeddingModel, corpus: Corpus, options: TrainOptions, device: torch.device) -> None:
        self.model, self.options, self.device = model, options, device
        self.negatives = _negatives(corpus, options)
        src, dst = (torch.from_numpy(ids.astype(np.int64)) for ids in corpus.pairs)
        self.src, self.dst = src.to(device), dst.to(device)

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed."""
        return drawn_with(seed)

    def epoch(self, seed: int) -> Iterator[Batch]:
        """One pass over all pairs in random order."""
        generator = torch.Generator(self.device).manual_seed(seed)
        order = torch.randperm(len(self.src), generator=generator, device=self.device)
        tables = self.model.tables["playlist"], self.model.tables["track"]
        for chosen in torch.split(order, self.options.batch_size):
            playlist = self.src[chosen]
            negatives = self.negatives.sample(playlist, generator)
            yield Batch(self.model.embed(), tables, playlist, self.dst[chosen], negatives)

    def __len__(self) -> int:
        return -(-len(self.src) // self.options.batch_size)


class SampledBatches:
    """DGL's edge-prediction loader: blocks around a batch's pairs, without the batch's own edges."""

    def __init__(self, model: GraphModel, corpus: Corpus, options: TrainOptions, device: torch.device) -> None:
        from ..graph.build import REVERSE
        from ..graph.loader import edge_loader

        self.model, self.options, self.device = model, options, device
        self.loader = edge_loader(
            model.graph,
            "contains",
            [options.fanout] * len(model.layers),
            options.batch_size,
            _negatives(corpus, options),
            reverse_etypes=REVERSE,
            num_workers=options.workers,
        )

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed (with 0 workers)."""
        from ..graph.loader import seeded

        return seeded(seed)

    def epoch(self, seed: int) -> Iterator[Batch]:
        """One pass over all pairs in random order; draws from the global generators, see :meth:`seeded`."""
        for inputs, positive, negative, blocks in self.loader:
            vectors, tables = self.model.embed_blocks(blocks, inputs)
            playlist, track = positive.edges(etype="contains")
            _, others = negative.edges(etype="contains")
            yield Batch(
                vectors,
                tables,
                playlist.long().to(self.device),
                track.long().to(self.device),
                others.long().view(-1, self.options.n_negatives).to(self.device),
            )

    def __len__(self) -> int:
        return len(self.loader)


def _negatives(corpus: Corpus, options: TrainOptions) -> UniformNegatives:
    src, dst = (torch.from_numpy(ids.astype(np.int64)) for ids in corpus.pairs)
    return UniformNegatives(src, dst, n_src=corpus.n_playlists, n_dst=corpus.n_tracks, k=options.n_negatives)


def batches_for(
    model: EmbeddingModel, corpus: Corpus, options: TrainOptions, device: torch.device
) -> FullBatches | SampledBatches:
    """The regime that ``options`` asks for, or that the size of the data suggests."""
    large = len(corpus.pairs[0]) > SAMPLED_ABOVE
    if model.propagates and (options.regime == "sampled" or (options.regime == "auto" and large)):
        return SampledBatches(cast("GraphModel", model), corpus, options, device)
    return FullBatches(model, corpus, options, device)
