"""Every model keeps the public contract of ``playlistrec.testing``, and learns with its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.models.base import Query, Recommender
from playlistrec.models.popularity import Popularity
from playlistrec.models.registry import MODELS, model_class
from playlistrec.rank.recommend import recommend
from playlistrec.storage import read_arrays, write_arrays
from playlistrec.testing import RECOMMENDER_CHECKS, SIZE, check_recommender, checkerboard, known_playlists
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions

TRAINING = TrainOptions(epochs=30, batch_size=64, lr=0.02, l2=1e-4, n_negatives=2)
OF_ITS_OWN = {
    "all": TRAINING,
    "ngcf": replace(TRAINING, loss="softmax", n_negatives=8, lr=0.005, epochs=60),
    "aggregate": TrainOptions(
        epochs=30, batch_size=10, lr=0.02, l2=0.0, loss="softmax", negatives="shared", n_negatives=40
    ),
}
"""With BPR some scores of NGCF grow without bound, at seeds that differ by processor. With softmax none of 12 do."""


def fitted(
    name: str, corpus: Corpus, seed: int = 0, training: TrainOptions | None = None, **options: object
) -> Recommender:
    kind = model_class(name)
    model = kind.from_corpus(corpus, kind.config_class.from_options(options), seed=seed)
    if kind.trainable:
        fit(model, corpus, training or OF_ITS_OWN[name if name == "aggregate" else "all"], seed=seed)  # type: ignore[arg-type]
    return model


@cache
def once(name: str) -> Recommender:
    """Each model, fitted once a session."""
    return fitted(name, checkerboard(), training=OF_ITS_OWN.get(name, TRAINING))


@pytest.mark.parametrize("check", RECOMMENDER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", list(MODELS))
def test_contract(name: str, check: Callable[[Recommender, Corpus], None]) -> None:
    check(once(name), checkerboard())


@pytest.mark.parametrize("name", list(MODELS))
def test_a_file_keeps_the_state(name: str, tmp_path) -> None:
    model = once(name)
    write_arrays(tmp_path / "weights.npz", model.state(), {"epoch": 3})
    arrays, meta = read_arrays(tmp_path / "weights.npz")
    loaded = type(model).from_state(checkerboard(), model.config, arrays)
    query = Query.of([[0, 2], [1], []], [4, -1, -1])
    assert meta == {"epoch": 3}
    torch.testing.assert_close(loaded.score(query), model.score(query), rtol=0, atol=0)


class Broken(Popularity):
    """Breaks one rule, which a subclass names."""

    name = "broken"

    def score(self, query: Query) -> torch.Tensor:
        return self.spoilt(super().score(query), query)

    def spoilt(self, scores: torch.Tensor, query: Query) -> torch.Tensor:
        return scores


class Blind(Broken):
    personalised = True


class Crowded(Broken):
    def spoilt(self, scores: torch.Tensor, query: Query) -> torch.Tensor:
        return scores + len(query)


class Double(Broken):
    def spoilt(self, scores: torch.Tensor, query: Query) -> torch.Tensor:
        return scores.double()


class Infinite(Broken):
    def spoilt(self, scores: torch.Tensor, query: Query) -> torch.Tensor:
        scores[:, 3] = -torch.inf
        return scores


class Shared(Broken):
    kept: dict[int, torch.Tensor] = {}  # noqa: RUF012 - the fault is that it is shared

    def spoilt(self, scores: torch.Tensor, query: Query) -> torch.Tensor:
        return self.kept.setdefault(len(query), scores)


class Forgetful(Broken):
    @classmethod
    def from_state(cls, corpus, config, state):
        model = super().from_state(corpus, config, state)
        model.counts = model.counts + 1
        return model


class Random(Broken):
    @classmethod
    def from_corpus(cls, corpus, config, *, seed=0):
        model = super().from_corpus(corpus, config, seed=seed)
        model.counts = model.counts + torch.rand(1)
        return model


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (Blind, "the left-out track must"),
        (Crowded, "a query must be scored alike alone and in a batch"),
        (Double, "scores must be float32"),
        (Infinite, "every other track must be ranked"),
        (Shared, "scores must be a tensor of their own|alike alone|shape"),
        (Forgetful, "a model restored from its state must score the same"),
        (Random, "torch's global generator"),
    ],
)
def test_each_rule_is_held(kind: type[Broken], rule: str) -> None:
    check_recommender(Popularity)
    with pytest.raises(AssertionError, match=f"^broken: .*({rule})") as caught:
        check_recommender(kind)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MODELS))
def test_same_seed_same_model(name: str) -> None:
    corpus = checkerboard()
    before = torch.random.get_rng_state()
    one, two = fitted(name, corpus, seed=5), fitted(name, corpus, seed=5)
    assert torch.equal(before, torch.random.get_rng_state()), "the caller's generator is left alone"
    for key, array in one.state().items():
        np.testing.assert_array_equal(array, two.state()[key])
    if one.trainable:
        other = fitted(name, corpus, seed=6)
        assert any(not np.array_equal(a, other.state()[k]) for k, a in one.state().items())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lightgcn", {"artists": True}),
        ("lightgcn", {"layer_weights": "learned", "layers": 2}),
        pytest.param("gat", {"artists": True, "heads": 2}, marks=pytest.mark.slow),
        ("sage", {"aggregator": "pool"}),
        ("sage", {"artists": True, "layer_weights": "learned"}),
        ("gcn", {"artists": True, "layers": 1}),
        ("ngcf", {"artists": True, "message_dropout": 0.1}),
        ("itemknn", {"neighbours": 19, "shrink": 1.0}),
    ],
)
def test_options_learn_too(name: str, options: dict[str, object]) -> None:
    ranked, _ = recommend(fitted(name, checkerboard(artists=True), **options), known_playlists(checkerboard()), 1)
    assert (ranked[:, 0] == np.arange(SIZE)).mean() >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lightgcn", "gat", "sage", "gcn", "ngcf"])
def test_sampled_regime_learns_too(name: str) -> None:
    kind = model_class(name)
    corpus = checkerboard()
    model = kind.from_corpus(corpus, kind.config_class.from_options({"layers": 2}))
    fit(model, corpus, replace(TRAINING, regime="sampled", fanout=6))  # type: ignore[arg-type]
    ranked, _ = recommend(model, known_playlists(corpus), 1)
    assert (ranked[:, 0] == np.arange(SIZE)).mean() >= 0.9
