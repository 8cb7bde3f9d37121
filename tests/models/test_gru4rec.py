"""GRU4Rec: scores by the paper's equations, the order of the seeds, and learning what follows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.sequence.gru4rec import GRU4Rec, GRU4RecConfig
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions

N = 12


def corpus(n: int = 60, seed: int = 0) -> Corpus:
    """Playlists that walk forward round a circle of tracks from anywhere."""
    rng = np.random.default_rng(seed)
    walks = [[f"t{(start + step) % N}" for step in range(rng.integers(3, 7))] for start in rng.integers(0, N, n)]
    return Corpus.from_lists([[f"t{t}" for t in range(N)], *walks])


def model(**options: object) -> GRU4Rec:
    made = GRU4Rec.from_corpus(corpus(), GRU4RecConfig.from_options({"dim": 5, **options}), seed=4)
    with torch.no_grad():
        made.bias.normal_(generator=torch.Generator().manual_seed(0))
    return made.eval()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def slow_scores(model: GRU4Rec, seeds: list[int]) -> np.ndarray:
    arrays = {name: array.astype(np.float64) for name, array in model.state().items()}
    inputs = [arrays["tables.track"][seed] for seed in seeds]
    for layer in range(model.config.layers):
        h, states = np.zeros(model.config.dim), []
        for x in inputs:
            from_input = arrays[f"gru.weight_ih_l{layer}"] @ x + arrays[f"gru.bias_ih_l{layer}"]
            from_state = arrays[f"gru.weight_hh_l{layer}"] @ h + arrays[f"gru.bias_hh_l{layer}"]
            (r1, z1, n1), (r2, z2, n2) = np.split(from_input, 3), np.split(from_state, 3)
            z = sigmoid(z1 + z2)
            h = (1 - z) * np.tanh(n1 + sigmoid(r1 + r2) * n2) + z * h
            states.append(h)
        inputs = states
    output = arrays["tables.track" if model.config.constrained else "tables.output"]
    if model.config.similarity == "cosine":
        h = h / np.linalg.norm(h)
        output = output / np.linalg.norm(output, axis=1, keepdims=True)
    return output @ h + arrays["bias"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"layers": 2, "dropout": 0.5, "embedding_dropout": 0.5},
        {"constrained": False},
        {"similarity": "cosine"},
    ],
)
def test_scores_are_those_of_the_equations(options: dict[str, object]) -> None:
    made = model(**options)
    seeds = [[3], [0, 1, 2, 3, 4, 5], [], [2, 2], [5, 4, 3]]
    scores = made.score(Query.of(seeds, [1, -1, -1, 7, -1]))
    for row, tracks in enumerate(seeds):
        if tracks:
            np.testing.assert_allclose(scores[row], slow_scores(made, tracks), rtol=1e-4, atol=1e-5)
    lists = corpus()
    held = np.bincount(lists.pairs[1], minlength=N)
    np.testing.assert_allclose(scores[2], np.log1p(held), rtol=1e-6)


def test_a_playlist_is_its_seeds_in_order() -> None:
    made = model()
    known, unseen, turned = made.score(Query.of([[0, 1, 2], [0, 1, 2], [2, 1, 0]], [3, -1, 3]))
    torch.testing.assert_close(known, unseen, rtol=0, atol=1e-6)
    assert (known - turned).abs().max() > 1e-4


@pytest.mark.parametrize(
    "training",
    [
        {"loss": "softmax", "temperature": 1.0, "logq_correction": 1.0, "negatives": "popularity", "n_negatives": 20},
        {"loss": "softmax", "temperature": 1.0, "negatives": "all"},
        {"loss": "bpr-max", "bpr_max_reg": 0.1, "negatives": "popularity", "n_negatives": 20},
        {"loss": "bpr", "negatives": "uniform", "n_negatives": 20},
        {"loss": "bpr", "negatives": "in-batch"},
    ],
    ids=lambda training: "-".join(str(value) for value in training.values()),
)
@pytest.mark.parametrize("unroll", [1, 4])
def test_it_learns_what_follows(training: dict[str, object], unroll: int) -> None:
    """Neighbours cannot tell forward from backward here."""
    lists = corpus()
    made = GRU4Rec.from_corpus(lists, GRU4RecConfig(dim=16, unroll=unroll), seed=1)
    options = TrainOptions.from_options({"epochs": 25, "batch_size": 32, "lr": 0.02, "l2": 0.0, **training})
    fit(made, lists, options, seed=1)
    starts = [[(s + i) % N for i in range(3)] for s in range(N)]
    best = made.score(Query.of(starts)).argmax(1)
    assert best.tolist() == [(s + 3) % N for s in range(N)]


def test_loading_does_not_begin_anew(tmp_path) -> None:
    """The file of first vectors is not needed again."""
    np.savez(tmp_path / "first.npz", track=np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32))
    made = model(features=str(tmp_path / "first.npz"))
    (tmp_path / "first.npz").unlink()
    loaded = GRU4Rec.from_state(corpus(), made.config, made.state())
    query = Query.of([[1, 2]])
    assert torch.equal(loaded.score(query), made.score(query))
    assert loaded.config == made.config


@pytest.mark.parametrize("given", [{"layers": 0}, {"unroll": 0}, {"dropout": 1.0}, {"embedding_dropout": -0.1}])
def test_options_have_their_range(given: dict[str, object]) -> None:
    (name,) = given
    with pytest.raises(ConfigError, match=f"^{name} must be at least"):
        GRU4RecConfig.from_options(given)
