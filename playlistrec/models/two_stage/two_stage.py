"""Playlist continuation in two stages: candidates of several models, ranked again by gradient-boosted trees."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...errors import DataError, RunError
from ...events import Event, OnEvent, ignore
from ..base import Arrays, Query, Recommender
from ..ensemble.blend import standardised
from ..ensemble.parts import fit_parts, parts_described, parts_from_state, state_of_parts, under
from ..state_schema import Field, check_arrays, schema
from .boosting import Trees
from .candidates import FirstStage, Pool
from .held_out import HeldOut, hold_out
from .pair_features import PairFeatures

__all__ = ["TwoStage", "TwoStageConfig"]

MOST_CANDIDATES = 2_000_000
"""Candidates to grow the trees on, some 160 MB of features; with more, a sample of the queries is used."""

TIE = 1e-4
"""Weight of the strongest part's score, between -1 and 1, beside the trees: it breaks ties between equal leaves."""


@dataclass(frozen=True, kw_only=True)
class TwoStageConfig(Config):
    """Options of :class:`TwoStage`.

    Attributes:
        runs: run folders whose models are the first stage; all of the data and split that this is fitted to.
        parts: models to fit with their defaults, where there are no ``runs``; none that is trained.
        candidates: tracks that each part may name.
        held_out: share of the playlists that the trees learn from and the parts do not, where there are no ``runs``.
        folds: of the queries that the trees are grown on.
        trees, leaves, rate: how many trees at most; leaves of each; learning rate.
    """

    runs: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("itemknn", "userknn", "title")
    candidates: int = 200
    held_out: float = 0.2
    folds: int = 3
    trees: int = 500
    leaves: int = 15
    rate: float = 0.05

    def __post_init__(self) -> None:
        require(len(self.members) > 0, "parts", "one or more models", self.parts)
        require(self.candidates >= 1, "candidates", "at least 1", self.candidates)
        require(0 < self.held_out < 1, "held_out", "above 0 and below 1", self.held_out)
        require(self.folds >= 2, "folds", "at least 2", self.folds)
        require(self.trees >= 1, "trees", "at least 1", self.trees)
        require(self.leaves >= 2, "leaves", "at least 2", self.leaves)
        require(self.rate > 0, "rate", "above 0", self.rate)

    @property
    def most_queries(self) -> int:
        """The number of queries to learn from, expecting each to have half the candidates that it could."""
        return max(2, 2 * MOST_CANDIDATES // (self.candidates * (1 + len(self.members))))

    @property
    def members(self) -> tuple[str, ...]:
        """The models of the first stage: the ``runs`` or else the ``parts``."""
        return self.runs or self.parts


class TwoStage(Recommender[TwoStageConfig]):
    """``score(p, t) = trees(features(p, t))`` for the candidates of several models; below them all other tracks.

    Candidates and features are those of :class:`~playlistrec.models.two_stage.candidates.FirstStage`. Where the trees
    see no difference, and beyond the candidates, tracks stand in the order of the strongest part; what that cannot rank
    is not ranked unless another part names it. Volkovs, Rai, Cheng, Wu, Lu & Sanner 2018, "Two-stage model for
    automatic playlist continuation at scale".

    The trees learn from queries that the parts were not fitted to. :meth:`from_corpus` holds a share of the playlists
    out, fits the parts to the others, grows the trees, and fits the parts again, to all. The trees are cross-fitted: a
    query that they learned from is answered by those that did not see it, any other by those that saw all of them.
    So a figure of a validation part that they learned from is that of trees that did not.

    Attributes:
        learned_from: (n,) uint64 fingerprints of the queries that the trees learned from, sorted.
        strongest: the part with the best NDCG@20 on them.
    """

    name = "two-stage"
    summary = "candidates of several runs or models, ranked again by gradient-boosted trees"
    papers = ('Volkovs et al. 2018, "Two-stage model for automatic playlist continuation at scale"',)
    config_class = TwoStageConfig
    made_of_runs = True
    state_schema = schema(learned_from=Field("u", ("queries",), rising=True), strongest=Field("i", (), low=0))

    def __init__(
        self,
        first: FirstStage,
        trees: Trees,
        learned_from: npt.NDArray[np.uint64],
        strongest: int,
        config: TwoStageConfig,
    ) -> None:
        self.first = first
        self.trees = trees
        self.learned_from = learned_from
        self.strongest = strongest
        self.config = config
        self.n_tracks = first.parts[0].n_tracks

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: TwoStageConfig, *, seed: int = 0) -> Self:
        rest, held_out = hold_out(corpus, config.held_out, config.most_queries, seed)
        model = cls.trained_on(fit_parts(config.parts, rest, seed=seed), rest, held_out, config, seed=seed)
        return model.over(fit_parts(config.parts, corpus, seed=seed), corpus)

    @classmethod
    def trained_on(
        cls,
        parts: Sequence[Recommender],
        corpus: Corpus,
        held_out: HeldOut,
        config: TwoStageConfig,
        *,
        seed: int = 0,
        on_event: OnEvent = ignore,
    ) -> Self:
        """The model whose trees learn from ``held_out``, which neither the ``parts`` nor the ``corpus`` hold.

        Tells the NDCG@20 of the trees, each query being ranked by those that did not see it, and of each part.
        Raises DataError where there is nothing to learn, ConfigError where LightGBM is not installed.
        """
        first = FirstStage(parts, PairFeatures.of(corpus), config.candidates)
        pool = Pool.of(first, held_out, on_event)
        prints = fingerprints(held_out.query)
        learned_from = np.unique(prints[pool.rows])
        if len(learned_from) < 2 or pool.hits.all() or not pool.hits.any():
            raise DataError(
                f"two-stage has nothing to learn: of {len(pool.hits)} candidates for {len(held_out)} held-out "
                f"playlists {pool.hits.sum()} are right"
            )
        folds = (np.searchsorted(learned_from, prints) % min(config.folds, len(learned_from)))[pool.rows]
        trees = Trees.grown(
            pool.features,
            pool.hits,
            pool.rows,
            folds,
            names=first.names,
            most=config.trees,
            leaves=config.leaves,
            rate=config.rate,
            seed=seed,
        )
        alone = [pool.ndcg(pool.features[:, 2 * i]) for i in range(len(parts))]
        crossed = pool.ndcg(trees.predict(pool.features, folds))
        summary = ", ".join(f"{name} {value:.4f}" for name, value in zip(config.members, alone))
        on_event(Event("message", f"NDCG@20 by trees that did not see the playlist {crossed:.4f}; {summary}"))
        return cls(first, trees, learned_from, int(np.argmax(alone)), config)

    def over(self, parts: Sequence[Recommender], corpus: Corpus) -> Self:
        """A copy with the same trees, and with the parts and counts of another corpus."""
        first = FirstStage(parts, PairFeatures.of(corpus), self.config.candidates)
        return type(self)(first, self.trees, self.learned_from, self.strongest, self.config)

    @torch.no_grad()
    def score(self, query: Query) -> Tensor:
        found = self.first(query)
        prints = fingerprints(query)
        place = np.searchsorted(self.learned_from, prints).clip(max=len(self.learned_from) - 1)
        folds = np.where(self.learned_from[place] == prints, place % self.trees.n_folds, -1)
        strongest = found.features[:, 2 * self.strongest]
        values = self.trees.predict(found.features, folds[found.rows]) + TIE * strongest / (1 + np.abs(strongest))
        lowest = np.zeros(len(query), dtype=np.float32)
        np.minimum.at(lowest, found.rows, values)
        others = found.scores[self.strongest]
        unit = standardised(others)
        below = unit - unit.amax(1, keepdim=True) + torch.from_numpy(lowest)[:, None] - 1
        below.masked_fill_(others == -torch.inf, -torch.inf)
        return below.index_put((torch.from_numpy(found.rows), torch.from_numpy(found.tracks)), torch.from_numpy(values))

    def cold(self, query: Query) -> npt.NDArray[np.bool_]:
        cold: npt.NDArray[np.bool_] = np.logical_and.reduce([part.cold(query) for part in self.first.parts])
        return cold

    def state(self) -> Arrays:
        return {
            **state_of_parts(self.first.parts),
            **{f"pairs/{name}": array for name, array in self.first.pairs.state().items()},
            **{f"trees/{name}": array for name, array in self.trees.state().items()},
            "learned_from": self.learned_from,
            "strongest": np.array(self.strongest),
        }

    @classmethod
    def check_state(cls, corpus: Corpus, config: TwoStageConfig, state: Arrays) -> None:
        sizes = {"tracks": corpus.n_tracks, "playlists": corpus.n_playlists}
        check_arrays(PairFeatures.state_schema, under("pairs", state), sizes, "pairs/")
        super().check_state(corpus, config, state)
        if not len(state["learned_from"]) or int(state["strongest"]) >= len(parts_described(state)):
            raise RunError("learned_from must hold a query, and strongest must be one of the parts")

    @classmethod
    def from_state(cls, corpus: Corpus, config: TwoStageConfig, state: Arrays) -> Self:
        pairs = PairFeatures.from_state(corpus, under("pairs", state))
        first = FirstStage(parts_from_state(corpus, state), pairs, config.candidates)
        trees = Trees.from_state(under("trees", state), len(first.names))
        return cls(first, trees, state["learned_from"].astype(np.uint64), int(state["strongest"]), config)

    def to(self, device: torch.device) -> Self:
        parts = [part.to(device) for part in self.first.parts]
        self.first = FirstStage(parts, self.first.pairs, self.first.depth)
        return self


def fingerprints(query: Query) -> npt.NDArray[np.uint64]:
    """(batch,) a number for each query: equal where seeds, their order and the title are."""
    titles = query.titles or [""] * len(query)
    digests = [
        hashlib.blake2b(query.seeds(row).tobytes() + title.encode(), digest_size=8).digest()
        for row, title in enumerate(titles)
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
