"""Features of a pair (playlist, track) besides the scores of models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse
from typing_extensions import Self

from ...corpus.corpus import Corpus, Ints
from ...corpus.titles import normalised
from ..base import Arrays, Query
from ..factorization.context import last_tracks
from ..linear.side import albums
from ..state_schema import Csr, Field, schema
from .held_out import ordered

__all__ = ["PairFeatures"]

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Features of pairs (query, track), from the query's seeds and title and a training corpus.

    - ``artist_share``, ``album_share``: share of the distinct seeds that are by the track's artist, of its album;
    - ``last_artist``, ``last_album``: whether the last seed is;
    - ``last_cosine``: ``n_lt / √(n_l n_t)`` of the track and the last seed, n counting training playlists;
    - ``popularity``, ``artist_popularity``: log share of the training playlists that hold the track, the artist;
    - ``position``: mean relative place (0 first, 1 last) of the track where playlists are ordered, NaN without any;
    - ``title_share``, ``title_playlists``: share of the other training playlists of the same normalised title that hold
      the track, and the logarithm of one plus their number;
    - ``n_seeds``, ``seed_artists``, ``seed_popularity``: of the query alone: distinct seeds, their artists for each
      seed, their mean ``popularity``.

    A share of nothing is 0. The features are those that did well in the 2018 challenge (Volkovs et al. 2018, "Two-stage
    model for automatic playlist continuation at scale", section 3.2), as far as our data have them.

    Attributes:
        pairs: (n_playlists, n_tracks) sparse and binary, the training corpus.
        position: (n_tracks,) float32.
        titles: (n_titles,) the normalised titles of the training playlists, sorted.
        title_of: (n_playlists,) int32 which is whose, -1 for none.
        artist, album: (n_tracks,) int32 a number for each track's, -1 where unknown.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "c"]], {"a": "x", "b": "x", "c": "y"})
    >>> features = PairFeatures.of(corpus)(Query.of([[0]]), np.array([0, 0]), np.array([1, 2]))
    >>> features[:, PairFeatures.NAMES.index("artist_share")].tolist()
    [1.0, 0.0]
    """

    NAMES = (
        "artist_share",
        "album_share",
        "last_artist",
        "last_album",
        "last_cosine",
        "popularity",
        "artist_popularity",
        "position",
        "title_share",
        "title_playlists",
        "n_seeds",
        "seed_artists",
        "seed_popularity",
    )

    pairs: sparse.csr_array[np.float32]
    position: Floats
    titles: npt.NDArray[np.character]
    title_of: npt.NDArray[np.int32]
    artist: npt.NDArray[np.int32]
    album: npt.NDArray[np.int32]

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Counts of the training ``corpus``."""
        names = corpus.titles(np.flatnonzero(corpus.lengths))
        title_of = np.full(corpus.n_playlists, -1, dtype=np.int32)
        titles, numbers = np.unique(normalised(names or ()), return_inverse=True)
        if names is not None:
            title_of[corpus.lengths > 0] = np.where(titles[numbers] != "", numbers, -1)
        return cls(
            corpus.matrix, _positions(corpus), titles.astype(np.str_), title_of, corpus.track_artist, albums(corpus)
        )

    def __call__(self, query: Query, rows: Ids, tracks: Ids) -> Floats:
        """(n_pairs, len(NAMES)) the features of query ``rows[i]`` with track ``tracks[i]``."""
        distinct = query.matrix(self.pairs.shape[1])
        n_seeds = np.diff(distinct.indptr)
        share = 1 / np.maximum(n_seeds, 1, dtype=np.float32)
        by_artist, by_album = (sparse.csr_array(distinct @ group) for group in (self._of_artist, self._of_album))
        last = np.append(np.arange(self.pairs.shape[1]), -1)[last_tracks(query, self.pairs.shape[1])]
        columns = [
            _at(by_artist, rows, self.artist[tracks]) * share[rows],
            _at(by_album, rows, self.album[tracks]) * share[rows],
            _same(self.artist, last[rows], tracks),
            _same(self.album, last[rows], tracks),
            self._last_cosine(last, rows, tracks),
            self._popularity[tracks],
            self._artist_popularity[tracks],
            self.position[tracks],
            *self._title(query, rows, tracks),
            n_seeds[rows],
            (np.diff(by_artist.indptr) * share)[rows],
            ((distinct @ self._popularity) * share)[rows],
        ]
        return np.stack(columns, axis=1, dtype=np.float32, casting="same_kind")

    def _last_cosine(self, last: Ids, rows: Ids, tracks: Ids) -> Floats:
        some = np.flatnonzero(last >= 0)
        shape = len(last), self.pairs.shape[1]
        seeds = sparse.csr_array((np.ones(len(some), np.float32), (some, last[some])), shape=shape)
        held = np.maximum(self._counts[last[rows]] * self._counts[tracks], 1)
        cosine: Floats = _at(sparse.csr_array(seeds @ self._holders @ self.pairs), rows, tracks) / np.sqrt(held)
        return cosine

    def _title(self, query: Query, rows: Ids, tracks: Ids) -> tuple[Floats, Floats]:
        titles = normalised(query.titles or [""] * len(query))
        found = np.searchsorted(self.titles, titles) if len(self.titles) else np.zeros(len(titles), dtype=np.int64)
        known = [title != "" and i < len(self.titles) and self.titles[i] == title for i, title in zip(found, titles)]
        number = np.where(known, found, -1)
        some = np.flatnonzero(number >= 0)
        chosen = sparse.csr_array(
            (np.ones(len(some), np.float32), (some, number[some])), shape=(len(titles), max(1, len(self.titles)))
        )
        of_title = sparse.csr_array(chosen @ self._of_title)
        itself = (query.playlists >= 0) & (number >= 0) & (self.title_of[query.playlists] == number)
        n_playlists = (np.diff(of_title.indptr) - itself).astype(np.float32)  # of its own it holds only the seeds
        held = _at(sparse.csr_array(of_title @ self.pairs), rows, tracks)
        return held / np.maximum(n_playlists[rows], 1), np.log1p(n_playlists)[rows]

    @cached_property
    def _counts(self) -> Floats:
        """(n_tracks,) how many training playlists hold each."""
        return np.bincount(self.pairs.indices, minlength=self.pairs.shape[1]).astype(np.float32)

    @cached_property
    def _popularity(self) -> Floats:
        return self._log_share(self._counts)

    @cached_property
    def _artist_popularity(self) -> Floats:
        """As ``_popularity``, of the track's artist; of the track itself where that is unknown."""
        held = sparse.csr_array(self.pairs @ self._of_artist)
        counts = np.bincount(held.indices, minlength=held.shape[1])
        return self._log_share(np.where(self.artist >= 0, counts[self.artist], self._counts))

    def _log_share(self, counts: npt.NDArray[Any]) -> Floats:
        n = np.count_nonzero(np.diff(self.pairs.indptr))
        return np.log((counts + 1) / (n + 1)).astype(np.float32)

    @cached_property
    def _of_artist(self) -> sparse.csr_array[np.float32]:
        return _members(self.artist)

    @cached_property
    def _of_album(self) -> sparse.csr_array[np.float32]:
        return _members(self.album)

    @cached_property
    def _holders(self) -> sparse.csr_array[np.float32]:
        return sparse.csr_array(self.pairs.T)

    @cached_property
    def _of_title(self) -> sparse.csr_array[np.float32]:
        """(n_titles, n_playlists) which playlists have which title."""
        some = np.flatnonzero(self.title_of >= 0)
        shape = max(1, len(self.titles)), len(self.title_of)
        return sparse.csr_array((np.ones(len(some), np.float32), (self.title_of[some], some)), shape=shape)

    state_schema: ClassVar = schema(
        pairs=Csr("playlists", "tracks"),
        position=Field("f", ("tracks",), nan=True),
        titles=Field("U", ("titles",)),
        title_of=Field("i", ("playlists",), low=-1, below="titles"),
    )

    def state(self) -> Arrays:
        """The learned arrays; artists and albums are the corpus'."""
        return {
            "indptr": self.pairs.indptr,
            "indices": self.pairs.indices,
            "position": self.position,
            "titles": self.titles,
            "title_of": self.title_of,
        }

    @classmethod
    def from_state(cls, corpus: Corpus, arrays: Arrays) -> Self:
        """The features that :meth:`arrays` came from."""
        ones = np.ones(len(arrays["indices"]), dtype=np.float32)
        parts: Any = (ones, arrays["indices"], arrays["indptr"])
        pairs = sparse.csr_array(parts, shape=(len(arrays["indptr"]) - 1, corpus.n_tracks))
        return cls(
            pairs,
            arrays["position"].astype(np.float32),
            arrays["titles"].astype(np.str_),
            arrays["title_of"].astype(np.int32),
            corpus.track_artist,
            albums(corpus),
        )


