"""ChebyCF against the paper's formula in dense matrices, term by term of the Chebyshev recurrence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.linear import chebycf
from playlistrec.models.linear.chebycf import ChebyCF, ChebyCFConfig, plateau
from playlistrec.models.linear.spectrum import low_frequencies, normalised

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [29]], [0, -1, 4, -1, -1])


def corpus() -> Corpus:
    """Playlists with repeats; one is empty, and the last two tracks have no entry."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(28, rng.integers(1, 12)) for _ in range(40)]
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)])
    return whole.where(whole.entry_playlist > 0)


def coefficients(order: int, flatness: float) -> list[float]:
    """c_k = 2 / (K + 1) Σ_j h(e_j) T_k(x_j), c_0 half of it; the extrema e_j and the roots x_j rise with j."""
    found = []
    for k in range(order + 1):
        total = 0.0
        for j in range(1, order + 2):
            extremum = math.cos((order - (j - 1)) / order * math.pi)
            height = 0.5 * abs(extremum) ** flatness
            wanted = 0.5 + height if extremum < 0 else 0.5 - height
            total += wanted * math.cos(k * math.acos(math.cos((order + 1.5 - j) / (order + 1) * math.pi)))
        found.append(total * 2 / (order + 1) / (2 if k == 0 else 1))
    return found


def dense(corpus: Corpus, seeds: list[int], config: ChebyCFConfig) -> np.ndarray:
    r = np.zeros((corpus.n_playlists, corpus.n_tracks))
    r[corpus.entry_playlist, corpus.tracks] = 1
    inverse_roots = [np.diag([d**-0.5 if d else 0.0 for d in r.sum(axis)]) for axis in (1, 0)]
    normal = inverse_roots[0] @ r @ inverse_roots[1]
    laplacian = np.eye(corpus.n_tracks) - 2 * normal.T @ normal
    before, now = np.eye(corpus.n_tracks), laplacian
    first, second, *others = coefficients(config.order, config.flatness)
    filtered = first * before + second * now
    for c in others:
        before, now = now, 2 * laplacian @ now - before
        filtered += c * now
    v = np.linalg.svd(normal)[2][: min(config.dim, np.linalg.matrix_rank(normal))].T
    asked = np.zeros(corpus.n_tracks)
    asked[seeds] = 1
    degrees = r.sum(0)
    into = np.array([d**-config.degree_exponent if d else 0.0 for d in degrees])
    out_of = np.array([d**config.degree_exponent if d else 0.0 for d in degrees])
    return ((asked * into) @ (filtered + config.alpha * v @ v.T)) * out_of


@pytest.mark.parametrize("options", [{}, {"alpha": 0.0}, {"degree_exponent": 0.0}, {"flatness": 10.0, "order": 5}])
@pytest.mark.parametrize("dim", [0, 1, 7, 28, 100])
def test_is_the_dense_formula(dim: int, options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chebycf, "TOLERANCE", 1e-9)
    config = ChebyCFConfig(dim=dim, **options)
    scores = ChebyCF.from_corpus(corpus(), config).score(QUERY)
    assert scores.dtype == torch.float32
    for row in range(len(QUERY)):
        wanted = dense(corpus(), QUERY.seeds(row).tolist(), config)
        assert scores[row].numpy() == pytest.approx(wanted, abs=5e-5)


def test_one_order_is_the_line_of_gfcf() -> None:
    line = plateau(1, 1.0)
    assert len(line.coef) == 2
    assert line(np.array([0.25, 0.5, 0.75])) == pytest.approx([0.5 - 2**0.5 / 4, 0.5, 0.5 + 2**0.5 / 4])


def test_a_lower_degree_beyond_the_singular_vectors_is_as_good() -> None:
    model = ChebyCF.from_corpus(corpus(), ChebyCFConfig(dim=20))
    whole = plateau(8, 1.5)
    assert len(model.beyond.coef) < len(whole.coef)
    beyond = np.linspace(0, float(model.values[-1]) ** 2, 50)
    assert np.abs(model.beyond(beyond) - whole(beyond)).max() <= chebycf.TOLERANCE * 1.01
    for row in range(len(QUERY)):
        wanted = dense(corpus(), QUERY.seeds(row).tolist(), model.config)
        assert model.score(QUERY)[row].numpy() == pytest.approx(wanted, abs=0.02)


def test_subspace_iteration_finds_the_largest_singular_values() -> None:
    rng = np.random.default_rng(1)
    taste = rng.integers(0, 8, 900)
    lists = [[f"t{40 * t + i}" for i in rng.choice(40, 12, replace=False)] for t in taste]
    matrix = normalised(Corpus.from_lists(lists).matrix)
    vectors, values = low_frequencies(matrix, 8, 0)
    wanted = np.linalg.svd(matrix.toarray())
    assert values == pytest.approx(wanted[1][:8], rel=1e-3)
    assert vectors @ vectors.T == pytest.approx(wanted[2][:8].T @ wanted[2][:8], abs=1e-3)


def test_arrays_are_the_training_matrix_and_its_spectrum() -> None:
    model = ChebyCF.from_corpus(corpus(), ChebyCFConfig(dim=4))
    more = corpus().where(np.zeros(corpus().n_entries, dtype=bool))  # what is known when ranking does not matter
    assert torch.equal(ChebyCF.from_state(more, model.config, model.state()).score(QUERY), model.score(QUERY))
    empty = corpus().where(np.zeros(corpus().n_entries, dtype=bool))
    assert (ChebyCF.from_corpus(empty, ChebyCFConfig()).score(QUERY) == 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"order": 0}, "order must"), ({"flatness": 0.0}, "flatness must"), ({"alpha": -1.0}, "alpha must")],
)
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ChebyCFConfig(**options)
