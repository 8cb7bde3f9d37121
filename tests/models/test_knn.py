"""Item neighbours against loops over sets of playlists."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models import knn
from playlistrec.models.base import Query
from playlistrec.models.knn import ItemKNN, ItemKNNConfig

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [19]], [0, -1, 4, -1, -1])


def corpus() -> Corpus:
    """Zipf-like playlists with repeats; the last two tracks have no entry."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 29)
    drawn = [rng.choice(28, rng.integers(1, 12), p=weights / weights.sum()) for _ in range(60)]
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)])
    return whole.where(whole.entry_playlist > 0)


def naive(corpus: Corpus, seeds: list[int], neighbours: int | None, shrink: float, unit: bool = False) -> list[float]:
    holders = [set(corpus.entry_playlist[corpus.tracks == t].tolist()) for t in range(corpus.n_tracks)]

    def weight(playlists: set[int]) -> float:
        return sum(1 / len(set(corpus.playlist(p).tolist())) if unit else 1 for p in playlists)

    def similarity(s: int, t: int) -> float:
        shared = weight(holders[s] & holders[t]) if s != t else 0
        return shared / (math.sqrt(weight(holders[s]) * weight(holders[t])) + shrink) if shared else 0.0

    scores = []
    for t in range(corpus.n_tracks):
        voters = sorted((-np.float32(similarity(s, t)), s) for s in range(corpus.n_tracks))[:neighbours]
        scores.append(sum(float(-value) for value, s in voters if s in seeds))
    return scores


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("shrink", [0.0, 2.5])
@pytest.mark.parametrize("neighbours", [None, 1, 3, 100])
@pytest.mark.parametrize("chunk", [1, 150, 10**6])
def test_is_the_naive_loop(neighbours: int | None, shrink: float, chunk: int, unit: bool) -> None:
    config = ItemKNNConfig(neighbours=neighbours, shrink=shrink, unit_playlists=unit)
    with patch.object(knn, "CHUNK_PAIRS", chunk):
        model = ItemKNN.from_corpus(corpus(), config)
    scores = model.score(QUERY)
    assert scores.dtype == torch.float32
    for row in range(len(QUERY)):
        seeds = QUERY.seeds(row).tolist()
        assert scores[row].tolist() == pytest.approx(naive(corpus(), seeds, neighbours, shrink, unit), abs=1e-5)


def test_at_most_so_many_votes() -> None:
    model = ItemKNN.from_corpus(corpus(), ItemKNNConfig(neighbours=3))
    votes = model.votes.toarray()
    assert (np.count_nonzero(votes, axis=0) <= 3).all()
    assert (np.diag(votes) == 0).all()


@pytest.mark.parametrize("neighbours", [None, 4])
def test_batch_is_single_and_all_is_finite(neighbours: int | None) -> None:
    model = ItemKNN.from_corpus(corpus(), ItemKNNConfig(neighbours=neighbours))
    together = model.score(QUERY)
    assert together.isfinite().all()
    assert (together[1] == 0).all(), "nobody votes for an empty playlist"
    assert (together[:, 28:] == 0).all(), "nor for tracks that no playlist holds"
    for row in range(len(QUERY)):
        assert torch.equal(model.score(QUERY.take(row, row + 1))[0], together[row])


@pytest.mark.parametrize("neighbours", [None, 4])
def test_arrays_round_trip(neighbours: int | None, tmp_path) -> None:
    config = ItemKNNConfig(neighbours=neighbours, shrink=1.0)
    model = ItemKNN.from_corpus(corpus(), config)
    np.savez(tmp_path / "model.npz", **model.arrays())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        loaded = ItemKNN.from_arrays(corpus(), config, dict(arrays))
    assert loaded.config == config
    assert torch.equal(loaded.score(QUERY), model.score(QUERY))


def test_too_many_similarities_are_refused() -> None:
    with patch.object(knn, "MOST_PAIRS", 50), pytest.raises(ConfigError, match="neighbours must be a smaller number"):
        ItemKNN.from_corpus(corpus(), ItemKNNConfig())


@pytest.mark.parametrize(
    ("options", "words"), [({"neighbours": 0}, "neighbours must"), ({"shrink": -1.0}, "shrink must")]
)
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ItemKNNConfig(**options)


def test_config_reads_text() -> None:
    assert ItemKNNConfig.from_options({"neighbours": "50"}) == ItemKNNConfig(neighbours=50)
    assert ItemKNNConfig.from_options({"neighbours": "none"}) == ItemKNNConfig()
