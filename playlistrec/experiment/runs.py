"""Runs: a model fitted to some data, which evaluates and recommends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..config import Config, require
from ..corpus.corpus import Corpus
from ..corpus.facts import facts
from ..corpus.growth import fitted_rows
from ..corpus.split import TEST_SEED, TRAIN, VALID, VALID_SEED, Part
from ..distributed.process_group import current
from ..errors import ConfigError, DataError
from ..events import OnEvent, ignore
from ..models.base import Arrays, Query, Recommender
from ..rank.protocols import Evaluation, evaluate
from ..rank.sampled import evaluate_sampled, sampled_of
from ..serving.lookup.playlists import playlist_rows
from ..serving.recommender import RecommendationService
from ..serving.table import RecommendationTable
from ..serving.vectors import Embeddings
from ..trust import trusting
from .data import Data
from .loading import read_run
from .recommending import recommend_table
from .run_reading import damaged

__all__ = ["Run", "pick_device"]


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A fitted model with the data it was fitted on.

    Attributes:
        info: what ``run.json`` holds: model, options, seed, data, best epoch, versions, seconds, memory.
        arrays: what the model learned from the training part.
        refit_arrays: what it learned from training and validation part together, when it was refitted.
        path: the run folder, or none for a run in memory.
        fitted: what an update needs to know of the data of the fit, where this is an update; see :attr:`fitted_to`.
        trust: models that parts of it may be of, beside ours.
    """

    data: Data
    model_type: type[Recommender]
    options: Config
    arrays: Arrays
    refit_arrays: Arrays | None = None
    info: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    fitted: Arrays | None = None
    trust: frozenset[str] = frozenset()
    _services: dict[str, RecommendationService] = field(default_factory=dict, init=False)

    @classmethod
    def load(cls, path: str | Path, *, data: str | Path | Data | None = None, trust: Collection[str] = ()) -> Run:
        """Read a run folder and the data it names, or ``data`` where that has moved.

        Where the data is gone the run has those that it carries.

        Args:
            trust: models beside ours that the run may be of, ``module:Class``: their code is imported and run.

        Raises:
            RunError: the folder is missing, unfinished, damaged, or was made from other data; or the data is gone and
                the run carries none.
        """
        return cls(**read_run(Path(path), data, trust))

    def recommender(self, part: Part = "test", *, device: str = "auto") -> Recommender:
        """The model ready to rank ``part``.

        For ``"valid"`` it was fitted on, and knows, the training entries; for ``"test"`` it knows those of the
        validation part as well, and was fitted on them too when the run was refitted.
        """
        learned = self.refit_arrays if part == "test" and self.refit_arrays is not None else self.arrays
        known = self.data.split.ranking(self.data.corpus, part)
        with damaged(self.path), trusting(self.trust):
            return self.model_type.from_state(known, self.options, learned).to(pick_device(device))

    def evaluate(
        self,
        part: Part = "valid",
        k: Sequence[int] = (10, 20),
        *,
        protocol: str = "full",
        device: str = "auto",
        on_event: OnEvent = ignore,
    ) -> Evaluation:
        """Rank tracks for every playlist of which ``part`` hides some.

        All tracks with the protocol ``"full"``, with measures beyond accuracy; with ``"sampled:99"`` each hidden
        track among 99 others, and with ``"sampled:99x20"`` the mean over 20 draws of them, see
        :func:`~playlistrec.rank.sampled.evaluate_sampled`. Processes that are joined share the playlists.
        """
        sampled = sampled_of(protocol)
        corpus, split = self.data.corpus, self.data.split
        evaluation_set = split.evaluation_set(corpus, part)
        if not len(evaluation_set):
            raise DataError(f"{self.data.name} has no {part} part: nothing was hidden when it was preprocessed")
        model = self.recommender(part, device=device)
        how: dict[str, Any] = {"on_event": on_event, "group": current()}
        if sampled is not None:
            n_negatives, draws = sampled
            return evaluate_sampled(model, evaluation_set, corpus, n_negatives, draws=draws, ks=k, **how)
        return evaluate(model, evaluation_set, ks=k, history=split.ranking(corpus, part), **how)

    def recommend(
        self,
        *,
        playlist: str | int | Sequence[str | int] | None = None,
        tracks: str | int | Sequence[str | int] | None = None,
        title: str | None = None,
        k: int = 10,
        exclude_tracks: str | int | Sequence[str | int] = (),
        exclude_artists: str | Sequence[str] = (),
        among: str | int | Sequence[str | int] | None = None,
        max_per_artist: int | None = None,
        diversity: float = 0.0,
        popularity: float = 0.0,
        dislike: str | int | Sequence[str | int] = (),
        keep_versions: bool = False,
        device: str = "auto",
    ) -> RecommendationTable:
        """The ``k`` best tracks for playlists of the data (by pid) or for a new one.

        A new playlist is known by seed tracks, a title, or both. What a playlist holds is not recommended, hidden
        entries too, nor is any song of it under another uri, or a song twice. For a playlist of which nothing is known,
        the most popular tracks; scores are then numbers of playlists. A track is its row, its uri or its name
        (``Artist - Title``). Where several may be given, one is as well; arrays and columns are as good as lists.

        Args:
            playlist: one pid, or several, which are scored together.
            exclude_tracks: further tracks that are not to be recommended.
            exclude_artists: names or uris of artists none of whose tracks are to be recommended.
            among: the only tracks that may be recommended; None: all.
            dislike: tracks that are not recommended, and those like them later.
            max_per_artist, diversity, popularity, keep_versions: see
                :class:`~playlistrec.serving.recommender.RecommendOptions`.

        Returns:
            A table that unpacks as ``tracks, scores``: both (n,) with n at most ``k``. For several playlists both are
            (n_playlists, k); where fewer than ``k`` tracks are found the rest is -1 and ``-inf``.

        Raises:
            ConfigError: neither a playlist nor tracks nor a title, or a playlist and more; a value that cannot be.
            DataError: no playlist, track or artist is called so.
        """
        wanted: dict[str, Any] = {"playlist": playlist, "tracks": tracks, "title": title, "among": among}
        wanted |= {"exclude_tracks": exclude_tracks, "exclude_artists": exclude_artists, "dislike": dislike}
        wanted |= {"k": k, "max_per_artist": max_per_artist, "diversity": diversity, "popularity": popularity}
        return recommend_table(self, self.service(device), keep_versions=keep_versions, **wanted)

    def score(self, tracks: Any, **whose: Any) -> list[dict[str, Any]]:
        """Scores of given tracks for a playlist: see :func:`~.scoring.score_tracks`."""
        from .scoring import score_tracks

        return score_tracks(self, tracks, **whose)

    def service(self, device: str = "auto") -> RecommendationService:
        """The service behind :meth:`recommend`, for many queries; it is kept."""
        device = str(pick_device(device))
        if device not in self._services:
            self._services[device] = RecommendationService(
                self.recommender(device=device), self.history, self.data.songs
            )
        return self._services[device]

    @cached_property
    def history(self) -> Corpus:
        """The entries that are known when the run recommends: all but those hidden for the test."""
        return self.data.split.ranking(self.data.corpus, "test")

    def embeddings(self, *, device: str = "auto") -> Embeddings:
        """The vectors by which the test part is ranked. Raises ConfigError where the model has none."""
        history = self.data.split.ranking(self.data.corpus, "test")
        return Embeddings.of(self.recommender("test", device=device), history, self.playlist_queries(history))

    def playlist_queries(self, history: Corpus) -> Query:
        """A query for each playlist of the data, with what is known of it: :meth:`query` for all of them at once.

        Args:
            history: the entries that the model knows when it ranks the test part.
        """
        corpus, split = self.data.corpus, self.data.split
        seeds = corpus.where(split.mask(TRAIN, VALID, VALID_SEED, TEST_SEED))
        rows = np.arange(corpus.n_playlists, dtype=np.int64)
        return Query(
            offsets=seeds.offsets,
            tracks=seeds.tracks.astype(np.int64),
            playlists=np.where(history.lengths > 0, rows, -1),
            titles=corpus.titles(rows),
        )

    def query(
        self, *, playlist: str | int | None = None, tracks: Sequence[int] | None = None, title: str | None = None
    ) -> Query:
        """The query that :meth:`recommend` ranks for, ``tracks`` being rows."""
        if (playlist is None) == (tracks is None and title is None):
            raise ConfigError("recommend needs either a playlist or tracks, a title or both")
        if playlist is None:
            return Query.of([list(tracks or ())], titles=None if title is None else [title])
        return self.queries([playlist])

    def queries(self, playlists: Sequence[str | int]) -> Query:
        """The queries that :meth:`recommend` ranks for, of playlists of the data. Raises DataError for an unknown pid.

        A playlist that was hidden whole is ranked as it would be in the test: unseen, with its seeds.
        """
        rows = playlist_rows(self.data.corpus, playlists)
        known = self.history.lengths[rows] > 0
        seeds = [(self.history if k else self._shown).playlist(row).tolist() for row, k in zip(rows.tolist(), known)]
        return Query.of(seeds, np.where(known, rows, -1).tolist(), self.data.corpus.titles(rows))

    @cached_property
    def _shown(self) -> Corpus:
        """The seeds of playlists that were hidden whole for the test."""
        return self.data.corpus.where(self.data.split.mask(TEST_SEED))

    @cached_property
    def fitted_to(self) -> Arrays:
        """How many rows the data of the fit had, and what its playlists held."""
        return fitted_rows(self.data.corpus, self.data.split) if self.fitted is None else self.fitted

    def __repr__(self) -> str:
        valid = {} if not self.info.get("valid") else {k: v for k, v in self.info["valid"].items() if "@" in k}
        figures = ", ".join(f"{name} {value:.4f}" for name, value in valid.items())
        epochs = f", best epoch {self.info['best_epoch']}" if self.info.get("best_epoch") else ""
        lines = [
            f"Run: {self.model_type.name}{f' in {self.path}' if self.path else ''}{epochs}",
            f"  data: {self.data.name}",
            f"  {facts(self.data.corpus)}",
            *([f"  validation: {figures}"] if figures else []),
        ]
        return "\n".join(lines)


def pick_device(name: str) -> torch.device:
    """``auto`` is the GPU where torch sees one. Raises ConfigError for ``cuda`` where it sees none."""
    require(name in ("auto", "cpu", "cuda"), "device", "one of auto, cpu, cuda", name)
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device must be cpu or auto: torch sees no GPU here (see `playlistrec doctor`)")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
