"""GF-CF against the paper's formula in dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.linear.gfcf import GFCF, GFCFConfig

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [29]], [0, -1, 4, -1, -1])


def corpus() -> Corpus:
    """Playlists with repeats; one is empty, and the last two tracks have no entry."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(28, rng.integers(1, 12)) for _ in range(40)]
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)])
    return whole.where(whole.entry_playlist > 0)


def dense(corpus: Corpus, seeds: list[int], dim: int, alpha: float) -> np.ndarray:
    r = np.zeros((corpus.n_playlists, corpus.n_tracks))
    r[corpus.entry_playlist, corpus.tracks] = 1
    inverse_roots = [np.diag([d**-0.5 if d else 0.0 for d in r.sum(axis)]) for axis in (1, 0)]
    normal = inverse_roots[0] @ r @ inverse_roots[1]
    v = np.linalg.svd(normal)[2][:dim].T
    two_hops = normal.T @ normal
    low_pass = inverse_roots[1] @ v @ v.T @ np.diag(np.sqrt(r.sum(0)))
    asked = np.zeros(corpus.n_tracks)
    asked[seeds] = 1
    return asked @ (two_hops + alpha * low_pass)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("dim", [1, 7, 28])
def test_is_the_dense_formula(dim: int, alpha: float) -> None:
    scores = GFCF.from_corpus(corpus(), GFCFConfig(dim=dim, alpha=alpha)).score(QUERY)
    assert scores.dtype == torch.float32
    for row in range(len(QUERY)):
        wanted = dense(corpus(), QUERY.seeds(row).tolist(), dim, alpha)
        assert scores[row].numpy() == pytest.approx(wanted, abs=2e-5)


def test_vectors_stop_where_the_singular_values_do() -> None:
    two_kinds = Corpus.from_lists([["a", "b"], ["a", "b"], ["c", "d"]])
    model = GFCF.from_corpus(two_kinds, GFCFConfig())
    assert model.vectors.shape == (4, 2)
    assert model.score(Query.of([[0]])).tolist() == [pytest.approx([0.65, 0.65, 0, 0])]  # 1/2 + .3 · 1/2


def test_any_seed_gives_the_same_subspace() -> None:
    one, two = (GFCF.from_corpus(corpus(), GFCFConfig(dim=5), seed=seed) for seed in (1, 2))
    torch.testing.assert_close(one.score(QUERY), two.score(QUERY), rtol=1e-4, atol=1e-5)


def test_no_filter_and_no_data() -> None:
    plain = GFCF.from_corpus(corpus(), GFCFConfig(dim=0))
    torch.testing.assert_close(plain.score(QUERY), GFCF.from_corpus(corpus(), GFCFConfig(alpha=0)).score(QUERY))
    empty = corpus().where(np.zeros(corpus().n_entries, dtype=bool))
    assert (GFCF.from_corpus(empty, GFCFConfig()).score(QUERY) == 0).all()


def test_arrays_are_the_training_matrix_and_the_vectors() -> None:
    model = GFCF.from_corpus(corpus(), GFCFConfig(dim=4))
    more = corpus().where(np.zeros(corpus().n_entries, dtype=bool))  # what is known when ranking does not matter
    assert torch.equal(GFCF.from_state(more, model.config, model.state()).score(QUERY), model.score(QUERY))


@pytest.mark.parametrize(("options", "words"), [({"dim": -1}, "dim must"), ({"alpha": -1.0}, "alpha must")])
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        GFCFConfig(**options)
