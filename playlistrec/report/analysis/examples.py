"""Example playlists: their seeds, their hidden tracks, and the recommendations of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...corpus.corpus import Corpus, Ints
from ...corpus.split import EvaluationSet
from ...errors import DataError
from ...models.base import Query, Recommender
from ...rank.recommend import recommend

__all__ = ["Example", "examples", "pick", "recommended"]

SHOWN = 4
LISTED = 10
"""Recommendations shown for each playlist."""

SEEDS = (5, 100)
"""Seeds of the playlists to choose from, if there are such: enough to show a taste."""


@dataclass(frozen=True)
class Example:
    """The seeds and the truth of one playlist."""

    pid: str
    title: str
    seeds: Ints
    truth: Ints


def pick(evaluation_set: EvaluationSet, corpus: Corpus, pids: Sequence[str] = (), *, seed: int = 0) -> Ints:
    """Choose the queries to show: the playlists of these pids, or a few at random from those with a title.

    Raises DataError for a pid that is not in the data, or has nothing hidden in the part.
    """
    if pids:
        place = {row: at for at, row in enumerate(evaluation_set.playlists.tolist())}
        rows = [corpus.playlist_index(pid) for pid in pids]
        for pid, row in zip(pids, rows):
            if row not in place:
                raise DataError(f"nothing of playlist {pid} was hidden in this part: there is nothing to show")
        return np.array([place[row] for row in rows])
    sizes = np.diff(evaluation_set.seed_offsets)
    titled = np.array([bool(title.strip()) for title in evaluation_set.titles or [""] * len(evaluation_set)])
    usual = (sizes >= SEEDS[0]) & (sizes <= SEEDS[1]) & (np.diff(evaluation_set.truth_offsets) > 1)
    able = next(np.flatnonzero(mask) for mask in (usual & titled, usual, sizes >= 0) if mask.any())
    return np.sort(np.random.default_rng(seed).choice(able, min(SHOWN, len(able)), replace=False))


def examples(evaluation_set: EvaluationSet, corpus: Corpus, chosen: Ints) -> list[Example]:
    """The chosen queries."""
    pids = corpus.playlists["pid"].take(evaluation_set.playlists[chosen]).to_pylist()
    return [
        Example(
            pid,
            (evaluation_set.titles[at] if evaluation_set.titles else "").strip(),
            evaluation_set.seeds[evaluation_set.seed_offsets[at] : evaluation_set.seed_offsets[at + 1]],
            evaluation_set.truth[evaluation_set.truth_offsets[at] : evaluation_set.truth_offsets[at + 1]],
        )
        for at, pid in zip(chosen.tolist(), pids)
    ]


def recommended(model: Recommender, evaluation_set: EvaluationSet, corpus: Corpus, chosen: Ints) -> Ints:
    """(n, 10) the tracks a model recommends for the chosen queries, -1 where it has no more."""
    shown = examples(evaluation_set, corpus, chosen)
    rows = [
        int(row) if evaluation_set.known and len(e.seeds) else -1
        for row, e in zip(evaluation_set.playlists[chosen], shown)
    ]
    query = Query.of([e.seeds.tolist() for e in shown], rows, [e.title for e in shown])
    return recommend(model, query, LISTED)[0]