def _positions(corpus: Corpus) -> Floats:
    """(n_tracks,) the mean relative place of each track's entries in playlists whose order means something."""
    place = np.arange(corpus.n_entries) - corpus.offsets[corpus.entry_playlist]
    lengths = corpus.lengths[corpus.entry_playlist]
    counted = (lengths > 1) & ordered(corpus)[corpus.entry_playlist]
    tracks = corpus.tracks[counted]
    sums = np.bincount(tracks, place[counted] / (lengths[counted] - 1), minlength=corpus.n_tracks)
    counts = np.bincount(tracks, minlength=corpus.n_tracks)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _members(group: npt.NDArray[np.int32]) -> sparse.csr_array[np.float32]:
    """(n_tracks, n_groups) binary: which track is in which group."""
    known = np.flatnonzero(group >= 0)
    parts = np.ones(len(known), np.float32), (known, group[known])
    return sparse.csr_array(parts, shape=(len(group), int(group.max(initial=0)) + 1))


def _same(group: npt.NDArray[np.int32], last: Ids, tracks: Ids) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = (last >= 0) & (group[tracks] >= 0) & (group[last] == group[tracks])
    return same


def _at(matrix: sparse.csr_array[np.float32], rows: Ids, columns: Ints) -> Floats:
    """The values at some places, 0 where the column is -1. Dense on the way, which is far quicker than a search."""
    return np.where(columns >= 0, matrix.toarray()[rows, columns], np.float32(0))
