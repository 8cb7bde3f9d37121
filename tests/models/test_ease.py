"""EASE against the least squares problem that it solves, column by column."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.linear import ease
from playlistrec.models.linear.ease import EASE, EASEConfig

QUERY = Query.of([[3, 1, 3], [], [0], list(range(20)), [29]], [0, -1, 4, -1, -1])


def corpus() -> Corpus:
    """Playlists with repeats, one of them empty; the last two tracks have no entry, one has no artist, two no album."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 29)
    drawn = [rng.choice(28, rng.integers(1, 12), p=weights / weights.sum()) for _ in range(60)]
    artists = {f"t{i}": f"a{i % 7}" for i in range(29)}
    whole = Corpus.from_lists([[f"t{i}" for i in tracks] for tracks in (range(30), [], *drawn)], artists)
    albums = [None if i in (4, 9) else f"b{i % 11}" for i in range(30)]
    table = whole.track_table.append_column("album_uri", pa.array(albums, pa.string()))
    full = Corpus(whole.offsets, whole.tracks, whole.playlists, table, whole.artists)
    return full.where(full.entry_playlist > 0)


def naive(corpus: Corpus, config: EASEConfig) -> np.ndarray:
    """(n_tracks, n_tracks) B: each track regressed on all others, the penalties as further rows. In float64."""
    x = np.zeros((corpus.n_playlists, corpus.n_tracks))
    x[corpus.entry_playlist, corpus.tracks] = 1
    lengths, counts = x.sum(1), x.sum(0)
    weights = np.array([n**-config.length_weight_exponent if n else 0.0 for n in lengths])
    weights *= lengths.sum() / (weights * lengths).sum()
    penalty = np.maximum(counts, 1) ** config.l2_power
    penalty *= config.l2 / penalty.mean()
    rows = [np.sqrt(weights)[:, None] * x]
    albums = corpus.track_table["album_uri"].to_pylist()
    for groups, weight in ((corpus.track_artist.tolist(), config.artist_weight), (albums, config.album_weight)):
        members = [[float(g == group) for g in groups] for group in set(groups) - {-1, None}]
        rows.append(np.sqrt(weight) * np.array(members))
    stacked = np.vstack(rows)
    b = np.zeros((corpus.n_tracks, corpus.n_tracks))
    for t in range(corpus.n_tracks):
        others = np.arange(corpus.n_tracks) != t
        a = np.vstack([stacked[:, others], np.diag(np.sqrt(penalty[others]))])
        b[others, t] = np.linalg.lstsq(a, np.concatenate([stacked[:, t], np.zeros(others.sum())]), rcond=None)[0]
    return b


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"l2": 2.0},
        {"l2": 5.0, "l2_power": 0.5},
        {"l2": 5.0, "length_weight_exponent": 1.0},
        {"l2": 5.0, "artist_weight": 2.0},
        {"l2": 5.0, "l2_power": 1.0, "length_weight_exponent": 0.5, "artist_weight": 0.5, "album_weight": 3.0},
    ],
)
@pytest.mark.parametrize("size", [7, 1024])
def test_is_the_least_squares_solution(options: dict, size: int) -> None:
    config = EASEConfig(**options)
    with patch.object(ease, "SLICE", size):
        model = EASE.from_corpus(corpus(), config)
    wanted = naive(corpus(), config)
    assert (np.diag(model.weights) == 0).all()
    np.testing.assert_allclose(model.weights, wanted, atol=2e-5)
    scores = model.score(QUERY)
    assert scores.dtype == torch.float32
    for row in range(len(QUERY)):
        np.testing.assert_allclose(scores[row], wanted[np.unique(QUERY.seeds(row))].sum(0), atol=1e-4)


def test_the_inverse_stays_where_it_stands() -> None:
    gram = np.cov(np.random.default_rng(0).normal(size=(50, 400))).astype(np.float32)
    kept = gram.copy()
    inverse = ease._inverse(gram, EASEConfig())
    assert np.shares_memory(gram, inverse)
    assert inverse.flags.c_contiguous, "or a product with sparse seeds would copy it"
    np.testing.assert_allclose(inverse @ kept, np.eye(50), atol=1e-3)


def test_top_tracks_are_a_smaller_catalogue() -> None:
    some = corpus()
    counts = np.bincount(some.pairs[1], minlength=30)
    top = np.sort(sorted(range(30), key=lambda t: (-counts[t], t))[:9])
    model = EASE.from_corpus(some, EASEConfig(l2=3.0, top_tracks=9))
    assert model.tracks.tolist() == top.tolist()
    scores = model.score(QUERY)
    others = np.setdiff1d(np.arange(30), top)
    assert (scores[:, others] == -torch.inf).all()
    kept = np.isin(np.arange(30), top)
    small, _ = some.subset(np.ones(some.n_playlists, dtype=bool), kept)
    alone = EASE.from_corpus(small, EASEConfig(l2=3.0))
    seeds = [[int(np.searchsorted(top, t)) for t in QUERY.seeds(row) if kept[t]] for row in range(len(QUERY))]
    torch.testing.assert_close(scores[:, top], alone.score(Query.of(seeds)))
    assert EASE.from_corpus(some, EASEConfig(top_tracks=1000)).score(QUERY).isfinite().all()


def test_a_catalogue_that_does_not_fit_is_refused_before_anything_is_built() -> None:
    words = r"^top_tracks must be at most 11 here: the Gram matrix of 30 tracks, .* need 0\.0 GB of memory"
    with patch.object(ease, "available_memory", lambda: 1000), pytest.raises(ConfigError, match=words):
        EASE.from_corpus(corpus(), EASEConfig())
    with patch.object(ease, "available_memory", lambda: 1000):
        assert len(EASE.from_corpus(corpus(), EASEConfig(top_tracks=11)).weights) == 11


@pytest.mark.parametrize("top", [None, 9])
def test_arrays_round_trip(top: int | None) -> None:
    model = EASE.from_corpus(corpus(), EASEConfig(top_tracks=top))
    assert torch.equal(EASE.from_state(corpus(), model.config, model.state()).score(QUERY), model.score(QUERY))


def test_a_penalty_too_small_for_single_precision_is_refused() -> None:
    twins = Corpus.from_lists([["a", "b"]] * 3)
    with pytest.raises(ConfigError, match="l2 must be larger"):
        EASE.from_corpus(twins, EASEConfig(l2=1e-12))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"l2": 0.0}, "l2 must be above 0"),
        ({"l2_power": -1.0}, "l2_power must"),
        ({"length_weight_exponent": -1.0}, "length_weight_exponent must"),
        ({"artist_weight": -1.0}, "artist_weight must"),
        ({"album_weight": -1.0}, "album_weight must"),
        ({"top_tracks": 0}, "top_tracks must"),
    ],
)
def test_config_refuses(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        EASEConfig(**options)
