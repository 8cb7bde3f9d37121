"""A run's answer to a challenge: the 500 tracks for every playlist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..corpus.split import Split
from ..errors import DataError, RunError
from ..events import Event, OnEvent, ignore
from ..experiment.data import Data
from ..experiment.runs import Run
from ..models.base import Query, Recommender
from ..rank.evaluation import BATCH_BYTES
from ..rank.recommend import candidate_scores, on, ranked
from ..serving.lookup.seeds import (
    ARTIST,
    NAME,
    UNKNOWN,
    URI,
    Seeds,
    resolve,
)
from .files import DATA, ChallengeSet, Incomplete, read_challenge

__all__ = ["N_TRACKS", "answer"]

N_TRACKS = 500
"""Tracks of an answer, in 2018 and since."""

SHOWN = 3
"""Unknown seeds that a warning lists."""

Lists = Mapping[str, list[str]]


def answer(run: Run, where: str | Path, *, device: str = "auto", on_event: OnEvent = ignore) -> dict[str, list[str]]:
    """The uris of 500 tracks for each playlist of a challenge set, by pid, best first; no seed among them.

    The model is as for the test part: refitted where the run was, and it knows the validation part. Playlists are
    ranked as unseen, with their titles. Tracks that it scores alike, or cannot rank, go by popularity. A seed that the
    data does not know is spoken for as :func:`~playlistrec.serving.lookup.seeds.resolve` says; a warning counts them.

    Raises:
        DataError: the challenge set cannot be read, or the data has too few tracks.
        RunError: beside the challenge set lies other data than the run's, which may have seen what was withheld; or
            the model gave a score that is not a number.
    """
    challenge = read_challenge(where)
    _check_unspoilt(run, Path(where))
    corpus = run.data.corpus
    known = run.data.split.ranking(corpus, "test")
    popularity = known.popularity
    entries = [track for playlist in challenge.playlists for track in playlist.tracks]
    seeds = resolve(
        corpus,
        popularity,
        [track.track_uri for track in entries],
        artist_uris=[track.artist_uri for track in entries],
        artist_names=[track.artist_name for track in entries],
        names=[track.track_name for track in entries],
    )
    _tell(challenge, seeds, on_event)
    queries = _Batch.of(challenge, seeds)
    _check_enough(queries, challenge, corpus.n_tracks)
    # The columns by falling popularity, so that the lower index, which wins a tie, is the more popular track.
    order = np.argsort(-popularity, kind="stable")
    model = run.recommender("test", device=device)
    uris = np.array(corpus.track_table["uri"].to_pylist(), dtype=object)
    size = max(1, BATCH_BYTES // (4 * corpus.n_tracks))
    answers: dict[str, list[str]] = {}
    n = len(challenge.playlists)
    for low in range(0, n, size):
        high = min(low + size, n)
        tracks = _best(model, queries.query.take(low, high), *queries.taken(low, high), order)
        for playlist, row in zip(challenge.playlists[low:high], tracks):
            answers[str(playlist.pid)] = uris[row].tolist()
        on_event(Event("progress", f"continuing playlists with {model.name}", {"done": high, "total": n}))
    return answers


@dataclass(frozen=True, eq=False)
class _Batch:
    """The query for all playlists, and what must not be answered: (n,) playlists, in order, and tracks."""

    query: Query
    rows: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int64]

    @classmethod
    def of(cls, challenge: ChallengeSet, seeds: Seeds) -> _Batch:
        n = len(challenge.playlists)
        owner = np.repeat(np.arange(n), [len(playlist.tracks) for playlist in challenge.playlists])
        found = seeds.rows >= 0
        counts = np.bincount(owner[found], minlength=n)
        titles = tuple(playlist.name or "" for playlist in challenge.playlists)
        query = Query(
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            tracks=seeds.rows[found],
            playlists=np.full(n, -1, dtype=np.int64),
            titles=titles if any(titles) else None,
        )
        at, tracks = seeds.taken()
        pairs = np.unique(np.stack([owner[at], tracks]), axis=1) if len(at) else np.zeros((2, 0), dtype=np.int64)
        return cls(query, pairs[0], pairs[1])

    def taken(self, low: int, high: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        start, stop = np.searchsorted(self.rows, [low, high])
        return self.rows[start:stop] - low, self.tracks[start:stop]


@torch.no_grad()
def _best(
    model: Recommender,
    query: Query,
    rows: npt.NDArray[np.int64],
    taken: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """(batch, 500) the best tracks that are not among those ``taken`` (n,) of the playlists ``rows`` (n,)."""
    # Tracks that cannot be ranked come after all that can, and ties are broken by popularity there as elsewhere.
    scores = candidate_scores(model, query, excluded=(rows, taken), rank_all=True).scores
    places = ranked(model, scores[:, on(scores, order)], N_TRACKS)[1]
    best: npt.NDArray[np.int64] = order[places.cpu().numpy()]
    return best


def _check_enough(queries: _Batch, challenge: ChallengeSet, n_tracks: int) -> None:
    taken = np.bincount(queries.rows, minlength=len(challenge.playlists))
    most = int(taken.argmax())
    if n_tracks - taken[most] < N_TRACKS:
        raise DataError(
            f"the data has {n_tracks:,} tracks: too few for {N_TRACKS} besides the {taken[most]} seeds of playlist "
            f"{challenge.playlists[most].pid}"
        )


def _check_unspoilt(run: Run, where: Path) -> None:
    """Raise RunError where the challenge's own training data is at hand and the run was fitted on other data."""
    if not (folder := where / DATA).is_dir():
        return
    same = run.data.split.fingerprint == Split.load(folder).fingerprint
    if not same or run.data.corpus.vocabulary_hash != Data.load(folder).manifest["vocabulary"]:
        raise RunError(
            f"{run.path or run.model_type.name} was fitted on {run.data.name}, not on {folder}: it may have seen what "
            f"was withheld. Fit it on {folder}"
        )


def _tell(challenge: ChallengeSet, seeds: Seeds, on_event: OnEvent) -> None:
    """Warn of the seeds that the training data does not hold."""
    new = np.flatnonzero(seeds.by != URI)
    if not len(new):
        return
    playlists: list[Incomplete] = [playlist for playlist in challenge.playlists for _ in playlist.tracks]
    entries = [track for playlist in challenge.playlists for track in playlist.tracks]
    some = list(dict.fromkeys(entries[i].track_uri for i in new))
    by = {what: int(np.count_nonzero(seeds.by == what)) for what in (NAME, ARTIST, UNKNOWN)}
    count = {
        "seeds": len(entries),
        "unseen": len(new),
        "playlists": len({str(playlists[i].pid) for i in new}),
        "by_name": by[NAME],
        "by_artist": by[ARTIST],
        "unknown": by[UNKNOWN],
    }
    text = (
        f"{len(new):,} of {len(entries):,} seeds, in {count['playlists']:,} of {len(challenge.playlists):,} playlists, "
        f"are not in the training data: {by[NAME]:,} are there under another uri, for {by[ARTIST]:,} the artist's most "
        f"popular track stands in, {by[UNKNOWN]:,} count for nothing; the first: {', '.join(some[:SHOWN])}"
        + (", …" if len(some) > SHOWN else "")
    )
    on_event(Event("warning", text, count))
