"""The contract of recommenders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from ..config import Config
from ..corpus.corpus import Corpus
from ..models.base import Query, Recommender
from ..rank.recommend import recommend

__all__ = ["RECOMMENDER_CHECKS", "SIZE", "check_recommender", "checkerboard", "known_playlists", "trained"]

SIZE = 40
Train = Callable[[Any, Corpus], None]


def check_recommender(cls: type[Recommender], config: Config | None = None, *, train: Train | None = None) -> None:
    """Hold a recommender to its contract; as scikit-learn's ``check_estimator``.

    Args:
        config: of the model; its defaults if not given.
        train: trains a model in place; for models that are ``trainable``, BPR for 30 epochs if not given.

    Raises:
        AssertionError: one line with the rule that the class breaks.
    """
    corpus = checkerboard()
    config = cls.config_class() if config is None else config
    model = trained(cls, corpus, config, train=train)
    for check in RECOMMENDER_CHECKS:
        check(model, corpus)
    _same_seed_same_model(cls, corpus, config, train)


def trained(
    cls: type[Recommender], corpus: Corpus, config: Config, *, seed: int = 0, train: Train | None = None
) -> Recommender:
    """A model built from ``corpus`` and, where it is ``trainable``, trained."""
    model = cls.from_corpus(corpus, config, seed=seed)
    if cls.trainable:
        (train or _train)(model, corpus)
    return model


def _train(model: Any, corpus: Corpus) -> None:
    from ..train.fit import fit
    from ..train.options import TrainOptions

    options: dict[str, Any] = {"epochs": 30, "batch_size": 64, "lr": 0.02, "n_negatives": 2}
    if model.aggregates:
        options |= {"loss": "softmax", "negatives": "shared", "n_negatives": 40, "batch_size": 10}
    fit(model, corpus, TrainOptions(**options))


def checkerboard(artists: bool = False) -> Corpus:
    """40 playlists: playlist p holds the tracks of its own parity except track p, which a model is to find.

    The order of the tracks means nothing, and the table of playlists says so.
    """
    lists = [[f"t{t}" for t in range(p % 2, SIZE, 2) if t != p] for p in range(SIZE)]
    order = sorted({uri for tracks in lists for uri in tracks}, key=lambda uri: int(uri[1:]))
    corpus = Corpus.from_lists([order, *lists], {f"t{t}": f"artist {t % 4}" for t in range(SIZE)} if artists else None)
    corpus = corpus.subset(np.arange(SIZE + 1) > 0, np.ones(SIZE, dtype=bool))[0]
    unordered = corpus.playlists.append_column("ordered", pa.array([False] * SIZE))
    return replace(corpus, playlists=unordered)


def known_playlists(corpus: Corpus) -> Query:
    """A query of all playlists of a corpus, as themselves."""
    return Query.of([corpus.playlist(p).tolist() for p in range(corpus.n_playlists)], range(corpus.n_playlists))


def _hold(model: Recommender, ok: Any, rule: str) -> None:
    if not ok:
        raise AssertionError(f"{model.name}: {rule}")


def hidden_track_ranks_first(model: Recommender, corpus: Corpus) -> None:
    """The track that is left out of each playlist comes first, if the model is personalised."""
    if model.personalised:
        ranked, scores = recommend(model, known_playlists(corpus), 2)
        missed = int((ranked[:, 0] != np.arange(SIZE)).sum())
        _hold(model, not missed, f"the left-out track must rank first ({missed} of {SIZE} do not)")
        _hold(model, (scores[:, 0] > scores[:, 1]).all(), "the left-out track must score above the others")


def unseen_playlists_get_their_own_kind(model: Recommender, corpus: Corpus) -> None:  # noqa: ARG001 - all checks take it
    """A playlist that was not in the corpus is scored from its seeds, if the model is personalised."""
    if model.personalised:
        ranked, _ = recommend(model, Query.of([[0, 2, 4, 6], [1, 3, 5, 7]]), 8)
        own = (ranked[0] % 2 == 0).all() and (ranked[1] % 2 == 1).all()
        _hold(model, own, "an unseen playlist must get tracks like its seeds")


def batch_equals_single(model: Recommender, corpus: Corpus) -> None:  # noqa: ARG001 - all checks take it
    """A query is scored alike alone and in a batch."""
    query = Query.of([[0, 2], [], [1, 1, 3], [5]], [0, -1, -1, 5])
    together = model.score(query)
    for row in range(len(query)):
        alone = model.score(query.take(row, row + 1))
        close = torch.allclose(alone[0], together[row], rtol=1e-4, atol=1e-5)
        _hold(model, close, f"a query must be scored alike alone and in a batch (query {row} is not)")


def seeds_are_never_recommended(model: Recommender, corpus: Corpus) -> None:
    """A ranking holds all tracks but the seeds, each once."""
    for query in (known_playlists(corpus), Query.of([[0, 1, 2], list(range(SIZE - 1))])):
        ranked, _ = recommend(model, query, SIZE)
        for row in range(len(query)):
            seeds, found = set(query.seeds(row).tolist()), ranked[row][ranked[row] >= 0].tolist()
            _hold(model, not set(found) & seeds, "a seed must not be recommended")
            _hold(model, len(set(found)) == SIZE - len(seeds), "every other track must be ranked, once")


def scores_are_finite_float32(model: Recommender, corpus: Corpus) -> None:  # noqa: ARG001 - all checks take it
    """Scores of empty, short and full playlists are finite, of type float32 and of shape (batch, n_tracks)."""
    scores = model.score(Query.of([[], [3], [3, 3, 3], list(range(SIZE))]))
    _hold(model, scores.shape == (4, SIZE), f"scores must have shape (batch, n_tracks) (got {tuple(scores.shape)})")
    _hold(model, scores.dtype == torch.float32, f"scores must be float32 (got {scores.dtype})")
    _hold(model, torch.isfinite(scores).all(), "scores of tracks that can be ranked must be finite")


def scores_belong_to_the_caller(model: Recommender, corpus: Corpus) -> None:  # noqa: ARG001 - all checks take it
    """Who gets scores may write into them."""
    query = Query.of([[0], [1]])
    first = model.score(query)
    kept = first.clone()
    first.fill_(-1.0)
    _hold(model, torch.allclose(model.score(query), kept), "scores must be a tensor of their own in each call")


def state_restores_the_model(model: Recommender, corpus: Corpus) -> None:
    """``from_state`` of ``state`` scores to the last digit as the model does."""
    state = {name: np.array(array) for name, array in model.state().items()}
    _hold(model, all(array.dtype != object for array in state.values()), "state must be arrays of numbers or text")
    loaded = type(model).from_state(corpus, model.config, state)
    query = Query.of([[0, 2], [1], []], [4, -1, -1])
    same = torch.equal(loaded.score(query), model.score(query))
    _hold(model, same, "a model restored from its state must score the same")


def _same_seed_same_model(cls: type[Recommender], corpus: Corpus, config: Config, train: Train | None) -> None:
    before = torch.random.get_rng_state()
    one, two = (trained(cls, corpus, config, seed=5, train=train) for _ in range(2))
    untouched = torch.equal(before, torch.random.get_rng_state())
    _hold(one, untouched, "building a model must leave torch's global generator as it was")
    other = two.state()
    same = all(np.array_equal(array, other[name]) for name, array in one.state().items())
    _hold(one, same, "the same seed must give the same model")


RECOMMENDER_CHECKS: tuple[Callable[[Recommender, Corpus], None], ...] = (
    hidden_track_ranks_first,
    unseen_playlists_get_their_own_kind,
    batch_equals_single,
    seeds_are_never_recommended,
    scores_are_finite_float32,
    scores_belong_to_the_caller,
    state_restores_the_model,
)
"""Checks of a model that was fitted to the :func:`checkerboard`."""
