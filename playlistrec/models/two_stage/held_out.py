"""Playlists held out from a first stage, as queries with any number of seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from scipy import sparse

from ...corpus.corpus import Corpus
from ...errors import DataError
from ..base import Query

__all__ = ["HeldOut", "hold_out", "ordered"]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """EvaluationSet and their answers.

    Attributes:
        query: the queries.
        truth: (n_queries, n_tracks) sparse and binary: the hidden tracks.
    """

    query: Query
    truth: sparse.csr_array[np.float32]

    def __len__(self) -> int:
        return len(self.query)


def hold_out(corpus: Corpus, share: float, most: int, seed: int = 0) -> tuple[Corpus, HeldOut]:
    """The corpus less a share of its playlists of two distinct tracks or more, and these as queries.

    As many seeds are shown as ``⌊(n + 1)^u⌋ - 1`` with u uniform in 0..1 and n the distinct tracks: none and all but
    one occur, and few about as often as many. They are the first ones, but random ones for every other playlist and
    where the order means nothing.

    Args:
        most: playlists held out at most.

    Raises DataError where no playlist could be held out.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    first, sizes = _first_entries(corpus)
    eligible = np.flatnonzero(sizes >= 2)
    if not len(eligible):
        raise DataError("there is no playlist of two distinct tracks or more that could be held out")
    n_hidden = min(most, max(1, round(share * len(eligible))))
    hidden = np.sort(eligible[random.random(len(eligible)).argsort(kind="stable")[:n_hidden]])
    is_hidden = np.isin(np.arange(corpus.n_playlists), hidden)
    entries = first[is_hidden[corpus.entry_playlist[first]]]
    size = sizes[hidden]
    row = np.repeat(np.arange(len(hidden)), size)
    in_order = ordered(corpus)[hidden] & (random.random(len(hidden)) < 0.5)
    shuffled = np.lexsort((random.random(len(entries)), row))
    entries = np.where(in_order[row], entries, entries[shuffled])
    shown = np.floor((size + 1) ** random.random(len(hidden))).astype(np.int64) - 1
    is_seed = np.arange(len(entries)) - np.repeat(np.cumsum(size) - size, size) < shown[row]
    query = Query(
        offsets=np.concatenate([[0], np.cumsum(shown)]).astype(np.int64),
        tracks=corpus.tracks[entries[is_seed]].astype(np.int64),
        playlists=np.full(len(hidden), -1, dtype=np.int64),
        titles=corpus.titles(hidden),
    )
    answers = row[~is_seed], corpus.tracks[entries[~is_seed]]
    ones = np.ones(len(answers[0]), dtype=np.float32)
    truth = sparse.csr_array((ones, answers), shape=(len(hidden), corpus.n_tracks))
    return corpus.where(~is_hidden[corpus.entry_playlist]), HeldOut(query, truth)


def ordered(corpus: Corpus) -> npt.NDArray[np.bool_]:
    """(n_playlists,) whether the order of a playlist's entries means something: as its source says, else yes."""
    if "ordered" not in corpus.playlists.column_names:
        return np.ones(corpus.n_playlists, dtype=bool)
    return np.asarray(pc.fill_null(corpus.playlists["ordered"], True), dtype=bool)


def _first_entries(corpus: Corpus) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first entry of each distinct pair, by playlist and place; and (n_playlists,) how many each playlist has."""
    keys = corpus.entry_playlist.astype(np.int64) * corpus.n_tracks + corpus.tracks
    first = np.sort(np.unique(keys, return_index=True)[1])
    return first, np.bincount(corpus.entry_playlist[first], minlength=corpus.n_playlists)
