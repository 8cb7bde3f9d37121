"""Batches of edges with negatives and sampled neighbourhoods: DGL's edge-prediction loader without leaks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from dgl import DGLGraph
from dgl.dataloading import DataLoader, NeighborSampler, as_edge_prediction_sampler
from torch import Tensor

from ..config import require
from .exclusion import Canonical, Exclusion, canonical
from .loader_checks import (
    check_negatives,
    edge_ids,
    per_relation,
    warn_of_held_out,
    warn_of_repeats,
)
from .messages import MessageSampler, without_edges
from .mirrors import with_coo
from .negatives.hetero import HeteroNegatives
from .negatives.random import NegativeSampler
from .norms import Etype
from .seeding import one_thread, seed_worker

__all__ = ["Batch", "EdgeLoader", "edge_loader"]

Batch = tuple[Any, DGLGraph, DGLGraph, list[DGLGraph]]
"""Input nodes, the graph of the positive pairs, that of the negatives, and the blocks."""

Negatives = NegativeSampler | Callable[..., Any]
"""A sampler of ours, or any that ``dgl.dataloading.as_edge_prediction_sampler`` takes."""

Fanout = int | Mapping[Etype, int]
Ids = Any
"""Edge ids or a boolean mask of edges, as a tensor, an array or a list."""


@dataclass(frozen=True, eq=False)
class EdgeLoader:
    """DGL's DataLoader, made anew for every epoch.

    One that is kept shuffles what its last epoch left, so that an epoch would depend on all before it and a run
    that is resumed would differ from one that never stopped.

    Attributes:
        options: of ``dgl.dataloading.DataLoader``.
    """

    graph: DGLGraph
    indices: Tensor | dict[Canonical, Tensor]
    sampler: Any
    batch_size: int
    drop_last: bool = False
    use_ddp: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_edges(self) -> int:
        """Target edges of an epoch, over all processes."""
        return sum(map(len, self.indices.values())) if isinstance(self.indices, Mapping) else len(self.indices)

    def __len__(self) -> int:
        n = self.n_edges
        if self.use_ddp:
            world = torch.distributed.get_world_size()
            n = n // world if self.drop_last else -(-n // world)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        own = {"batch_size": self.batch_size, "drop_last": self.drop_last, "use_ddp": self.use_ddp}
        loader = DataLoader(self.graph, self.indices, self.sampler, **own, **self.options)
        with warnings.catch_warnings():  # advice that DGL gives on every epoch
            warnings.filterwarnings("ignore", "Dataloader CPU affinity", UserWarning)
            batches = iter(loader)
        while True:
            with one_thread():
                batch = next(batches, None)
            if batch is None:
                return
            yield tuple(batch)


def edge_loader(
    graph: DGLGraph,
    etype: Etype | Sequence[Etype] | None,
    fanouts: Sequence[Fanout] | None,
    batch_size: int,
    negatives: Negatives | Mapping[Etype, Negatives],
    *,
    reverse_etypes: Mapping[Etype, Etype] | None = None,
    exclude: Sequence[Etype] = (),
    edges: Ids | Mapping[Etype, Ids] | None = None,
    exclude_eids: Ids | Mapping[Etype, Ids] | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    num_workers: int = 0,
    device: torch.device | str | None = None,
    use_ddp: bool | None = None,
    use_uva: bool = False,
    replace: bool = False,
    prob: str | None = None,
    sampler: Any = None,
) -> EdgeLoader:
    """Iterate over the edges of one or several relations, with negatives and the sampled neighbourhood of both.

    No edge of a batch is in its blocks, nor its reverse, nor a repeat of it: no target can be read off. Pairs of nodes
    are compared (:class:`~playlistrec.graph.Exclusion`), so relations may repeat pairs, and a reverse relation may list
    its edges in any order.

    The loader shuffles with NumPy's global generator, samples with DGL's and draws negatives with torch's: put an
    epoch under :func:`~playlistrec.graph.seeded` to repeat it; workers have streams of their own. Blocks have the
    degrees of the sample; degree norms that make up for it come from :func:`~playlistrec.graph.relation_norms` and
    :func:`~playlistrec.graph.block_norms`.

    Args:
        graph: any DGL graph, ours or not.
        etype: the relation whose edges are the targets, or a list of several; None on a homogeneous graph.
        fanouts: neighbours sampled per relation in each layer, input layer first; -1 takes all. A layer may be a
            dictionary by relation, 0 for those left out.
        batch_size: edges per batch.
        negatives: draws ``negatives.k`` negatives for the source of each edge; one for each relation where there are
            several.
        reverse_etypes: relation -> relation with the same edges reversed, by names or canonical types; by default
            every relation that leads back is taken for one, and ``{}`` says that none is.
        exclude: further relations between the same nodes, from which targets could be read off.
        edges: ids of the target edges, or a boolean mask; all by default.
        exclude_eids: ids or a mask of edges that pass no messages, such as those held out for validation; their
            reverses and repeats pass none either.
        shuffle, drop_last, num_workers, device, use_ddp, use_uva: as of ``dgl.dataloading.DataLoader``. With
            ``use_ddp`` all processes get equally many batches of the edges, which each is given whole; it must be said
            where torch.distributed runs several processes.
        replace, prob: as of ``dgl.dataloading.NeighborSampler``.
        sampler: another sampler than ``NeighborSampler``, in place of ``fanouts``, ``replace`` and ``prob``.

    Returns:
        Batches as of DGL's loader: ``(input_nodes, positive_graph, negative_graph, blocks)``.

    Raises:
        ConfigError: a fan-out or batch size out of range, a relation or edges that are not there, a reverse relation
            that does not lead back, negatives of another relation.

    Warns:
        UserWarning: another relation repeats targets; ``edges`` leaves some out and ``exclude_eids`` is not given;
            the negatives spare edges of ``exclude_eids``.
    """
    require(batch_size > 0, "batch_size", "above 0", batch_size)
    if use_ddp is None:
        several = torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1
        rule = "given where several processes run: true to share the edges evenly, false for edges of their own"
        require(not several, "use_ddp", rule, None)
    graph = with_coo(graph)
    wanted: list[Any] = etype if isinstance(etype, list) else [etype]
    relations = [canonical(graph, one) for one in wanted]
    exclusion = Exclusion(graph, reverse_etypes, exclude)
    given = per_relation(graph, relations, edges, "edges")
    targets = {one: edge_ids(graph, one, given.get(one), "edges") for one in relations}
    drawn_by = per_relation(graph, relations, negatives, "negatives")
    for one in relations:
        require(one in drawn_by, "negatives", f"given for {one[1]}", ", ".join(etype[1] for etype in drawn_by))
        check_negatives(graph, one, targets[one], drawn_by[one])
        warn_of_repeats(exclusion, one, targets[one])
    held_out = per_relation(graph, relations, exclude_eids, "exclude_eids")
    excluded = {one: edge_ids(graph, one, ids, "exclude_eids") for one, ids in held_out.items()}
    for one in relations:
        warn_of_held_out(graph, one, targets[one], None if exclude_eids is None else excluded.get(one), drawn_by[one])

    neighbours = _neighbours(graph, fanouts, replace, prob) if sampler is None else sampler
    if any(map(len, excluded.values())):
        require(not use_uva, "use_uva", "false with exclude_eids", use_uva)
        messages = without_edges(graph, exclusion(excluded))
        exclusion = Exclusion(graph, reverse_etypes, exclude, messages=messages)
        neighbours = MessageSampler(neighbours, messages)
    homogeneous = len(graph.canonical_etypes) == 1 and relations[0][0] == relations[0][2]
    by_type = drawn_by[relations[0]] if len(relations) == 1 else HeteroNegatives(drawn_by)
    options = {"shuffle": shuffle, "num_workers": num_workers, "device": device, "use_uva": use_uva}
    return EdgeLoader(
        graph,
        targets[relations[0]] if homogeneous else targets,
        as_edge_prediction_sampler(neighbours, exclude=exclusion, negative_sampler=by_type),
        batch_size,
        drop_last,
        bool(use_ddp),
        options | {"worker_init_fn": seed_worker},
    )


def _neighbours(graph: DGLGraph, fanouts: Sequence[Fanout] | None, replace: bool, prob: str | None) -> NeighborSampler:
    layers: list[Any] = []
    for fanout in fanouts or ():
        by_type = fanout if isinstance(fanout, Mapping) else {None: fanout}
        right = all(isinstance(n, int) and (n == -1 or n >= isinstance(fanout, int)) for n in by_type.values())
        require(right, "fanouts", "-1 or above 0", list(fanouts or ()))
        if isinstance(fanout, Mapping):
            counts = {canonical(graph, one): n for one, n in fanout.items()}
            layers.append({one: counts.get(one, 0) for one in graph.canonical_etypes})
        else:
            layers.append(fanout)
    require(bool(layers), "fanouts", "-1 or above 0, one a layer", fanouts)
    # DGL's fused sampling leaves stale ids behind between batches on a heterograph: wrong neighbours, or a crash.
    return NeighborSampler(layers, replace=replace, prob=prob, fused=False)
