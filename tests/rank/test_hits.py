"""Hits of a ranking against a loop over ranks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fixed import Fixed

from playlistrec.corpus.split import EvaluationSet
from playlistrec.errors import RunError
from playlistrec.rank.evaluation import scored_batches
from playlistrec.rank.hits import RankedHits, hidden_among

N_TRACKS = 12


@pytest.mark.parametrize("depth", [1, 5, N_TRACKS, 30])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_hits_and_ranks_are_those_of_a_loop(depth: int, batch_size: int) -> None:
    rng = np.random.default_rng(depth)
    seeds = [rng.choice(N_TRACKS, rng.integers(0, 4), replace=False) for _ in range(8)]
    truth = [rng.permutation(np.setdiff1d(np.arange(N_TRACKS), s))[: rng.integers(1, 6)] for s in seeds]
    offsets = [np.cumsum([0, *map(len, lists)]) for lists in (seeds, truth)]
    whole = EvaluationSet(
        np.arange(8),
        True,
        offsets[0],
        np.concatenate(seeds).astype(np.int32),
        offsets[1],
        np.concatenate(truth),
        0,
    )
    scores = torch.from_numpy(rng.permutation(8 * N_TRACKS).reshape(8, N_TRACKS)).float()

    class Rows(Fixed):
        def score(self, query):
            return self.scores[torch.from_numpy(low + np.arange(len(query)))].clone()

    model, low, ranks = Rows(scores), 0, []
    for batch in scored_batches(model, whole, batch_size, lambda event: None):
        found = RankedHits.of(model, batch, depth)
        for row, tracks in enumerate(found.tracks.tolist()):
            own = set(truth[low + row].tolist())
            left = [t for t in scores[low + row].argsort(descending=True).tolist() if t not in seeds[low + row]]
            assert tracks == (left + [-1] * depth)[:depth]
            assert found.hits[row].tolist() == [t in own for t in tracks]
            ranks += [tracks.index(t) + 1 if t in tracks else 0 for t in truth[low + row].tolist()]
        assert found.n_hidden.tolist() == [len(t) for t in truth[low : low + len(found.tracks)]]
        assert found.ranks().tolist() == ranks[-len(found.truth) :]
        low += len(found.tracks)
    assert low == 8


def test_no_track_is_no_hit() -> None:
    """-1 in the second row would have the key of the last track of the first."""
    assert hidden_among(torch.tensor([[0], [-1]]), np.array([3]), 4).tolist() == [[False], [False]]


def test_a_score_that_is_no_number_is_an_error() -> None:
    one = np.array([0, 1])
    whole = EvaluationSet(np.array([0]), True, one, np.array([1], np.int32), one, np.array([0]), 0)
    model = Fixed(torch.tensor([[float("nan"), 0.0, 1.0]]))
    (batch,) = scored_batches(model, whole, None, lambda event: None)
    with pytest.raises(RunError, match="a score that is not a number"):
        RankedHits.of(model, batch, 2)
