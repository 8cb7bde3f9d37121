"""`docs/coming-from.md` and `docs/comparison.md`: where they say that a peer computes the same, it does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import playlistrec as pr
from playlistrec.corpus.splitting import split_edges
from playlistrec.models.base import Query

pytest.importorskip("implicit")
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="module")
def data() -> pr.Data:
    rng = np.random.default_rng(0)
    lists = [[f"t{track}" for track in rng.choice(40, 12, replace=False)] for _ in range(60)]
    corpus = pr.Corpus.from_lists(lists)
    return pr.Data.of(corpus, split_edges(corpus, valid=0.1, test=0.1, seed=0))


def matrix(data: pr.Data) -> sparse.csr_matrix:
    return sparse.csr_matrix(data.split.training(data.corpus).matrix, dtype=np.float64)


def test_all_neighbours_are_those_of_implicit(data: pr.Data) -> None:
    pairs = matrix(data)
    theirs = CosineRecommender(K=pairs.shape[1], num_threads=1)
    theirs.fit(pairs, show_progress=False)
    similarity = theirs.similarity.toarray()
    np.fill_diagonal(similarity, 0)
    seeds = pairs[0].indices.tolist()
    ours = pr.fit(data, "itemknn").recommender("valid").score(Query.of([seeds], [0]))[0].numpy()
    others = np.setdiff1d(np.arange(pairs.shape[1]), seeds)
    np.testing.assert_allclose(ours[others], similarity[seeds].sum(0)[others], rtol=1e-5)


def test_implicit_keeps_neighbours_by_seed_itself_among_them(data: pr.Data) -> None:
    theirs = CosineRecommender(K=5, num_threads=1)
    theirs.fit(matrix(data), show_progress=False)
    kept = theirs.similarity.toarray() > 0
    assert set(kept.sum(1)) == {5}
    assert len(set(kept.sum(0))) > 1
    assert kept.diagonal().all()
    votes = pr.fit(data, "itemknn", options={"neighbours": 5}).recommender("valid").votes.toarray() > 0  # type: ignore[attr-defined]
    assert votes.sum(0).max() <= 5
    assert len(set(votes.sum(1))) > 1
    assert not votes.diagonal().any()


def test_ials_has_the_factors_of_implicit(data: pr.Data) -> None:
    theirs = AlternatingLeastSquares(factors=8, regularization=6, alpha=4, iterations=3, num_threads=1, random_state=0)
    with threadpool_limits(limits=1, user_api="blas"):
        theirs.fit(matrix(data).astype(np.float32), show_progress=False)
    run = pr.fit(data, "ials", preset="none", options={"dim": 8, "l2": 6, "alpha": 4, "iterations": 3})
    np.testing.assert_allclose(run.arrays["tracks"], theirs.item_factors, atol=1e-5)
