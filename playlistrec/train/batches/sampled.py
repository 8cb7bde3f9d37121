"""Batches whose vectors come from the sampled neighbourhood of their pairs: DGL's edge-prediction loader."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from ...config import require
from ...graph.negatives.random import PopularityNegatives
from ..negatives import Negatives, edges_of
from .batch import Batch, InBatchBatch, PairBatch, PlaylistBatch, SharedBatch
from .full import with_hardest
from .pairs import Pairs, TrackColumns
from .plan import BatchPlan, Sampled

if TYPE_CHECKING:
    from dgl import DGLGraph

    from ...corpus.corpus import Corpus
    from ...models.graph.model import GraphModel

__all__ = ["SampledAllBatches", "SampledBatches", "SampledInBatchBatches", "SampledPairBatches", "SampledSharedBatches"]


class SampledBatches(ABC):
    """Base: pairs in random order, and blocks around them and their negatives without the batch's own edges.

    Rows of vectors are those of the nodes in the batch, not ids.
    """

    regime: ClassVar[str] = "sampled"
    seeks: ClassVar[bool] = False
    divides: ClassVar[bool] = True

    def __init__(self, model: GraphModel, corpus: Corpus, plan: BatchPlan) -> None:
        import dgl

        from ...graph.loader import edge_loader

        assert isinstance(plan.regime, Sampled), "that is what these batches are for"
        self.model, self.plan, self.id = model, plan, dgl.NID
        self.loader = edge_loader(
            model.graph,
            "contains",
            [plan.regime.fanout] * len(model.layers),
            -(-plan.batch_size // plan.ranks),
            self.negative_pairs,
            num_workers=plan.regime.workers,
            use_ddp=plan.ranks > 1,
        )

    def negative_pairs(self, graph: DGLGraph, eids: Mapping[Any, Tensor]) -> dict[Any, tuple[Tensor, Tensor]]:
        """DGL's loader calls this: pairs whose tracks are in the blocks too."""
        ((etype, ids),) = eids.items()
        src, dst = graph.find_edges(ids, etype=etype)
        others, tracks = self.drawn(src.long(), dst.long())
        return {etype: (others.to(src.dtype), tracks.to(src.dtype))}

    @abstractmethod
    def drawn(self, playlist: Tensor, track: Tensor) -> tuple[Tensor, Tensor]:
        """Playlists of the batch and tracks that compete in it, for the pairs (n,)."""

    @abstractmethod
    def batch(self, fields: dict[str, Any], drawn: Tensor) -> Batch:
        """The batch of the common ``fields``; ``drawn`` are the rows of the tracks that were drawn."""

    def refresh(self, seed: int, epoch: int) -> None:  # noqa: B027 - most batches keep nothing
        """Bring up to date what passes from epoch to epoch."""

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed."""
        from ...graph.seeding import seeded

        return seeded(seed + self.plan.rank)

    def state(self) -> dict[str, Tensor]:
        """Tensors that pass from epoch to epoch, for a checkpoint."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027 - most batches keep nothing
        """Take back what :meth:`state` gave."""

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """One pass over all pairs in random order; draws from the global generators, see :meth:`seeded`."""
        device = self.plan.device
        self.refresh(seed, epoch)
        for inputs, positive, negative, blocks in self.loader:
            vectors, tables = self.model.embed_blocks(blocks, inputs)
            playlist, track = (ids.long().to(device) for ids in positive.edges(etype="contains"))
            ids = {kind: positive.nodes[kind].data[self.id].long().to(device) for kind in ("playlist", "track")}
            fields = {
                **{"vectors": vectors, "tables": tables, "playlist": playlist, "track": track},
                **{"playlist_ids": ids["playlist"], "track_ids": ids["track"], "reduced": self.plan.reduced},
                "prior": self.model.prior_of(ids["track"]),
            }
            yield self.batch(fields, negative.edges(etype="contains")[1].long().to(device))

    def __len__(self) -> int:
        return len(self.loader)


class SampledPairBatches(SampledBatches):
    """Pairs with negatives drawn for each."""

    def __init__(self, model: GraphModel, corpus: Corpus, plan: BatchPlan, negatives: Negatives) -> None:
        self.negatives, self.sampler = negatives, negatives.sampler(corpus)
        super().__init__(model, corpus, plan)

    def drawn(self, playlist: Tensor, track: Tensor) -> tuple[Tensor, Tensor]:
        drawn = self.negatives.draw(self.sampler, playlist, track)
        return playlist.repeat_interleave(self.sampler.k), drawn.flatten()

    def batch(self, fields: dict[str, Any], drawn: Tensor) -> PairBatch:
        log_q = self._log_q(fields["track_ids"])
        return with_hardest(PairBatch(**fields, negatives=drawn.view(-1, self.sampler.k), log_q=log_q), self.negatives)

    def _log_q(self, tracks: Tensor) -> Callable[[Tensor], Tensor] | None:
        sampler = self.sampler
        return (lambda rows: sampler.log_q(tracks[rows])) if isinstance(sampler, PopularityNegatives) else None

    def refresh(self, seed: int, epoch: int) -> None:
        self.negatives.refresh(self.sampler, self.model, epoch, torch.Generator().manual_seed(seed))

    def state(self) -> dict[str, Tensor]:
        return self.sampler.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.sampler.restore(state)


