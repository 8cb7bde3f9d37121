"""The base of factorisation machines over a graph of features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import dgl
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...config import Config, require
from ...corpus.corpus import Corpus, Ints
from ...graph.features import feature_graph
from ...graph.norms import relation_norms
from ...nn.hetero import HeteroConv
from ..base import Query
from .context import previous_seeds
from .fm import FM, FMConfig

__all__ = ["FMGraph", "FMGraphConfig"]


@dataclass(frozen=True, kw_only=True)
class FMGraphConfig(FMConfig):
    """Options of the factorisation machines over a graph of features.

    Attributes:
        layers: rounds of message passing.
    """

    layers: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.layers >= 1, "layers", "at least 1", self.layers)


class FMGraph(FM):
    """FM whose vectors are what ``layers`` layers make of free embeddings over a graph of features.

    Its nodes are playlists, tracks, artists and contexts, each joined to itself and to those it occurs together with
    in a training pair. A playlist that was not trained is folded in as a node that starts from the mean embedding of
    the playlists and receives messages from the features of its seeds; it sends them none.
    """

    config_class: ClassVar[type[Config]] = FMGraphConfig
    nonlinearity: ClassVar[str] = "none"
    """The name of what is between two layers, as :meth:`activate` has it."""

    norm: Tensor
    """(n_nodes,) the factor of the symmetric normalisation."""

    def __init__(self, corpus: Corpus, tables: Mapping[str, Tensor], config: FMGraphConfig) -> None:
        super().__init__(corpus, tables, config)
        sizes = [
            len(table) for table in self.tables.values()
        ]  # not of `tables`: a ParameterDict has an order of its own
        self._start = dict(zip(self.tables, np.cumsum([0, *sizes]).tolist()))
        playlists, tracks = corpus.pairs
        nodes = self._nodes(tracks, dict(zip(self.fields, self._values(corpus).T)))
        self.graph = feature_graph([playlists.astype(np.int64) + self._start["playlist"], *nodes], sum(sizes))
        self.register_buffer("norm", relation_norms(self.graph)["joins"][0], persistent=False)
        self.layers = nn.ModuleList(HeteroConv({"joins": self.conv(config)}) for _ in range(config.layers))
        self._states: list[Tensor] | None = None

    @abstractmethod
    def conv(self, config: Any) -> nn.Module:
        """A new layer, ``dim`` in and out; where it has heads, they are put side by side."""

    def activate(self, h: Tensor) -> Tensor:
        """The module between two layers."""
        return h

    def factors(self) -> Mapping[str, Tensor]:
        states, norms = [torch.cat(list(self.tables.values()))], {"joins": (self.norm, self.norm)}
        for depth, layer in enumerate(self.layers):
            h = self.activate(states[-1]) if depth else states[-1]
            states.append(layer(self.graph, {"feature": h}, degree_norms=norms)["feature"].flatten(1))
        if not torch.is_grad_enabled():
            self._states = states
        return dict(zip(self.tables, torch.split(states[-1], [len(table) for table in self.tables.values()])))

    def feature_states(self) -> list[Tensor]:
        """(n_nodes, d) the states before and after each layer, without gradients."""
        self.vectors()
        assert self._states is not None, "vectors() leaves the states of all layers"
        return self._states

    @property
    def first_nodes(self) -> Mapping[str, int]:
        """The first node of each field in the graph of features."""
        return self._start

    @torch.no_grad()
    def fold_in(self, query: Query) -> Tensor:
        all_states = self.feature_states()
        n, n_nodes, device = len(query), len(all_states[0]), all_states[0].device
        _, first = np.unique(query.rows * self.n_tracks + query.tracks, return_index=True)
        before = {"context": previous_seeds(query, self.n_tracks)[first]} if "context" in self.tables else {}
        neighbours = self._nodes(query.tracks[first], before)
        keys = np.unique(np.concatenate([(query.rows[first] * n_nodes + nodes)[nodes >= 0] for nodes in neighbours]))
        nodes, columns = np.unique(keys % n_nodes, return_inverse=True)
        own = np.arange(n)
        src = torch.from_numpy(np.concatenate([columns, len(nodes) + own])).int()
        dst = torch.from_numpy(np.concatenate([keys // n_nodes, own])).int()
        graph = dgl.heterograph(
            {("feature", "joins", "playlist"): (src, dst)},
            num_nodes_dict={"feature": len(nodes) + n, "playlist": n},
            idtype=torch.int32,
        )
        rows, norm = torch.from_numpy(nodes).to(device), relation_norms(graph)["joins"][1].to(device)
        degree_norms = {"joins": (torch.cat([self.norm[rows], norm]), norm)}
        state = self.tables["playlist"].mean(0, keepdim=True).expand(n, -1)
        for depth, (layer, states) in enumerate(zip(self.layers, all_states)):
            others = states[rows]
            if depth:
                others, state = self.activate(others), self.activate(state)
            inputs = {"feature": torch.cat([others, state]), "playlist": state}
            state = layer(graph, inputs, degree_norms=degree_norms)["playlist"].flatten(1)
        return F.pad(state, (0, 1), value=1.0)

    def _forget(self) -> None:
        super()._forget()
        self._states = None

    def _nodes(self, tracks: Ints, contexts: Mapping[str, Ints]) -> list[Ints]:
        """For each field but the playlist the (n,) nodes of n tracks and their contexts, -1 where one has none."""
        nodes: list[Ints] = [tracks.astype(np.int64) + self._start["track"]]
        if self.artist is not None:
            artist = self.artist.cpu().numpy()[tracks]
            nodes.append(np.where(artist < len(self.tables["artist"]), artist + self._start["artist"], -1))
        nodes += [values + self._start[field] for field, values in contexts.items()]
        return nodes
