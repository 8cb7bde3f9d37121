"""The base of graph networks over playlists, tracks and artists."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import dgl
import numpy as np
import torch
import torch.nn.functional as F
from dgl import DGLGraph
from torch import Tensor, nn
from typing_extensions import Self

from ...config import Config
from ...corpus.corpus import Corpus
from ...errors import ConfigError
from ...graph.build import build_graph
from ...graph.norms import DegreeNorms, block_norms, relation_norms
from ...nn.combine import LayerConcat, LayerSum
from ...nn.hetero import HeteroConv
from ..base import Query
from ..edge_weights import scaled_weights
from ..embedding.model import EmbeddingModel, Vectors, initial_tables
from .config import GraphConfig

__all__ = ["GraphConfig", "GraphModel", "with_self_loops"]

States = dict[str, Tensor]


class GraphModel(EmbeddingModel):
    """Free embeddings, ``layers`` rounds of message passing over all relations, a weighted sum of the rounds.

    A playlist outside the graph is folded in as a node with edges from its seeds only: it starts from the mean
    embedding of the playlists and receives, layer by layer, what its seeds hold; it sends the seeds nothing.
    """

    config_class: ClassVar[type[Config]] = GraphConfig
    propagates: ClassVar[bool] = True
    tied: ClassVar[bool] = False
    """True if one layer serves all relations of a round; else each relation has its own."""
    nonlinearity: str = "none"
    """The name of what follows a layer, as :meth:`activate` has it."""

    def __init__(self, graph: DGLGraph, tables: Mapping[str, Tensor], config: GraphConfig) -> None:
        super().__init__(tables, config)
        self.graph = graph
        self.degree_norms: DegreeNorms = self.normalise(graph)
        self.layers = nn.ModuleList(HeteroConv(self._convs(graph.etypes, config)) for _ in range(config.layers))
        weights = config.weights
        self.combine = LayerConcat() if weights == "concat" else LayerSum(config.layers, weights)
        self._states: list[States] | None = None
        self._mean_playlist: Tensor | None = None

    @classmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        graph = build_graph(corpus)
        weights = scaled_weights(corpus, config.edge_weights)
        for etype in ("contains", "in"):
            graph.edges[etype].data.pop("weight", None)
            if weights is not None:
                graph.edges[etype].data["weight"] = torch.from_numpy(weights)
        if not config.artists:
            graph = graph.edge_type_subgraph(["contains", "in"])
        return cls(graph, initial_tables(corpus, graph.ntypes, config), config)

    @abstractmethod
    def conv(self, config: Any) -> nn.Module:
        """A new layer for one relation, ``dim`` in and out."""

    def _convs(self, etypes: Sequence[str], config: Any) -> dict[str, nn.Module]:
        if self.tied:
            return dict.fromkeys(etypes, self.conv(config))
        return {etype: self.conv(config) for etype in etypes}

    def activate(self, h: Tensor) -> Tensor:
        """The module that follows a layer."""
        return h

    def normalise(self, graph: DGLGraph) -> DegreeNorms:
        """The factors that layers get as ``degree_norms``, from the degrees of a graph."""
        return relation_norms(graph)

    def propagate(
        self,
        graphs: Sequence[DGLGraph],
        states: States,
        degree_norms: Sequence[DegreeNorms],
        disturb: Callable[[Tensor], Tensor] | None = None,
    ) -> list[States]:
        """The states before and after each layer; one graph (or block) and its degree norms a layer."""
        passed = [states]
        for layer, graph, norm in zip(self.layers, graphs, degree_norms):
            weighted = {
                e: {"edge_weight": graph.edges[e].data["weight"]}
                for e in graph.canonical_etypes
                if "weight" in graph.edges[e].data
            }
            after = layer(graph, passed[-1], mod_kwargs=weighted, degree_norms=norm)
            state = {kind: self.activate(h) for kind, h in after.items()}
            passed.append(state if disturb is None else {kind: disturb(h) for kind, h in state.items()})
        return passed

    def embed(self) -> Vectors:
        passed = self._passed()
        if not torch.is_grad_enabled():
            self._states = passed
        return self._combined(passed, "playlist"), self._combined(passed, "track")

    def states(self) -> list[States]:
        """The states before and after each layer, without gradients, kept as long as :meth:`vectors` are."""
        self.vectors()
        assert self._states is not None, "vectors() leaves the states of all layers"
        return self._states

    @torch.no_grad()
    def node_vectors(self) -> dict[str, Tensor]:
        states, found = self.states(), super().node_vectors()
        return {kind: found[kind] if kind in found else self._combined(states, kind) for kind in self.tables}

    def contrastive_views(self, noise: float) -> tuple[Vectors, Vectors]:
        """Final vectors, and those after the first layer, with noise added after every layer.

        The noise of a node is of length ``noise``, uniform over the orthant its state lies in. Yu et al. 2023
        (XSimGCL), eq. 8 and section 4.1.
        """

        def disturb(h: Tensor) -> Tensor:
            return h + torch.sign(h.detach()) * F.normalize(torch.rand_like(h), dim=-1) * noise

        if isinstance(self.combine, LayerConcat):
            raise ConfigError("contrast compares one layer with all: set layer_weights=mean (got concat)")
        passed = self._passed(disturb)
        vectors = self._combined(passed, "playlist"), self._combined(passed, "track")
        return vectors, (passed[1]["playlist"].float(), passed[1]["track"].float())

    @contextmanager
    def messages(self, mask: Tensor) -> Iterator[None]:
        """Within this context messages pass only along some of the pairs, and degrees count only them.

        Args:
            mask: (n_pairs,) which, in the order of the corpus' pairs.
        """
        kept = mask.cpu()
        edges = {
            e: kept if e[1] in ("contains", "in") else torch.ones(self.graph.num_edges(e), dtype=torch.bool)
            for e in self.graph.canonical_etypes
        }
        whole = self.graph, self.degree_norms
        self.graph = dgl.edge_subgraph(self.graph, edges, relabel_nodes=False, store_ids=False)
        self.degree_norms = self.normalise(self.graph)
        try:
            yield
        finally:
            self.graph, self.degree_norms = whole

    def _passed(self, disturb: Callable[[Tensor], Tensor] | None = None) -> list[States]:
        """The states before and after each layer on the whole graph; in training in the chosen precision."""
        n = len(self.layers)
        precision = self.precision if torch.is_grad_enabled() else torch.float32
        states = {kind: table.to(precision) for kind, table in self.tables.items()}
        with torch.autocast(self.tables["track"].device.type, precision, precision != torch.float32):
            return self.propagate([self.graph] * n, states, [self._degree_norms()] * n, disturb)

    def embed_blocks(
        self, blocks: Sequence[DGLGraph], inputs: Mapping[str, Tensor]
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Final vectors and layer-0 embeddings of the (playlists, tracks) that the last block is for.

        With sampled neighbours the normalised sums estimate those over all neighbours
        (:func:`~playlistrec.graph.norms.block_norms`).
        """
        device = self.tables["track"].device
        inputs = {kind: ids.long().to(device) for kind, ids in inputs.items() if len(ids)}
        states = {kind: self.tables[kind].index_select(0, ids) for kind, ids in inputs.items()}
        states |= {kind: self.tables[kind][:0] for kind in self.tables if kind not in states}
        degree_norms = [block_norms(block, self._degree_norms()) for block in blocks]
        passed = self.propagate(blocks, states, degree_norms)
        heads = {kind: blocks[-1].num_dst_nodes(kind) for kind in ("playlist", "track")}
        passed = [{kind: h[: heads[kind]] for kind, h in state.items() if kind in heads} for state in passed]
        vectors = self._combined(passed, "playlist"), self._combined(passed, "track")
        return vectors, (passed[0]["playlist"], passed[0]["track"])

    @torch.no_grad()
    def fold_in(self, query: Query) -> Tensor:
        self.vectors()
        assert self._states is not None, "vectors() leaves the states of all layers"
        pairs = query.matrix(self.n_tracks).tocoo()
        seeds, columns = np.unique(pairs.col, return_inverse=True)
        graph = dgl.heterograph(
            {("track", "in", "playlist"): (torch.from_numpy(columns).int(), torch.from_numpy(pairs.row).int())},
            num_nodes_dict={"track": len(seeds), "playlist": len(query)},
            idtype=torch.int32,
        )
        device = self._states[0]["playlist"].device
        rows = torch.from_numpy(seeds.astype(np.int64)).to(device)
        _, *dst_norms = self.normalise(graph)["in"]
        norm = self._degree_norms()["in"][0][rows], *(factor.to(device) for factor in dst_norms)
        if self._mean_playlist is None:
            self._mean_playlist = self._states[0]["playlist"].mean(0, keepdim=True)
        state = self._mean_playlist.expand(len(query), -1).contiguous()
        passed = [{"playlist": state}]
        for layer, states in zip(self.layers, self._states):
            assert isinstance(layer, HeteroConv), "the layers are built that way"
            one = HeteroConv({"in": layer.conv("in")})
            features = {"track": states["track"][rows], "playlist": passed[-1]["playlist"]}
            passed.append({"playlist": self.activate(one(graph, features, degree_norms={"in": norm})["playlist"])})
        return self._combined(passed, "playlist")

    def _forget(self) -> None:
        super()._forget()
        self._states = None
        self._mean_playlist = None

    def _combined(self, passed: Sequence[States], kind: str) -> Tensor:
        out: Tensor = self.combine([states[kind] for states in passed])
        return self.compared(out.float())

    def _degree_norms(self) -> DegreeNorms:
        device = self.tables["track"].device
        if self.degree_norms["in"][0].device != device:
            self.degree_norms = self.degree_norms.to(device)
        return self.degree_norms


def with_self_loops(graph: DGLGraph, degree_norms: DegreeNorms, own: Mapping[str, Tensor]) -> DegreeNorms:
    """``degree_norms`` with a third factor, of a destination itself, which counts once and not once per relation.

    It is ``own`` of the node's type with the first relation to that type, and 0 with the others.
    """
    left = dict(own)
    factors = {
        etype: (*degree_norms[etype], left.pop(target, torch.zeros_like(own[target])))
        for _, etype, target in graph.canonical_etypes
    }
    return DegreeNorms(factors, degree_norms.in_degrees)
