"""Batches of edges with negatives and sampled neighbourhoods, and what makes them repeatable."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dgl
import numpy as np
import torch
from dgl import DGLGraph
from dgl.dataloading import DataLoader, NeighborSampler, as_edge_prediction_sampler
from dgl.utils import get_num_threads, set_num_threads
from torch import Tensor

from ..config import require
from .negatives.random import NegativeSampler
from .ops import symmetric_norm

__all__ = ["Batch", "DegreeNorms", "EdgeLoader", "block_norms", "edge_loader", "relation_norms", "seeded"]

Batch = tuple[Any, DGLGraph, DGLGraph, list[DGLGraph]]
"""Input nodes, the graph of the positive pairs, that of the negatives, and the blocks."""

DegreeNorms = dict[str, tuple[Tensor, ...]]
"""For each relation the factors of its source nodes, and one or more of its destination nodes."""


@dataclass(frozen=True, eq=False)
class EdgeLoader:
    """DGL's DataLoader, made anew for every epoch.

    One that is kept shuffles what its last epoch left, so that an epoch would depend on all before it and a run
    that is resumed would differ from one that never stopped.
    """

    graph: DGLGraph
    indices: Tensor | dict[tuple[str, str, str], Tensor]
    sampler: Any
    n_edges: int
    batch_size: int
    shuffle: bool
    num_workers: int

    def __len__(self) -> int:
        return -(-self.n_edges // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        loader = DataLoader(
            self.graph,
            self.indices,
            self.sampler,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            num_workers=self.num_workers,
        )
        with warnings.catch_warnings():  # advice that DGL gives on every epoch
            warnings.filterwarnings("ignore", "Dataloader CPU affinity", UserWarning)
            batches = iter(loader)
        while True:
            with _one_thread():
                batch = next(batches, None)
            if batch is None:
                return
            yield tuple(batch)


@contextmanager
def _one_thread() -> Iterator[None]:
    """DGL draws from one generator per thread, and threads come and go: with several, no seed repeats a sample."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)


def edge_loader(
    graph: DGLGraph,
    etype: str | tuple[str, str, str] | None,
    fanouts: Sequence[int],
    batch_size: int,
    negatives: NegativeSampler,
    *,
    reverse_etypes: Mapping[str, str] | None = None,
    edges: Tensor | None = None,
    shuffle: bool = True,
    num_workers: int = 0,
) -> EdgeLoader:
    """Iterate over the edges of one relation, with negatives and the sampled neighbourhood of both.

    Neither the edges of a batch nor their reverses are in its blocks: no target can be read off.
    DGL excludes by edge id, so the relation may not repeat a pair, and where the reverse edges form a relation
    of their own, edge ``i`` of it must be the reverse of edge ``i``; both are checked. Between nodes of one
    type (a homogeneous graph) the reverse edges are found in the relation itself.

    The loader shuffles with NumPy's global generator, samples with DGL's and draws negatives with torch's:
    put an epoch under :func:`seeded` to repeat it. Blocks have the degrees of the sample; the degree norms of the
    full graph come from :func:`relation_norms` and :func:`block_norms`.

    Args:
        graph: any DGL graph, ours or not.
        etype: the relation whose edges are the targets; None on a homogeneous graph.
        fanouts: neighbours sampled per relation in each layer, input layer first; -1 takes all.
        batch_size: edges per batch.
        negatives: draws ``negatives.k`` negatives for the source of each edge.
        reverse_etypes: relation -> relation with the same edges reversed. It must be given (``{}`` for
            "none") where another relation leads back from the destinations to the sources.
        edges: edge ids to iterate over; all by default.
        shuffle: whether to shuffle the edges every epoch.
        num_workers: processes that sample; 0 samples in this one.

    Returns:
        Batches as of DGL's loader: ``(input_nodes, positive_graph, negative_graph, blocks)``.

    Raises:
        ConfigError: a fan-out or batch size out of range, a repeated pair, reverse edges that are not.
    """
    require(bool(fanouts) and all(n == -1 or n > 0 for n in fanouts), "fanouts", "-1 or above 0", list(fanouts))
    require(batch_size > 0, "batch_size", "above 0", batch_size)
    source, name, target = target_etype = graph.to_canonical_etype(etype)
    u, v = (ids.long() for ids in graph.edges(etype=target_etype, order="eid"))
    keys = u * graph.num_nodes(target) + v
    distinct = len(torch.unique(keys))
    require(distinct == len(keys), f"the relation {name!r}", "without repeated pairs", len(keys) - distinct)
    ids = torch.arange(len(keys)) if edges is None else edges
    ids = ids.to(graph.device, graph.idtype)

    homogeneous = len(graph.canonical_etypes) == 1 and source == target
    exclude: dict[str, Any]
    if source == target:
        reverse = _reverse_ids(keys, v * graph.num_nodes(target) + u).to(graph.idtype)
        exclude = {
            "exclude": "reverse_id",
            "reverse_eids": reverse if homogeneous else {target_etype: reverse},
        }
    else:
        exclude = {
            "exclude": "reverse_types",
            "reverse_etypes": _reverse_etypes(graph, target_etype, u, v, reverse_etypes),
        }
    # DGL's fused sampling leaves stale ids behind between batches on a heterograph: wrong neighbours, or a crash.
    neighbours = NeighborSampler(list(fanouts), fused=False)
    sampler = as_edge_prediction_sampler(neighbours, negative_sampler=negatives, **exclude)
    indices = ids if homogeneous else {target_etype: ids}
    return EdgeLoader(graph, indices, sampler, len(ids), batch_size, shuffle, num_workers)


