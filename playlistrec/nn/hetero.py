"""Message passing over several relations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import torch
from dgl import DGLError, DGLGraph
from torch import Tensor, nn

from ..graph import ops
from .inputs import Etype, of_relation

__all__ = ["HeteroConv"]

Aggregate = Literal["sum", "mean", "max", "min", "stack"]


class HeteroConv(nn.Module):
    """One layer per relation, aggregated at each type of destination: ``h_v' = sum_r conv_r(h, h_v)``.

    Schlichtkrull et al. 2018 ("Modeling Relational Data with Graph Convolutional Networks") with any layers. Like
    ``dgl.nn.HeteroGraphConv``, but what :mod:`playlistrec.graph.ops` computed for a relation's edges is kept with the
    graph, ``degree_norms`` reach the layers that take them, and every destination type comes out, also where none of
    its nodes has an edge.

    Args:
        convs: ``{etype: layer}``, by name, or by canonical type where types share a name; a module may stand for
            several relations.
        aggregate: ``sum``, ``mean``, ``max``, ``min``, ``stack``, or a callable ``(tensors, node type) -> tensor``.

    Raises:
        DGLError: another ``aggregate``.

    >>> import dgl
    >>> from playlistrec.nn import LightGCNConv
    >>> graph = dgl.heterograph({("user", "rates", "movie"): ([0, 1], [0, 0]), ("genre", "of", "movie"): ([0], [0])})
    >>> net = HeteroConv({etype: LightGCNConv("none") for etype in graph.canonical_etypes})
    >>> net(graph, {"user": torch.ones(2, 1), "genre": torch.ones(1, 1)})["movie"].tolist()
    [[3.0]]
    """

    def __init__(
        self,
        convs: Mapping[str, nn.Module] | Mapping[Etype, nn.Module],
        aggregate: Aggregate | Callable[[list[Tensor], str], Tensor] = "sum",
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleDict({_key(etype): conv for etype, conv in convs.items()})
        self.etypes: list[Etype] = list(convs)
        self._normed = {
            etype for etype, conv in convs.items() if "degree_norms" in inspect.signature(conv.forward).parameters
        }
        if not callable(aggregate) and aggregate not in ("sum", "mean", "max", "min", "stack"):
            raise DGLError(f"aggregate must be sum, mean, max, min, stack or a callable (got {aggregate!r})")
        self.aggregate = aggregate if callable(aggregate) else partial(_aggregated, aggregate)

    def conv(self, etype: Etype) -> nn.Module:
        """The layer of a relation."""
        return self.convs[_key(etype)]

    def forward(
        self,
        graph: DGLGraph,
        inputs: Mapping[str, Tensor] | tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
        mod_args: Mapping[Etype, tuple[Any, ...]] | None = None,
        mod_kwargs: Mapping[Etype, Mapping[str, Any]] | None = None,
        *,
        degree_norms: Mapping[Etype, tuple[Tensor, ...]] | None = None,
    ) -> dict[str, Tensor]:
        """Apply every layer to its relation.

        Args:
            graph: a heterograph, or a block of one, with all the relations.
            inputs: ``{node type: (n, d)}``; on a block those of the sources, the destinations first; or a pair of such,
                of sources and of destinations. A relation whose sources have no features is left out.
            mod_args, mod_kwargs: further arguments of the layers, by relation.
            degree_norms: ``{etype: ((n_src,), (n_dst,), …)}`` for the layers that take them.

        Returns:
            ``{node type: (n_dst, …)}`` for each type that a relation leads to.
        """
        sources, destinations = inputs if isinstance(inputs, tuple) else (inputs, None)
        messages: dict[str, list[Tensor]] = {}
        for etype in self.etypes:
            source, name, target = graph.to_canonical_etype(etype)
            if source not in sources:
                continue
            if destinations is not None:
                own = destinations.get(target)
            else:
                own = sources[target][: graph.num_dst_nodes(target)] if target in sources else None
            args = of_relation(mod_args, (source, name, target))
            kwargs = of_relation(mod_kwargs, (source, name, target))
            norms = of_relation(degree_norms, (source, name, target))
            extra = {"degree_norms": norms} if norms is not None and etype in self._normed else {}
            slice_ = ops.relation(graph, (source, name, target))
            message = self.conv(etype)(slice_, (sources[source], own), *(args or ()), **extra, **(kwargs or {}))
            messages.setdefault(target, []).append(message)
        return {target: self.aggregate(tensors, target) for target, tensors in messages.items()}


def _key(etype: Etype) -> str:
    """A name of a module: these hold no dots."""
    return (etype if isinstance(etype, str) else "|".join(etype)).replace(".", "·")


def _aggregated(how: Aggregate, tensors: list[Tensor], target: str) -> Tensor:  # noqa: ARG001 - a callable's arguments
    if how == "stack":
        return torch.stack(tensors, dim=1)
    if how in ("max", "min"):
        stacked = torch.stack(tensors)
        return stacked.amax(0) if how == "max" else stacked.amin(0)
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor
    return total / len(tensors) if how == "mean" else total
