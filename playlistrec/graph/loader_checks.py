"""Checks and warnings of the edge loader, made once before the first batch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from dgl import DGLGraph
from torch import Tensor

from ..config import require
from .exclusion import Canonical, Exclusion, canonical
from .negatives.random import NonEdgeSampler

__all__ = ["check_negatives", "edge_ids", "per_relation", "warn_of_held_out", "warn_of_repeats"]

CHECKED = 2**22
"""Edges that are looked up, evenly spaced where there are more."""


def per_relation(graph: DGLGraph, relations: Sequence[Canonical], given: Any, name: str) -> dict[Canonical, Any]:
    """The value given for each relation: a mapping by relation, or one value where there is one relation."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {canonical(graph, etype): value for etype, value in given.items()}
    several = ", ".join(etype[1] for etype in relations)
    require(len(relations) == 1, name, f"a dictionary by relation, for {several}", type(given).__name__)
    return {relations[0]: given}


def edge_ids(graph: DGLGraph, etype: Canonical, given: Any, name: str) -> Tensor:
    """The ids of edges that were given as ids or as a mask; all where nothing was given."""
    n = graph.num_edges(etype)
    if given is None:
        return torch.arange(n, device=graph.device, dtype=graph.idtype)
    ids = torch.as_tensor(given)
    if ids.dtype == torch.bool:
        require(ids.shape == (n,), name, f"a mask of the {n} edges of {etype[1]}, or ids", tuple(ids.shape))
        ids = torch.nonzero(ids).squeeze(1)
    elif not ids.numel():
        ids = torch.zeros(0, dtype=torch.int64)
    whole = not (ids.is_floating_point() or ids.is_complex())
    require(whole and ids.dim() == 1, name, "a list of edge ids or a boolean mask", f"{ids.dtype} of {ids.dim()} dims")
    bounds = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
    right = not len(ids) or 0 <= bounds[0] <= bounds[1] < n
    require(right, name, f"ids in 0..{n - 1}, the edges of {etype[1]}", f"{bounds[0]}..{bounds[1]}")
    return ids.to(graph.device, graph.idtype)


def check_negatives(graph: DGLGraph, etype: Canonical, targets: Tensor, negatives: Any) -> None:
    """Raise ConfigError for a sampler that was made for another relation: it would draw targets as negatives."""
    if not isinstance(negatives, NonEdgeSampler):
        return
    source, name, target = etype
    sizes, own = (graph.num_nodes(source), graph.num_nodes(target)), (negatives.n_src, negatives.n_dst)
    require(sizes == own, f"the negatives of {name}", f"of {sizes[0]} sources and {sizes[1]} destinations", own)
    src, dst = _ends(graph, etype, targets)
    spared = negatives.edges.contains(src.to(negatives.edges.device), dst.to(negatives.edges.device))
    missing = int((~spared).sum())
    rule = "made of the edges of that relation (from_graph)"
    require(not missing, f"the negatives of {name}", rule, f"{missing} of {len(src)} targets could be drawn")


def warn_of_repeats(exclusion: Exclusion, etype: Canonical, targets: Tensor) -> None:
    """Warn where a relation that is not searched joins pairs of the targets."""
    for other, reverse in exclusion.others(etype):
        found = len(exclusion.repeats(other, reverse, *_ends(exclusion.graph, etype, targets)))
        if found:
            warnings.warn(
                f"{found} edges of {other[1]!r} join pairs of {etype[1]!r}, so targets can be read off them: "
                f"give exclude=[{other[1]!r}], unless they are known when the model ranks",
                UserWarning,
                stacklevel=3,
            )


def warn_of_held_out(
    graph: DGLGraph, etype: Canonical, targets: Tensor, excluded: Tensor | None, negatives: Any
) -> None:
    """Warn where edges beside the targets pass messages unsaid, or where negatives spare edges that are held out."""
    left_out = graph.num_edges(etype) - len(torch.unique(targets))
    if excluded is None and left_out:
        warnings.warn(
            f"edges leaves out {left_out} of {graph.num_edges(etype)} edges of {etype[1]!r}, and these pass messages: "
            "give exclude_eids=… for those that are held out ([] where none are)",
            UserWarning,
            stacklevel=3,
        )
    if excluded is not None and len(excluded) and isinstance(negatives, NonEdgeSampler):
        src, dst = _ends(graph, etype, excluded)
        spared = int(negatives.edges.contains(src.to(negatives.edges.device), dst.to(negatives.edges.device)).sum())
        if spared:
            warnings.warn(
                f"the negatives spare {spared} edges of exclude_eids, which tells a model where they are: "
                "make them by from_graph(…, exclude_eids=…)",
                UserWarning,
                stacklevel=3,
            )


def _ends(graph: DGLGraph, etype: Canonical, ids: Tensor) -> tuple[Tensor, Tensor]:
    some = ids[:: -(-len(ids) // CHECKED)] if len(ids) > CHECKED else ids
    src, dst = graph.find_edges(some, etype=etype)
    return src.long(), dst.long()