def _reverse_ids(keys: Tensor, reversed_keys: Tensor) -> Tensor:
    """(n_edges,) the id of the reverse of each edge, its own where there is none."""
    ordered, order = torch.sort(keys)
    at = torch.searchsorted(ordered, reversed_keys).clamp_(max=len(keys) - 1)
    return torch.where(ordered[at] == reversed_keys, order[at], torch.arange(len(keys), device=keys.device))


def _reverse_etypes(
    graph: DGLGraph, etype: tuple[str, str, str], u: Tensor, v: Tensor, given: Mapping[str, str] | None
) -> dict[str, str]:
    source, name, target = etype
    back = [etype for s, etype, t in graph.canonical_etypes if (s, t) == (target, source)]
    if given is None:
        require(not back, "reverse_etypes", f"given, as {', '.join(back)} may hold the reverse of {name}", given)
        return {}
    if name not in given:
        return {}
    require(given[name] in back, f"the reverse of {name}", f"one of {', '.join(back) or 'none'}", given[name])
    s, t = (ids.long() for ids in graph.edges(etype=(target, given[name], source), order="eid"))
    same = torch.equal(s, v) and torch.equal(t, u)
    require(same, "reverse_etypes", "relations whose edge i is the reverse of edge i", f"{name}: {given[name]}")
    return {name: given[name]}


def relation_norms(graph: DGLGraph) -> DegreeNorms:
    """The symmetric normalisation of every relation of a graph, from its degrees: ``{etype: (src, dst)}``."""
    names = graph.etypes
    require(len(set(names)) == len(names), "relation names", "distinct", names)
    return {etype: symmetric_norm(graph[etype]) for etype in names}


def block_norms(block: DGLGraph, degree_norms: DegreeNorms) -> DegreeNorms:
    """The rows of the full graph's ``degree_norms`` for the nodes of a block."""
    rows = {}
    for source, etype, target in block.canonical_etypes:
        if etype in degree_norms:
            src, *dst = degree_norms[etype]
            ids = block.dstnodes[target].data[dgl.NID].long()
            rows[etype] = src[block.srcnodes[source].data[dgl.NID].long()], *(factor[ids] for factor in dst)
    return rows


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch, NumPy and DGL; give torch and NumPy their states back afterwards (DGL's cannot be read).

    >>> with seeded(7):
    ...     first = torch.rand(2)
    >>> with seeded(7):
    ...     torch.equal(torch.rand(2), first)
    True
    """
    state = np.random.get_state()  # noqa: NPY002 - the generator that DGL's loader uses
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        with _one_thread():
            dgl.seed(seed % 2**31)
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