class SampledInBatchBatches(SampledBatches):
    """Pairs that compete with each other's tracks."""

    divides: ClassVar[bool] = False

    def __init__(self, model: GraphModel, corpus: Corpus, plan: BatchPlan) -> None:
        super().__init__(model, corpus, plan)
        self.pairs, self.columns = Pairs.of(corpus, plan.device), TrackColumns(corpus.n_tracks)

    def drawn(self, playlist: Tensor, track: Tensor) -> tuple[Tensor, Tensor]:
        return playlist[:0], track[:0]

    def batch(self, fields: dict[str, Any], drawn: Tensor) -> InBatchBatch:
        candidates, target, counts = torch.unique(fields["track"], return_inverse=True, return_counts=True)
        ids = fields["track_ids"][candidates]
        row, held = self.pairs.of_playlists(fields["playlist_ids"][fields["playlist"]])
        column = self.columns(held, ids)
        own = (column >= 0) & (column != target[row])
        return InBatchBatch(
            **fields,
            candidates=candidates,
            counts=counts,
            target=target,
            masked=(row[own], column[own]),
            log_popularity=self.pairs.log_popularity[ids],
        )


class SampledAllBatches(SampledBatches):
    """Pairs, grouped by playlist, that compete with every track: the blocks lead to all of them."""

    def __init__(self, model: GraphModel, corpus: Corpus, plan: BatchPlan) -> None:
        super().__init__(model, corpus, plan)
        self.pairs, self.columns = Pairs.of(corpus, plan.device), TrackColumns(corpus.n_tracks)

    def drawn(self, playlist: Tensor, track: Tensor) -> tuple[Tensor, Tensor]:
        tracks = torch.arange(self.model.n_tracks, device=track.device)
        return playlist[:1].expand(len(tracks)), tracks

    def batch(self, fields: dict[str, Any], drawn: Tensor) -> PlaylistBatch:
        place = torch.argsort(fields["track_ids"])  # all tracks are here: rows become ids
        ids = fields.pop("track_ids")
        fields["track"] = ids[fields["track"]]
        for name in ("vectors", "tables"):
            fields[name] = fields[name][0], fields[name][1].index_select(0, place)
        fields["prior"] = self.model.prior_of(None)
        fields, row, held, others = self._grouped(fields)
        return PlaylistBatch(**fields, own=(row[others], held[others]), columns=self.columns)

    def _grouped(self, fields: dict[str, Any]) -> tuple[dict[str, Any], Tensor, Tensor, Tensor]:
        """The fields by playlist, rows and ids of all that the playlists hold, and which are no pairs of it."""
        order = torch.argsort(fields["playlist"], stable=True)
        fields = {**fields, "playlist": fields["playlist"][order], "track": fields["track"][order]}
        row, held = self.pairs.of_playlists(fields["playlist_ids"])
        ids = fields.get("track_ids")
        targets = fields["playlist"] * self.pairs.n_tracks + (fields["track"] if ids is None else ids[fields["track"]])
        others = ~torch.isin(row * self.pairs.n_tracks + held, targets)
        return fields, row, held, others


class SampledSharedBatches(SampledAllBatches):
    """Pairs, grouped by playlist, that compete with ``n`` tracks drawn for all of them by popularity^``power``."""

    def __init__(self, model: GraphModel, corpus: Corpus, plan: BatchPlan, n: int, power: float) -> None:
        require(n >= 1, "n_negatives", "at least 1", n)
        self.n, self.sampler = n, PopularityNegatives(*edges_of(corpus), power=power)
        super().__init__(model, corpus, plan)

    def drawn(self, playlist: Tensor, track: Tensor) -> tuple[Tensor, Tensor]:
        tracks = self.sampler.shared(self.n, track.device)
        return playlist[:1].expand(len(tracks)), tracks

    def batch(self, fields: dict[str, Any], drawn: Tensor) -> SharedBatch:
        candidates, counts = torch.unique(drawn, return_counts=True)
        ids = fields["track_ids"][candidates]
        fields, row, held, others = self._grouped(fields)
        column = self.columns(held, ids)
        here = column >= 0
        local = self.columns(held, fields["track_ids"])
        own = others & (local >= 0)
        return SharedBatch(
            **fields,
            own=(row[own], local[own]),
            columns=self.columns,
            lengths=self.pairs.degree[fields["playlist_ids"]],
            candidates=candidates,
            counts=counts,
            log_expected=self.sampler.log_q(ids).float() + math.log(self.n),
            masked=(row[here], column[here]),
        )
