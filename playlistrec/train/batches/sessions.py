"""Session-parallel batches: every row of a batch plays one playlist after another, a few tracks a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import torch
from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ...errors import DataError
from ...graph.negatives.random import NegativeSampler
from ...models.embedding.trained import torch_seed
from ...models.sequence.gru4rec import GRU4Rec
from ..losses.l2 import l2_penalty
from .plan import BatchPlan
from .session_layout import stretches

__all__ = ["SessionBatch", "SessionBatches", "SessionNegatives", "SharedNegatives"]


@dataclass(frozen=True, kw_only=True)
class SessionNegatives:
    """The candidates that the next tracks of a session compete with, beside each other.

    Attributes:
        n: further tracks drawn for the whole batch; they may be anything, the tracks that follow included. Hidasi &
            Karatzoglou 2018, section 3.1.
        power: they are drawn in proportion to popularity to this power, 0 for uniformly.
        every: all tracks compete, and none is drawn.
    """

    n: int = 0
    power: float = 0.0
    every: bool = False

    def __post_init__(self) -> None:
        require(self.n >= 0, "n_negatives", "at least 0", self.n)
        require(self.power >= 0, "popularity_power", "at least 0", self.power)


@dataclass(frozen=True, eq=False)
class SessionBatch:
    """Some tracks of each row, the track that follows each, and its competitors.

    Attributes:
        queries: (n, d) from the state after each track, with gradients.
        keys: (m, d) from the candidates; scores are the dot products.
        track: (n,) the tracks.
        candidates: (m,) distinct tracks: all that follow, and those drawn.
        counts: (m,) how often each was drawn or follows.
        log_expected: (m,) logarithm of how often that was to be expected.
        target: (n,) the candidate that follows.
        inputs: (n_tracks, dim) the table of vectors that are read.
        outputs: (m, dim) the candidates' vectors that states are compared with.
        share: share of a whole batch that this is.
    """

    queries: Tensor
    keys: Tensor
    track: Tensor
    candidates: Tensor
    counts: Tensor
    log_expected: Tensor
    target: Tensor
    inputs: Tensor
    outputs: Tensor
    share: float

    def l2(self) -> Tensor:
        """The L2 penalty on the vectors that the batch reads and compares with."""
        return l2_penalty([self.inputs.index_select(0, self.track), self.outputs], len(self.track))


class SharedNegatives(NegativeSampler):
    """``k`` tracks for a whole batch, each drawn with probability ∝ ``weight``, with replacement.

    Hidasi & Karatzoglou 2018, section 3.1. They may be anything, the tracks that follow included.
    """

    def __init__(self, weight: Tensor, k: int) -> None:
        self.k = k
        self.share = weight.double() / weight.sum()
        self._upto = self.share.cumsum(0)

    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """(k,) int64."""
        upto = self._upto
        number = torch.rand(self.k, dtype=torch.float64, device=upto.device, generator=generator) * upto[-1]
        return torch.searchsorted(upto, number, right=True)

    def sample(self, src: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.draw(generator).expand(len(src), -1)


class SessionBatches:
    """Mini-batches of as many rows as ``batch_size`` holds of ``unroll`` tracks.

    A row's hidden state passes from step to step without gradient, and is zero where a playlist begins. Playlists come
    in a new order each epoch; the tracks of one whose order means nothing (``ordered`` false in the table of playlists)
    too.
    """

    regime: ClassVar[str] = "full"
    seeks: ClassVar[bool] = False
    divides: ClassVar[bool] = False

    def __init__(self, model: GRU4Rec, corpus: Corpus, plan: BatchPlan, negatives: SessionNegatives) -> None:
        self.model, self.corpus, self.negatives, self.device = model, corpus, negatives, plan.device
        self.n_rows = max(1, plan.batch_size // model.config.unroll)
        self.playlists = np.flatnonzero(corpus.lengths > 1)
        if not len(self.playlists):
            raise DataError(f"{model.name} learns what follows a track: it needs playlists of two tracks or more")
        column = corpus.playlists["ordered"] if "ordered" in corpus.playlists.column_names else None
        self.ordered = None if column is None else np.asarray(pc.fill_null(column, True), dtype=bool)
        follows = np.bincount(corpus.tracks, self._follows(), minlength=corpus.n_tracks)
        counts = torch.from_numpy(follows).to(plan.device)
        self.popularity = counts / counts.sum()
        self.sampler = SharedNegatives(counts**negatives.power, negatives.n)

    def _follows(self) -> npt.NDArray[np.float64]:
        """(n_entries,) the chance with which each follows another one: 0 or 1 where there is an order."""
        lengths, playlist = self.corpus.lengths, self.corpus.entry_playlist
        follows = np.ones(self.corpus.n_entries)
        follows[self.corpus.offsets[:-1][lengths > 0]] = 0
        if self.ordered is None:
            return follows
        return np.where(self.ordered[playlist], follows, 1 - 1 / np.maximum(lengths, 1)[playlist])

    def state(self) -> dict[str, Tensor]:
        """Nothing passes from epoch to epoch."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Nothing passes from epoch to epoch."""

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """The context in which an epoch is the same for the same seed."""
        return torch_seed(seed)

    def epoch(self, seed: int, epoch: int) -> Iterator[SessionBatch]:
        """Every track that another one follows, once."""
        random = np.random.default_rng(seed)
        generator = torch.Generator(self.device).manual_seed(seed)
        playlists = random.permutation(self.playlists)
        tracks = torch.from_numpy(self._tracks(random).astype(np.int64)).to(self.device)
        plan = stretches(self.corpus.lengths[playlists] - 1, self.n_rows, self.model.config.unroll)
        bounds = np.searchsorted(plan.step, np.arange(plan.step[-1] + 2))
        gru = self.model.gru
        hidden = torch.zeros(gru.num_layers, self.n_rows, gru.hidden_size, device=self.device)
        for low, high in pairwise(bounds.tolist()):
            row, first, length = plan.row[low:high], plan.first[low:high], plan.length[low:high]
            begin = self.corpus.offsets[playlists[plan.playlist[low:high]]] + first
            place = np.repeat(begin - (np.cumsum(length) - length), length) + np.arange(length.sum())
            entry = torch.from_numpy(place).to(self.device)
            goes_on = torch.from_numpy(first > 0).to(self.device)
            rows = torch.from_numpy(row).to(self.device)
            before = torch.where(goes_on.unsqueeze(1), hidden.index_select(1, rows), 0.0)
            track = tracks[entry]
            states, after = self.model.read(track, length, before)
            last = torch.from_numpy(np.append(np.diff(row) > 0, True)).to(self.device)
            hidden = hidden.index_copy(1, rows[last], after.detach()[:, last])
            yield self._batch(states, track, tracks[entry + 1], generator)

    def _tracks(self, random: np.random.Generator) -> npt.NDArray[np.int32]:
        """(n_entries,) the tracks, those of playlists without an order shuffled."""
        if self.ordered is None:
            return self.corpus.tracks
        within = np.arange(self.corpus.n_entries) / max(1, self.corpus.n_entries)
        playlist = self.corpus.entry_playlist
        key = np.where(self.ordered[playlist], within, random.random(len(within)))
        return self.corpus.tracks[np.argsort(playlist + key)]

    def _batch(self, states: Tensor, track: Tensor, following: Tensor, generator: torch.Generator) -> SessionBatch:
        if self.negatives.every:
            candidates = torch.arange(self.corpus.n_tracks, device=self.device)
            counts = torch.ones(len(candidates), device=self.device)
            log_expected, target = counts.log(), following
        else:
            drawn = torch.cat([following, self.sampler.draw(generator)])
            candidates, column, counts = torch.unique(drawn, return_inverse=True, return_counts=True)
            expected = len(following) * self.popularity[candidates] + self.sampler.k * self.sampler.share[candidates]
            counts, log_expected, target = counts.float(), expected.log().float(), column[: len(following)]
        model = self.model
        outputs = model.output.index_select(0, candidates)
        return SessionBatch(
            keys=model.keys(outputs, model.bias.index_select(0, candidates)),
            queries=model.queries(states),
            track=track,
            candidates=candidates,
            counts=counts,
            log_expected=log_expected,
            target=target,
            inputs=model.tables["track"],
            outputs=outputs,
            share=len(states) / (self.n_rows * model.config.unroll),
        )

    def __len__(self) -> int:
        """Steps an epoch, at most: how many depends on the order in which the playlists come."""
        lengths = self.corpus.lengths[self.playlists] - 1
        most = (lengths.sum() - lengths.max()) // self.n_rows + lengths.max()
        return int(-(-most // self.model.config.unroll))
