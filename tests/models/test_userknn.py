"""Playlist neighbours against loops over sets of tracks."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.neighbours import userknn
from playlistrec.models.neighbours.userknn import UserKNN, UserKNNConfig

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [19]], [-1, -1, 4, 2, -1])


def corpus() -> Corpus:
    """Zipf-like playlists with repeats; some are empty, and the last two tracks have no entry."""
    rng = np.random.default_rng(3)
    weights = 1 / np.arange(1, 29)
    drawn = [rng.choice(28, rng.integers(1, 12), p=weights / weights.sum()) for _ in range(40)]
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)])
    return whole.where(whole.entry_playlist > 0)


def naive(corpus: Corpus, seeds: set[int], known: int, config: UserKNNConfig) -> list[float]:
    held = [set(corpus.playlist(p).tolist()) for p in range(corpus.n_playlists)]
    mean = sum(map(len, held)) / len(held)

    def weight(track: int, length: int) -> float:
        df = sum(track in tracks for tracks in held)
        if config.weighting == "none":
            return 1.0
        if config.weighting == "tfidf":
            return math.log(1 + len(held) / max(df, 1))
        idf = math.log(1 + (len(held) - df + 0.5) / (df + 0.5))
        return idf * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / mean))

    def size(tracks: set[int]) -> float:
        return math.sqrt(sum(weight(t, len(tracks)) ** 2 for t in tracks))

    similar = []
    for p, tracks in enumerate(held):
        shared = sum(weight(t, len(seeds)) * weight(t, len(tracks)) for t in seeds & tracks)
        value = shared / (size(seeds) * size(tracks) + config.shrink) if shared and p != known else 0.0
        similar.append((-np.float32(value), p))
    nearest = sorted(similar)[: config.neighbours]
    return [sum(float(-value) for value, p in nearest if t in held[p]) for t in range(corpus.n_tracks)]


@pytest.mark.parametrize("weighting", ["none", "tfidf", "bm25"])
@pytest.mark.parametrize("shrink", [0.0, 2.5])
@pytest.mark.parametrize("neighbours", [None, 1, 5])
@pytest.mark.parametrize("chunk", [2, 256])
def test_is_the_naive_loop(neighbours: int | None, shrink: float, weighting: str, chunk: int) -> None:
    config = UserKNNConfig.from_options({"neighbours": neighbours, "shrink": shrink, "weighting": weighting})
    model = UserKNN.from_corpus(corpus(), config)
    with patch.object(userknn, "CHUNK", chunk):
        scores = model.score(QUERY)
    assert scores.dtype == torch.float32
    for row, known in enumerate(QUERY.playlists.tolist()):
        wanted = naive(corpus(), set(QUERY.seeds(row).tolist()), known, config)
        assert scores[row].tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_known_playlist_is_not_its_own_neighbour() -> None:
    model = UserKNN.from_corpus(corpus(), UserKNNConfig(neighbours=1))
    seeds = corpus().playlist(5).tolist()
    assert model.score(Query.of([seeds])).count_nonzero() == len(set(seeds)), "an unseen one has its twin beside it"
    own = model.score(Query.of([seeds], [5]))[0]
    others = corpus().where(corpus().entry_playlist != 5)
    assert torch.equal(own, UserKNN.from_corpus(others, UserKNNConfig(neighbours=1)).score(Query.of([seeds]))[0])


@pytest.mark.parametrize("weighting", ["none", "bm25"])
def test_arrays_are_the_training_matrix(weighting: str) -> None:
    config = UserKNNConfig.from_options({"weighting": weighting})
    model = UserKNN.from_corpus(corpus(), config)
    more = corpus().where(np.zeros(corpus().n_entries, dtype=bool))  # what is known when ranking does not matter
    loaded = UserKNN.from_state(more, config, model.state())
    assert (loaded.pairs != corpus().matrix).nnz == 0
    assert torch.equal(loaded.score(QUERY), model.score(QUERY))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"neighbours": 0}, "neighbours must"),
        ({"shrink": -1.0}, "shrink must"),
        ({"weighting": "idf"}, "weighting must be one of none, tfidf, bm25"),
    ],
)
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        UserKNNConfig.from_options(options)
