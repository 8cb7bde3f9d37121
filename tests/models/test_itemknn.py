"""Item neighbours against loops over sets of playlists."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.neighbours import itemknn
from playlistrec.models.neighbours.itemknn import ItemKNN, ItemKNNConfig

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [19]], [0, -1, 4, -1, -1])


def corpus() -> Corpus:
    """Zipf-like playlists with repeats; the last two tracks have no entry."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 29)
    drawn = [rng.choice(28, rng.integers(1, 12), p=weights / weights.sum()) for _ in range(60)]
    artists = {f"t{i}": f"a{i % 5}" for i in range(27)}
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)], artists)
    return whole.where(whole.entry_playlist > 0)


def naive(corpus: Corpus, seeds: list[int], config: ItemKNNConfig) -> list[float]:
    held = [set(corpus.playlist(p).tolist()) for p in range(corpus.n_playlists)]
    degree = [sum(t in tracks for tracks in held) for t in range(corpus.n_tracks)]
    mean = sum(degree) / corpus.n_tracks

    def entry(t: int, p: int) -> float:
        if t not in held[p]:
            return 0.0
        value = 1.0
        if config.weighting == "tfidf":
            value = math.log(1 + corpus.n_tracks / len(held[p]))
        elif config.weighting == "bm25":
            idf = math.log(1 + (corpus.n_tracks - len(held[p]) + 0.5) / (len(held[p]) + 0.5))
            value = idf * 2.2 / (1 + 1.2 * (0.25 + 0.75 * degree[t] / mean))
        return value

    rows = [[entry(t, p) for t in range(corpus.n_tracks)] for p in range(corpus.n_playlists)]
    if config.unit_playlists:
        rows = [[v / (math.sqrt(sum(w * w for w in row)) or 1) for v in row] for row in rows]
    gram = np.array(rows).T @ np.array(rows)

    def similarity(s: int, t: int) -> float:
        below = gram[s, s] ** config.alpha * gram[t, t] ** (1 - config.alpha) + config.shrink
        content = config.artist_weight * (-1 != corpus.track_artist[s] == corpus.track_artist[t])
        return (gram[s, t] / below if gram[s, t] else 0.0) + content if s != t else 0.0

    scores = []
    for t in range(corpus.n_tracks):
        voters = sorted((-np.float32(similarity(s, t)), s) for s in range(corpus.n_tracks))[: config.neighbours]
        scores.append(sum(float(-value) for value, s in voters if s in seeds))
    return scores


def check(options: dict) -> None:
    config = ItemKNNConfig.from_options(options)
    scores = ItemKNN.from_corpus(corpus(), config).score(QUERY)
    assert scores.dtype == torch.float32
    for row in range(len(QUERY)):
        wanted = naive(corpus(), QUERY.seeds(row).tolist(), config)
        assert scores[row].tolist() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("at_neighbours", range(4))
@pytest.mark.parametrize("at_chunk", range(3))
def test_is_the_naive_loop(at_neighbours: int, at_chunk: int) -> None:
    """Any two values of any two options meet in one of the 12 cases."""
    neighbours, chunk = [None, 1, 3, 100][at_neighbours], [1, 150, 10**6][at_chunk]
    shrink, unit = [0.0, 2.5][(at_neighbours + at_chunk) % 2], bool((at_neighbours // 2 + at_chunk) % 2)
    with patch.object(itemknn, "CHUNK_PAIRS", chunk):
        check({"neighbours": neighbours, "shrink": shrink, "unit_playlists": unit})


@pytest.mark.parametrize("neighbours", [None, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.2},
        {"alpha": 1.0, "shrink": 1.0},
        {"weighting": "tfidf", "unit_playlists": True},
        {"weighting": "bm25"},
        {"artist_weight": 2.0},
        {"artist_weight": 0.3, "weighting": "bm25", "alpha": 0.4, "unit_playlists": True},
    ],
)
def test_weighting_asymmetry_and_artists(neighbours: int | None, options: dict) -> None:
    check({"neighbours": neighbours, **options})


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
    np.savez(tmp_path / "model.npz", **model.state())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        loaded = ItemKNN.from_state(corpus(), config, dict(arrays))
    assert loaded.config == config
    assert torch.equal(loaded.score(QUERY), model.score(QUERY))


def test_too_many_similarities_are_refused() -> None:
    with patch.object(itemknn, "MOST_PAIRS", 50), pytest.raises(ConfigError, match="neighbours must be a smaller"):
        ItemKNN.from_corpus(corpus(), ItemKNNConfig())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"neighbours": 0}, "neighbours must"),
        ({"shrink": -1.0}, "shrink must"),
        ({"alpha": 1.5}, "alpha must"),
        ({"artist_weight": -1.0}, "artist_weight must"),
    ],
)
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ItemKNNConfig(**options)


def test_config_reads_text() -> None:
    assert ItemKNNConfig.from_options({"neighbours": "50"}) == ItemKNNConfig(neighbours=50)
    assert ItemKNNConfig.from_options({"neighbours": "none"}) == ItemKNNConfig()
