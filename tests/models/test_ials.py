"""Implicit ALS: its half-step against the formula, its fixed point against the loss, and its manners."""

from __future__ import annotations

import sys
import warnings
from unittest.mock import patch

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.factorization import ridge
from playlistrec.models.factorization.ials import IALS, IALSConfig

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [29]], [0, -1, 4, -1, -1])
CONFIG = IALSConfig(dim=6, alpha=4.0, l2=2.0)


def corpus() -> Corpus:
    rng = np.random.default_rng(0)
    drawn = [rng.choice(28, rng.integers(1, 12)) for _ in range(40)]
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)])
    return whole.where(whole.entry_playlist > 0)


def solved(vectors: np.ndarray, held: np.ndarray, config: IALSConfig) -> np.ndarray:
    """Hu, Koren & Volinsky 2008, eq. 4: the vector of one row that holds the columns ``held`` (binary)."""
    confidence = np.diag(1 + (config.alpha - 1) * held)
    penalty = config.l2 * np.eye(vectors.shape[1])
    return np.linalg.inv(vectors.T @ confidence @ vectors + penalty) @ vectors.T @ confidence @ held


@pytest.mark.parametrize("chunk", [2, 256])
def test_scores_are_half_steps(chunk: int) -> None:
    model = IALS.from_corpus(corpus(), CONFIG)
    tracks = model.state()["tracks"].astype(np.float64)
    with patch.object(ridge, "CHUNK", chunk):
        scores = model.score(QUERY)
    assert scores.dtype == torch.float32
    for row in range(len(QUERY)):
        held = np.zeros(30)
        held[QUERY.seeds(row)] = 1
        np.testing.assert_allclose(scores[row], tracks @ solved(tracks, held, CONFIG), atol=1e-4)


def test_after_enough_steps_neither_side_moves() -> None:
    """Ours and the library's formulas agree: tracks solved from the playlists that we solve come out the same."""
    config = IALSConfig(dim=6, alpha=4.0, l2=2.0, iterations=200)
    tracks = IALS.from_corpus(corpus(), config).state()["tracks"].astype(np.float64)
    matrix = corpus().matrix.toarray()
    playlists = np.stack([solved(tracks, held, config) for held in matrix])
    again = np.stack([solved(playlists, held, config) for held in matrix.T])
    assert np.abs(tracks).max() > 0.1
    np.testing.assert_allclose(tracks @ playlists.T, again @ playlists.T, atol=5e-3)


def test_it_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with patch("implicit.utils._checked_blas_config", False):
            IALS.from_corpus(corpus(), CONFIG)
    assert capfd.readouterr() == ("", "")


def test_the_seed_decides() -> None:
    one, two, other = (IALS.from_corpus(corpus(), CONFIG, seed=seed).tracks for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_without_the_library_it_says_what_to_install() -> None:
    with (
        patch.dict(sys.modules, {"implicit.cpu.als": None}),
        pytest.raises(ConfigError, match=r"pip install 'playlistrec\[als\]'"),
    ):
        IALS.from_corpus(corpus(), CONFIG)


def test_ranking_needs_no_library() -> None:
    model = IALS.from_corpus(corpus(), CONFIG)
    with patch.dict(sys.modules, {"implicit": None, "implicit.cpu.als": None}):
        loaded = IALS.from_state(corpus(), CONFIG, model.state())
        assert torch.equal(loaded.score(QUERY), model.score(QUERY))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"dim": 0}, "dim must"), ({"alpha": 0.5}, "alpha must"), ({"l2": 0.0}, "l2 must"), ({"iterations": 0}, "iterat")],
)
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        IALSConfig(**options)
