"""The base of every recommender, and the query that it scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self, TypeVar

from ..config import Config
from ..corpus.corpus import Corpus
from ..corpus.growth import Growth
from ..errors import ConfigError
from .score_vectors import ScoreVectors
from .state_schema import Csr, Field, check_arrays

__all__ = ["Query", "Recommender", "ScoreVectors"]

Arrays = dict[str, npt.NDArray[np.generic]]
ConfigT = TypeVar("ConfigT", bound=Config, default=Any)


@dataclass(frozen=True, eq=False)
class Query:
    """A batch of queries: for each playlist its seed tracks in order, and who it is when that is known.

    Attributes:
        offsets: (batch + 1,) int64; query ``b`` has the seeds ``tracks[offsets[b]:offsets[b + 1]]``.
        tracks: (n_seeds,) int64 seed tracks, in playlist order, duplicates kept.
        playlists: (batch,) int64 playlist of each query, -1 for one the model has never seen.
        titles: (batch,) what the playlists are called, empty where one has no title; none where none is known.
        contexts: (batch,) codes of the contexts in which is asked, where any is known
            (:mod:`playlistrec.corpus.contexts`).
    """

    offsets: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int64]
    playlists: npt.NDArray[np.int64]
    titles: tuple[str, ...] | None = None
    contexts: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        seeds: Sequence[Sequence[int]],
        playlists: Sequence[int] | None = None,
        titles: Sequence[str] | None = None,
        contexts: Mapping[str, int] | None = None,
    ) -> Query:
        """A query from lists of seed tracks; ``contexts`` hold for all of them.

        >>> Query.of([[4, 2], []]).offsets.tolist()
        [0, 2, 2]
        """
        lengths = [len(tracks) for tracks in seeds]
        return cls(
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            tracks=np.array([track for tracks in seeds for track in tracks], dtype=np.int64),
            playlists=np.full(len(seeds), -1, np.int64) if playlists is None else np.array(playlists, np.int64),
            titles=None if titles is None else tuple(titles),
            contexts={name: np.full(len(seeds), code) for name, code in (contexts or {}).items()},
        )

    def __len__(self) -> int:
        return len(self.playlists)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """(n_seeds,) the query each seed belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    def seeds(self, row: int) -> npt.NDArray[np.int64]:
        """The seeds of one query, in order."""
        return self.tracks[self.offsets[row] : self.offsets[row + 1]]

    def matrix(self, n_tracks: int) -> sparse.csr_array[np.float32]:
        """(batch, n_tracks) binary matrix of the seeds, a repeated seed once."""
        keys = np.sort(self.rows * n_tracks + self.tracks)  # np.unique hashes, which is far slower for many
        keys = keys[np.diff(keys, prepend=-1) > 0]
        ones = np.ones(len(keys), dtype=np.float32)
        return sparse.csr_array((ones, (keys // n_tracks, keys % n_tracks)), shape=(len(self), n_tracks))

    def take(self, start: int, stop: int) -> Query:
        """EvaluationSet ``start`` to ``stop`` (exclusive)."""
        low, high = self.offsets[start], self.offsets[min(stop, len(self))]
        return Query(
            offsets=self.offsets[start : stop + 1] - low,
            tracks=self.tracks[low:high],
            playlists=self.playlists[start:stop],
            titles=self.titles[start:stop] if self.titles is not None else None,
            contexts={name: codes[start:stop] for name, codes in self.contexts.items()},
        )


class Recommender(ABC, Generic[ConfigT]):
    """Anything that scores all tracks for a batch of playlists.

    Everything that ranks, evaluates, serves or exports sees only :meth:`score`, and asks for capabilities, the class
    attributes below, never for classes. Closed-form models are built by :meth:`from_corpus`; gradient models
    (``trainable``) by the same call, untrained, and then by ``fit``. The corpus they are given holds only what may be
    learned from.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    papers: ClassVar[tuple[str, ...]] = ()
    config_class: ClassVar[type[Config]] = Config
    trainable: ClassVar[bool] = False
    """True if gradient training follows :meth:`from_corpus`."""
    personalised: ClassVar[bool] = True
    """True if different seeds get different tracks."""
    has_vectors: ClassVar[bool] = False
    """True if :meth:`score_vectors` gives what the model scores with."""
    made_of_runs: ClassVar[bool] = False
    """True if the model is made of others, which its config names as ``runs`` or ``parts``."""

    state_schema: ClassVar[Mapping[str, Field | Csr]] = {}
    """The schema of the arrays of :meth:`state`: see :mod:`playlistrec.models.state_schema`."""

    config: ConfigT
    n_tracks: int

    @classmethod
    @abstractmethod
    def from_corpus(cls, corpus: Corpus, config: ConfigT, *, seed: int = 0) -> Self:
        """Build the model from the training corpus."""

    @abstractmethod
    def score(self, query: Query) -> Tensor:
        """(batch, n_tracks) float32 scores, higher is better, ``-inf`` where the model cannot rank.

        A playlist that the model knows (``query.playlists >= 0``) is scored as itself, any other is folded in
        from its seeds. Seeds are scored like other tracks; whoever ranks masks them.
        """

    def cold(self, query: Query) -> npt.NDArray[np.bool_]:
        """(batch,) of which queries the model knows nothing: no playlist, no seed and no title that means anything.

        There is nothing better than the most popular tracks for them.
        """
        cold: npt.NDArray[np.bool_] = (np.diff(query.offsets) == 0) & (query.playlists < 0)
        return cold

    @abstractmethod
    def state(self) -> Arrays:
        """Everything learned, as named arrays: what a run folder keeps."""

    @classmethod
    @abstractmethod
    def from_state(cls, corpus: Corpus, config: ConfigT, state: Arrays) -> Self:
        """The model that :meth:`state` came from.

        ``corpus`` holds what is known at ranking time: models that propagate over a graph propagate over its
        entries, which may be more than they were fitted on (training and validation when the test set is read).
        """

    @classmethod
    def updated(cls, corpus: Corpus, config: ConfigT, state: Arrays, growth: Growth, *, seed: int = 0) -> Arrays:
        """The state over the rows of a corpus that has grown since ``state`` was learned, without a fit by gradient.

        By default all is counted anew. Raises ConfigError where the model cannot be updated.
        """
        if cls.made_of_runs:
            raise ConfigError(f"{cls.name} is made of runs: update those, and then fit it to them")
        return cls.from_corpus(corpus, config, seed=seed).state()

    @classmethod
    def check_state(cls, corpus: Corpus, config: ConfigT, state: Arrays) -> None:
        """Raise RunError where ``state``, which may be another's, is not what a model of this corpus learns.

        Each array is held to :attr:`state_schema` before anything computes with it.
        """
        sizes = {"tracks": corpus.n_tracks, "playlists": corpus.n_playlists}
        check_arrays(cls.state_schema, state, sizes)

    def score_vectors(self, query: Query | None = None) -> ScoreVectors:
        """The vectors of some queries, or of all known playlists, and of all tracks, by which the model scores.

        For models that ``has_vectors``.
        """
        raise NotImplementedError(f"{self.name} has no vectors")

    def to(self, device: torch.device) -> Self:
        """Move to a device; models without device state stay where they are."""
        return self
