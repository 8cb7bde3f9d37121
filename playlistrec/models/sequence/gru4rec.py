"""GRU4Rec: a recurrent network that reads a playlist in order and predicts its next track."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...graph.products import products
from ..base import Query
from ..embedding.model import VectorConfig, compared, initial_tables
from ..embedding.trained import TrainedModel

__all__ = ["GRU4Rec", "GRU4RecConfig"]


@dataclass(frozen=True, kw_only=True)
class GRU4RecConfig(VectorConfig):
    """Options of :class:`GRU4Rec`.

    Attributes:
        dim: width of the tracks' vectors and of the hidden states.
        similarity, init, features: as for :class:`~playlistrec.models.embedding.model.VectorConfig`; the
            playlist's vector is its state.
        layers: GRUs one above the other.
        constrained: whether the vectors that come in are also those that states are compared with.
        dropout: share of a state's numbers that are dropped in training, between layers and before it is compared.
        embedding_dropout: the same of the vectors that come in.
        unroll: tracks of a playlist in one training step, which the gradient flows back through; 1 as published.
    """

    layers: int = 1
    constrained: bool = True
    dropout: float = 0.0
    embedding_dropout: float = 0.0
    unroll: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("layers", "unroll"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("dropout", "embedding_dropout"):
            require(0 <= getattr(self, name) < 1, name, "at least 0 and below 1", getattr(self, name))


class GRU4Rec(TrainedModel):
    """``score(t | s_1 … s_n) = h_n · v_t + b_t`` with ``h_i = GRU(u_{s_i}, h_{i-1})`` and ``h_0 = 0``.

    Hidasi, Karatzoglou, Baltrunas & Tikk 2016; ``constrained`` (``u = v``) and what it is trained with,
    Hidasi & Karatzoglou 2018. The playlist's own row means nothing to it: known or not, a playlist is its seeds in
    order. Without seeds tracks are scored by the logarithm of their popularity.

    >>> model = GRU4Rec.from_corpus(Corpus.from_lists([["a", "b", "c"]]), GRU4RecConfig(dim=4))
    >>> model.score(Query.of([[0, 1], [1, 0], []])).shape
    torch.Size([3, 3])
    """

    name: ClassVar[str] = "gru4rec"
    summary: ClassVar[str] = "recurrent network over the order of tracks, predicts the next one"
    papers: ClassVar[tuple[str, ...]] = (
        'Hidasi, Karatzoglou, Baltrunas & Tikk 2016, "Session-based recommendations with recurrent neural networks"',
        'Hidasi & Karatzoglou 2018, "Recurrent neural networks with top-k gains for session-based recommendations"',
    )
    config_class: ClassVar[type[Config]] = GRU4RecConfig
    reads_order: ClassVar[bool] = True

    config: GRU4RecConfig
    popularity: Tensor
    """(n_tracks,) logarithm of one more than the playlists that hold each track."""

    def __init__(self, tables: dict[str, Tensor], popularity: Tensor, config: GRU4RecConfig) -> None:
        super().__init__(tables, config)
        self.bias = nn.Parameter(torch.zeros(self.n_tracks))
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(config.dim, config.dim, config.layers, dropout=between)
        self.register_buffer("popularity", popularity)

    @classmethod
    def build(cls, corpus: Corpus, config: Any) -> Self:
        counts = corpus.popularity
        tables = initial_tables(corpus, ("track",), config)
        if not config.constrained:
            tables |= {"output": initial_tables(corpus, ("track",), config)["track"]}
        return cls(tables, torch.from_numpy(counts).float().log1p(), config)

    @classmethod
    def blank(cls, corpus: Corpus, config: Any) -> Self:
        return super().blank(corpus, replace(config, features=None, init="xavier"))

    @property
    def output(self) -> Tensor:
        """(n_tracks, dim) the vectors of the tracks that states are compared with."""
        table: Tensor = self.tables["track" if self.config.constrained else "output"]
        return table

    def queries(self, states: Tensor) -> Tensor:
        """(n, dim + 1) what states (n, dim) are to :meth:`keys`: scores are their dot products."""
        ones = torch.ones_like(states[:, :1])
        return torch.cat([compared(states, self.config.similarity), ones], dim=1)

    def keys(self, vectors: Tensor, bias: Tensor) -> Tensor:
        """(m, dim + 1) what some tracks' output vectors (m, dim) and biases (m,) are to :meth:`queries`."""
        return torch.cat([compared(vectors, self.config.similarity), bias.unsqueeze(1)], dim=1)

    def read(
        self, tracks: Tensor, lengths: npt.NDArray[np.int64], hidden: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Play stretches of playlists.

        Args:
            tracks: (n,) the stretches one after another.
            lengths: (m,) of each, at least 1.
            hidden: (layers, m, dim) states before them; zeros if not given.

        Returns:
            (n, dim) the state after each track, and (layers, m, dim) those after the last of each stretch.
        """
        ends = np.cumsum(lengths)
        place = torch.from_numpy((ends - lengths)[:, None] + np.arange(lengths.max())).clamp_(max=len(tracks) - 1)
        order, sizes, there, back = pack_padded_sequence(place.T, torch.from_numpy(lengths), enforce_sorted=False)
        device = tracks.device
        order, there, back = order.to(device), there.to(device), back.to(device)  # type: ignore[union-attr]
        vectors = self.tables["track"].index_select(0, tracks.index_select(0, order))
        vectors = F.dropout(vectors, self.config.embedding_dropout, self.training)
        packed, hidden = self.gru(PackedSequence(vectors, sizes, there, back), hidden)
        states = F.dropout(packed.data, self.config.dropout, self.training)
        return states.index_select(0, order.argsort()), hidden

    @torch.no_grad()
    def score(self, query: Query) -> Tensor:
        lengths = np.diff(query.offsets)
        device = self.bias.device
        scores = self.popularity.repeat(len(query), 1)
        seeded = torch.from_numpy(np.flatnonzero(lengths)).to(device)
        if len(seeded):
            _, hidden = self.read(torch.from_numpy(query.tracks).to(device), lengths[lengths > 0])
            scores[seeded] = products(self.queries(hidden[-1]), self.keys(self.output, self.bias))
        return scores
