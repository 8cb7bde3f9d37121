"""The two training regimes as streams of batches: the whole graph each step, or a sampled neighbourhood."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from ...config import require
from ...graph.negatives.random import PopularityNegatives
from ...models.embedding.model import EmbeddingModel, Vectors
from ...models.embedding.trained import TrainedModel, torch_seed
from ...models.sequence.gru4rec import GRU4Rec
from ..options import TrainOptions
from ..sampling import in_batch, negative_sampler, refresh_pools
from .pairs import Pairs
from .sessions import SessionBatches

if TYPE_CHECKING:  # models.graph imports DGL, which models without a graph do not need
    from ...corpus.corpus import Corpus
    from ...models.graph.model import GraphModel

__all__ = ["Batch", "FullBatches", "SampledBatches", "batches_for"]

SAMPLED_ABOVE = 20_000_000
"""Pairs above which ``auto`` samples: below, two hops of a large batch touch nearly every node anyway."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Positives with their negatives, as rows of the vectors they index.

    Attributes:
        vectors: final (playlists, tracks) vectors, with gradients.
        tables: the layer-0 (playlists, tracks) embeddings the same rows index.
        playlist, track: (n,) rows of the pairs.
        negatives: (n, k) rows of tracks; none where the loss takes tracks that all playlists share.
        playlist_ids, track_ids: what the rows are in the corpus; none where they are the ids. Where playlists are asked
            in contexts each pair has a row of its own.
        first: the (playlists, tracks) vectors after the first layer, for the contrastive term.
        every: whether all tracks are candidates, or the ``shared`` ones; the vectors of playlists are then those of the
            batch alone, and the pairs are all of theirs, grouped.
        own: rows of playlists (ascending) and tracks that are their own without being asked for, then.
        shared: (k,) tracks drawn for all playlists of the batch, some perhaps their own.
    """

    vectors: Vectors
    tables: Vectors
    playlist: Tensor
    track: Tensor
    negatives: Tensor | None
    playlist_ids: Tensor | None = None
    track_ids: Tensor | None = None
    first: Vectors | None = None
    every: bool = False
    own: Vectors | None = None
    shared: Tensor | None = None


class FullBatches:
    """Propagate over the whole graph each step (models without a graph just look their vectors up)."""

    def __init__(self, model: EmbeddingModel, corpus: Corpus, options: TrainOptions, device: torch.device) -> None:
        self.model, self.options = model, options
        self.pairs = Pairs.of(corpus, device)
        self.sampler = negative_sampler(corpus, options)
        contexts = model.contexts(corpus)
        self.contexts = None if contexts is None else contexts.to(device)
        unmet = not options.symmetric_weight or contexts is None
        require(unmet, "symmetric_weight", "0 where tracks are asked for in contexts", options.symmetric_weight)

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed."""
        return torch_seed(seed)

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """One pass over all pairs in random order."""
        options, device = self.options, self.pairs.src.device
        generator = torch.Generator(device).manual_seed(seed)
        refresh_pools(self.sampler, self.model, options, epoch, generator)
        pairs, rest, messages = self.pairs, None, nullcontext()
        if options.message_edge_share < 1:
            asked = torch.randperm(len(pairs), generator=generator, device=device) < self._n_asked
            rest, pairs = pairs.where(~asked), pairs.where(asked)
            messages = cast("GraphModel", self.model).messages(~asked)  # type: ignore[assignment]
        with messages:
            if self.by_playlist:
                yield from self._by_playlist(pairs, rest, generator)
            else:
                order = torch.randperm(len(pairs), generator=generator, device=device)
                for chosen in torch.split(order, options.batch_size):
                    playlist, track = pairs.src[chosen], pairs.dst[chosen]
                    negatives = self._negatives(playlist, track, generator)
                    if self.contexts is None:
                        yield self._batch(playlist, track, negatives)
                    else:
                        yield self._in_contexts(playlist, track, negatives, self.contexts[chosen], generator)

    def _by_playlist(self, pairs: Pairs, rest: Pairs | None, generator: torch.Generator) -> Iterator[Batch]:
        """Batches of playlists with all their asked ``pairs``; the ``rest`` of theirs are no negatives either."""
        playlists = pairs.degree.nonzero().squeeze(1)
        order = torch.randperm(len(playlists), generator=generator, device=playlists.device)
        groups = torch.split(playlists[order], self.options.batch_size)
        sizes = torch.stack([pairs.degree[group].sum() for group in groups]).tolist()  # one look at the device an epoch
        for group, size in zip(groups, sizes):
            row, track = pairs.of_playlists(group, size)
            batch = self._batch(group[row], track, None)
            (playlists, tracks), (playlists0, tracks0) = batch.vectors, batch.tables
            yield replace(
                batch,
                vectors=(playlists.index_select(0, group), tracks),
                tables=(playlists0.index_select(0, group), tracks0),
                playlist=row,
                playlist_ids=group,
                first=None if batch.first is None else (batch.first[0].index_select(0, group), batch.first[1]),
                every=True,
                own=None if rest is None else rest.of_playlists(group),
                shared=self._shared(generator),
            )

    def _batch(self, playlist: Tensor, track: Tensor, negatives: Tensor | None) -> Batch:
        first = None
        if self.options.contrast:
            vectors, first = cast("GraphModel", self.model).contrastive_views(self.options.contrast_noise)
        else:
            vectors = self.model.embed()
        return Batch(vectors, self.model.regularised_embeddings(), playlist, track, negatives, first=first)

    def _in_contexts(
        self,
        playlist: Tensor,
        track: Tensor,
        negatives: Tensor | None,
        contexts: Tensor,
        generator: torch.Generator,
    ) -> Batch:
        vectors, tables = self.model.embed_pairs(playlist, contexts)
        row = torch.arange(len(playlist), device=playlist.device)
        batch = Batch(vectors, tables, row, track, negatives, playlist_ids=playlist)
        if self.options.negatives not in ("shared", "all"):
            return batch
        row, own = self.pairs.of_playlists(playlist)
        others = own != track[row]
        return replace(batch, every=True, own=(row[others], own[others]), shared=self._shared(generator))

    def _shared(self, generator: torch.Generator) -> Tensor | None:
        """The tracks that are drawn for all playlists of a step, if any."""
        if self.options.negatives != "shared":
            return None
        assert isinstance(self.sampler, PopularityNegatives), "the sampler of shared negatives"
        return self.sampler.shared(self.options.n_negatives, self.pairs.src.device, generator)

    def _negatives(self, playlist: Tensor, track: Tensor, generator: torch.Generator) -> Tensor | None:
        options = self.options
        if options.shares_candidates:
            return None
        if options.negatives == "in-batch":
            return in_batch(self.sampler, playlist, track, generator)
        return self.sampler.sample(playlist, generator)

    @property
    def by_playlist(self) -> bool:
        """Whether a batch is of playlists with all their pairs: the candidates are the same for all these."""
        return self.options.negatives in ("shared", "all") and self.contexts is None

    @property
    def _n_asked(self) -> int:
        """The pairs that are asked for in an epoch, at least one."""
        n, share = len(self.pairs), self.options.message_edge_share
        return n if share == 1 else max(1, round(n * (1 - share)))

    def __len__(self) -> int:
        n = int((self.pairs.degree > 0).sum()) if self.by_playlist else self._n_asked
        return -(-n // self.options.batch_size)


class SampledBatches:
    """DGL's edge-prediction loader: blocks around a batch's pairs, without the batch's own edges."""

    def __init__(self, model: GraphModel, corpus: Corpus, options: TrainOptions, device: torch.device) -> None:
        import dgl

        from ...graph.build import REVERSE
        from ...graph.loader import edge_loader

        self.model, self.options, self.device, self.id = model, options, device, dgl.NID
        self.sampler = negative_sampler(corpus, options)
        self.loader = edge_loader(
            model.graph,
            "contains",
            [options.fanout] * len(model.layers),
            options.batch_size,
            self.sampler,
            reverse_etypes=REVERSE,
            num_workers=options.workers,
        )

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed (with 0 workers)."""
        from ...graph.loader import seeded

        return seeded(seed)

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """One pass over all pairs in random order; draws from the global generators, see :meth:`seeded`."""
        refresh_pools(self.sampler, self.model, self.options, epoch, torch.Generator().manual_seed(seed))
        for inputs, positive, negative, blocks in self.loader:
            vectors, tables = self.model.embed_blocks(blocks, inputs)
            playlist, track = (ids.long() for ids in positive.edges(etype="contains"))
            _, others = negative.edges(etype="contains")
            yield Batch(
                vectors,
                tables,
                playlist.to(self.device),
                track.to(self.device),
                others.long().view(-1, self.sampler.k).to(self.device),
                track_ids=positive.nodes["track"].data[self.id].long().to(self.device),
            )

    def __len__(self) -> int:
        return len(self.loader)


def batches_for(
    model: TrainedModel, corpus: Corpus, options: TrainOptions, device: torch.device
) -> FullBatches | SampledBatches | SessionBatches:
    """The regime that ``options`` asks for, or that the size of the data suggests.

    Raises:
        ConfigError: an option that needs another regime, or a model with a graph.
    """
    if isinstance(model, GRU4Rec):
        return SessionBatches(model, corpus, options, device)
    assert isinstance(model, EmbeddingModel), "the other trained models"
    require(options.loss != "bpr-max", "loss", f"another for {model.name}: its negatives are not shared", options.loss)
    large = len(corpus.pairs[0]) > SAMPLED_ABOVE
    if not model.propagates:
        for name, rule in (("contrast", 0.0), ("message_edge_share", 1.0), ("precision", "float32")):
            value = getattr(options, name)
            require(value == rule, name, f"{rule} for {model.name}, which does not support it", value)
        return FullBatches(model, corpus, options, device)
    if options.regime == "sampled" or (options.regime == "auto" and large and not options.whole_graph):
        return SampledBatches(cast("GraphModel", model), corpus, options, device)
    return FullBatches(model, corpus, options, device)
