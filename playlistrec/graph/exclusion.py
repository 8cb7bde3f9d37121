"""The edges from which a target edge could be read off: the edge itself, its reverse, and others of the same pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from dgl import DGLGraph
from torch import Tensor

from ..config import require
from ..errors import nearest
from .norms import Etype

__all__ = ["Exclusion", "canonical"]

Canonical = tuple[str, str, str]
Seeds = Tensor | Mapping[Canonical, Tensor]


def canonical(graph: DGLGraph, etype: Etype | None) -> Canonical:
    """The canonical type of a relation. Raises ConfigError where there is none, or several of that name."""
    known = graph.canonical_etypes
    if etype is None:
        require(len(known) == 1, "etype", f"one of {', '.join(map(str, known))}", None)
        return tuple(known[0])
    found: list[Any] = [c for c in known if etype in (c, c[1]) or tuple(etype) == c]
    names = [name for _, name, _ in known]
    close = nearest(etype, names) if isinstance(etype, str) else ""
    require(len(found) == 1, "a relation", f"one of the graph's, {', '.join(map(str, known))}{close}", etype)
    return tuple(found[0])


class Exclusion:
    """Finds, for target edges, the edges of the graph that join the same pair: they would give the target away.

    These are the edge itself and repeats of it; edges of relations that lead back and join the reversed pair; between
    nodes of one type the reversed edges of the relation itself, and those of its reverse both ways; and edges of the
    relations ``also``, whichever way they lead. Pairs are compared, not ids, so relations need not list their edges in
    the same order.

    An instance is what ``dgl.dataloading.as_edge_prediction_sampler`` takes as ``exclude``.

    Args:
        graph: the graph of the target edges.
        reverse_etypes: relation -> the relation that holds its edges reversed, either way round; not given: every
            relation that leads back.
        also: further relations.
        messages: the graph whose edges are found, with the nodes and relations of ``graph``; not given: ``graph``.

    Raises:
        ConfigError: a relation that is not in the graph, or a reverse that does not lead back.

    >>> import dgl
    >>> edges = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    >>> graph = dgl.heterograph({("user", "rates", "movie"): edges, ("movie", "rated_by", "user"): edges[::-1]})
    >>> found = Exclusion(graph)({("user", "rates", "movie"): torch.tensor([1])})
    >>> {etype[1]: ids.tolist() for etype, ids in found.items()}
    {'rates': [1], 'rated_by': [1]}
    """

    def __init__(
        self,
        graph: DGLGraph,
        reverse_etypes: Mapping[Etype, Etype] | None = None,
        also: Iterable[Etype] = (),
        *,
        messages: DGLGraph | None = None,
    ) -> None:
        self.graph, self.messages = graph, graph if messages is None else messages
        self.also = [canonical(graph, etype) for etype in also]
        self.reverse = None if reverse_etypes is None else self._both_ways(reverse_etypes)
        self._tables: dict[tuple[Canonical, bool], _Pairs] = {}

    def _both_ways(self, given: Mapping[Etype, Etype]) -> set[tuple[Canonical, Canonical]]:
        found = set()
        for one, other in given.items():
            a, b = canonical(self.graph, one), canonical(self.graph, other)
            ends = f"a relation from {a[2]} to {a[0]}"
            require((a[2], a[0]) == (b[0], b[2]), f"the reverse of {a[1]}", ends, " ".join(b))
            found |= {(a, b), (b, a)}
        return found

    def of(self, etype: Canonical) -> list[tuple[Canonical, bool]]:
        """The relations that are searched for the pairs of ``etype``, and true where for the reversed pairs."""
        source, _, target = etype
        found = [(etype, False)] + [(etype, True)] * (source == target)
        for other in self.graph.canonical_etypes:
            same, back = (other[0], other[2]) == (source, target), (other[0], other[2]) == (target, source)
            leads_back = other != etype if self.reverse is None else (etype, other) in self.reverse
            if back and (leads_back or other in self.also):
                found.append((other, True))
            if same and (other in self.also or (back and leads_back and other != etype)):
                found.append((other, False))
        return list(dict.fromkeys(found))

    def others(self, etype: Canonical) -> list[tuple[Canonical, bool]]:
        """The relations between the same types of nodes that are not searched."""
        source, _, target = etype
        searched = self.of(etype)
        every = [(o, False) for o in self.graph.canonical_etypes if o != etype and (o[0], o[2]) == (source, target)]
        every += [(o, True) for o in self.graph.canonical_etypes if o != etype and (o[0], o[2]) == (target, source)]
        return [one for one in every if one not in searched]

    def repeats(self, relation: Canonical, reverse: bool, src: Tensor, dst: Tensor) -> Tensor:
        """The ids of the edges of a relation that join the pairs (n,), reversed where ``reverse``."""
        return self._pairs(relation, reverse).find(src, dst)

    def __call__(self, seeds: Seeds) -> Any:
        """``{etype: ids}`` of the edges to leave out for the target edges ``seeds``, as of DGL's ``exclude``."""
        by_type = seeds if isinstance(seeds, Mapping) else {self.graph.canonical_etypes[0]: seeds}
        found: dict[Canonical, list[Tensor]] = {}
        for etype, ids in by_type.items():
            src, dst = (ends.long() for ends in self.graph.find_edges(ids, etype=etype))
            for relation, reverse in self.of(etype):
                found.setdefault(relation, []).append(self.repeats(relation, reverse, src, dst))
        return {relation: torch.cat(parts).to(self.graph.idtype) for relation, parts in found.items()}

    def _pairs(self, relation: Canonical, reverse: bool) -> _Pairs:
        if (relation, reverse) not in self._tables:
            src, dst = (ids.long() for ids in self.messages.edges(etype=relation, order="eid"))
            n = self.messages.num_nodes(relation[0 if reverse else 2])
            self._tables[relation, reverse] = _Pairs(*((dst, src) if reverse else (src, dst)), n)
        return self._tables[relation, reverse]


class _Pairs:
    """The edges of a relation by their pair, as sorted keys."""

    def __init__(self, src: Tensor, dst: Tensor, n_dst: int) -> None:
        self.n_dst, self.keys = n_dst, src * n_dst + dst
        self.order: Tensor | None = None
        if not bool((self.keys[1:] >= self.keys[:-1]).all()):
            self.keys, self.order = torch.sort(self.keys)

    def find(self, src: Tensor, dst: Tensor) -> Tensor:
        """The ids of all edges of these pairs."""
        wanted = src * self.n_dst + dst
        first = torch.searchsorted(self.keys, wanted)
        counts = torch.searchsorted(self.keys, wanted, right=True) - first
        start = torch.repeat_interleave(first - (counts.cumsum(0) - counts), counts)
        at = start + torch.arange(len(start), device=start.device)
        return at if self.order is None else self.order[at]
