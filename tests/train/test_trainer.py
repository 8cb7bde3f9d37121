"""The trainer over objects: what objectives are made of, and what they refuse."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.models.registry import model_class
from playlistrec.train import (
    BPR,
    L2,
    Contrast,
    Cosine,
    DirectAU,
    FullSoftmax,
    MessageEdges,
    Pool,
    Sampled,
    SampledSoftmax,
    SharedSoftmax,
    SymmetricSoftmax,
    Trainer,
    TrainOptions,
)
from playlistrec.train.fit import fit, trainer_of


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(3)
    return Corpus.from_lists([[f"t{t}" for t in rng.choice(30, rng.integers(3, 9), replace=False)] for _ in range(40)])


def untrained(corpus: Corpus, name: str = "mf", **options: object):
    kind = model_class(name)
    return kind.from_corpus(corpus, kind.config_class.from_options({"dim": 8, **options}), seed=1)


@pytest.mark.parametrize(
    ("objective", "options"),
    [
        (FullSoftmax(temperature=0.2) + L2(0.01), {"loss": "softmax", "negatives": "all", "l2": 0.01}),
        (
            SharedSoftmax(temperature=0.2, n_negatives=20, popularity_power=0.75, logq_correction=0.5)
            + SymmetricSoftmax(0.3, 0.2),
            {
                **{"loss": "softmax", "negatives": "shared", "n_negatives": 20, "logq_correction": 0.5},
                **{"symmetric_weight": 0.3, "l2": 0.0},
            },
        ),
        (BPR(negatives=Pool(n=2, size=5)), {"negatives": "pool", "n_negatives": 2, "pool_size": 5, "l2": 0.0}),
        (DirectAU(uniformity=0.5), {"loss": "directau", "uniformity": 0.5, "l2": 0.0}),
    ],
)
def test_objects_and_options_train_alike(objective, options: dict[str, object], corpus: Corpus) -> None:
    flat = TrainOptions(**{"temperature": 0.2, "epochs": 3, "batch_size": 16, "schedule": "cosine", **options})
    one, two = untrained(corpus), untrained(corpus)
    losses = [e.data["loss"] for e in Trainer(one, corpus, objective, schedule=Cosine(), batch_size=16).epochs(3)]
    assert [record["loss"] for record in fit(two, corpus, flat).history] == losses
    for name, array in one.state().items():
        np.testing.assert_array_equal(array, two.state()[name])
    assert repr(trainer_of(untrained(corpus), corpus, flat).objective) == repr(objective)


def test_epochs_go_on_where_they_stopped(corpus: Corpus) -> None:
    whole, parts = (Trainer(untrained(corpus), corpus, BPR(), batch_size=32) for _ in range(2))
    losses = [event.data["loss"] for event in whole.epochs(4)]
    found = [event.data["loss"] for event in parts.epochs(2)]
    found += [event.data["loss"] for event in parts.epochs(4, validate=lambda model: {"ndcg@20": 0.5})]
    assert found == losses
    assert [event.data["epoch"] for event in parts.epochs(5)] == [5]


def test_a_loss_that_diverges_is_an_error(corpus: Corpus) -> None:
    trainer = Trainer(untrained(corpus), corpus, BPR(), lr=1e30, batch_size=32)
    with pytest.raises(RunError, match=r"no longer finite, likely lr = 1e\+30 is too high"):
        list(trainer.epochs(3))


@pytest.mark.parametrize(
    ("name", "objective", "regime", "line"),
    [
        ("mf", BPR() + Contrast(0.1), None, r"contrast must be 0.0 for mf, .* \(got 0.1\)"),
        ("mf", BPR() + MessageEdges(0.5), None, r"message_edge_share must be 1.0 for mf"),
        ("lightgcn", SampledSoftmax() + Contrast(0.1), Sampled(), "contrast needs the full regime"),
    ],
)
def test_what_does_not_go_together(name: str, objective, regime, line: str, corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match=line):
        Trainer(untrained(corpus, name), corpus, objective, regime=regime)


def test_the_other_direction_needs_playlists_without_contexts(corpus: Corpus) -> None:
    objective = FullSoftmax() + SymmetricSoftmax(0.5)
    with pytest.raises(ConfigError, match="symmetric_weight must be 0 for tracks in contexts"):
        Trainer(untrained(corpus, "fm", context="previous"), corpus, objective)


def test_nothing_to_learn_from(corpus: Corpus) -> None:
    empty = corpus.where(np.zeros(corpus.n_entries, dtype=bool))
    with pytest.raises(DataError, match="no training entries"):
        Trainer(untrained(corpus), empty, BPR())


def test_every_option_has_one_owner() -> None:
    owned = [name for names in TrainOptions.owners().values() for name in names]
    assert sorted(owned) == sorted(field.name for field in fields(TrainOptions))
    assert replace(TrainOptions(), lr=0.5).lr == 0.5
