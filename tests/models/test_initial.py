"""The embeddings that training starts from: SVD against NumPy's dense one, Glorot's range, given files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.embedding.initial import SVD_RMS, given, spectral, xavier
from playlistrec.models.embedding.trained import torch_seed
from playlistrec.models.factorization.mf import MF


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """60 playlists of tracks of three kinds, so that a few directions stand out; two tracks are in none."""
    rng = np.random.default_rng(2)
    kinds = [list(range(start, start + 20)) for start in (0, 15, 30)]
    lists = [rng.choice(kinds[p % 3], size=rng.integers(4, 12), replace=False).tolist() for p in range(60)]
    lists = [[f"t{t}" for t in tracks] for tracks in lists]
    lists += [[], ["cold", "colder"]]
    whole = Corpus.from_lists(lists, {f"t{t}": f"a{t % 7}" for t in range(45)})
    return whole.where(whole.entry_playlist < 61)


def drawn(corpus: Corpus, dim: int, seed: int = 0) -> dict[str, np.ndarray]:
    with torch_seed(seed):
        return {kind: table.numpy() for kind, table in spectral(corpus, dim).items()}


def dense(corpus: Corpus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a = corpus.matrix.toarray().astype(np.float64)
    rows, columns = (1 / np.sqrt(np.maximum(a.sum(axis), 1)) for axis in (1, 0))
    u, s, vt = np.linalg.svd(rows[:, None] * a * columns)
    return u[:, : len(s)], s, vt.T[:, : len(s)]


@pytest.mark.parametrize("dim", [3, 8])
def test_svd_has_the_singular_values_and_subspaces_of_the_dense_one(corpus: Corpus, dim: int) -> None:
    tables = drawn(corpus, dim)
    u, s, v = dense(corpus)
    for kind, basis in (("playlist", u), ("track", v)):
        table = tables[kind].astype(np.float64)
        assert table.shape == (len(basis), dim)
        lengths = np.linalg.norm(table, axis=0)
        # Columns are singular vectors times the root of the singular value, all by one factor.
        np.testing.assert_allclose(lengths**2 / lengths[0] ** 2, s[:dim] / s[0], rtol=1e-3)
        directions = table / lengths
        np.testing.assert_allclose(directions @ directions.T, basis[:, :dim] @ basis[:, :dim].T, atol=2e-3)
    np.testing.assert_allclose(tables["playlist"] @ tables["track"].T, _scaled(u, s, v, dim, tables), atol=2e-3)
    squares = [np.square(tables[kind]).mean() for kind in ("playlist", "track")]
    assert np.sqrt(np.mean(squares)) == pytest.approx(SVD_RMS, rel=1e-4)


def _scaled(u: np.ndarray, s: np.ndarray, v: np.ndarray, dim: int, tables: dict[str, np.ndarray]) -> np.ndarray:
    """The best approximation of the normalised adjacency of that rank, by the factor of the tables."""
    factor = np.square(tables["track"][:, 0]).sum() / s[0]
    return factor * (u[:, :dim] * s[:dim]) @ v[:, :dim].T


def test_nodes_without_an_entry_start_at_nothing(corpus: Corpus) -> None:
    tables = drawn(corpus, 4)
    assert not np.bincount(corpus.tracks, minlength=corpus.n_tracks)[-2:].any(), "as the fixture says"
    np.testing.assert_allclose(tables["track"][-2:], 0, atol=1e-5)
    np.testing.assert_allclose(tables["playlist"][-2:], 0, atol=1e-5)


def test_artists_are_the_sum_of_their_tracks_over_the_root_of_their_number(corpus: Corpus) -> None:
    tables = drawn(corpus, 5)
    for artist in range(corpus.n_artists):
        own = np.flatnonzero(corpus.track_artist == artist)
        np.testing.assert_allclose(
            tables["artist"][artist], tables["track"][own].sum(0) / np.sqrt(len(own)), rtol=1e-4, atol=1e-6
        )


def test_artists_may_be_unknown() -> None:
    corpus = Corpus.from_lists([["a", "b"], ["b", "c"], ["a", "c", "d"]])
    tables = drawn(corpus, 2)
    assert tables["artist"].shape == (corpus.n_artists, 2)
    assert np.isfinite(tables["track"]).all()


def test_the_same_seed_gives_the_same_and_leaves_the_generator_alone(corpus: Corpus) -> None:
    before = torch.random.get_rng_state()
    one, two, other = drawn(corpus, 70), drawn(corpus, 70), drawn(corpus, 70, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    for kind in one:
        np.testing.assert_array_equal(one[kind], two[kind])
    assert not np.array_equal(one["track"], other["track"])
    # The signs of singular vectors are open; here they do not hang on the seed either.
    np.testing.assert_allclose(drawn(corpus, 3)["track"], drawn(corpus, 3, seed=1)["track"], atol=1e-4)


@pytest.mark.parametrize("dim", [52, 62, 100])
def test_more_columns_than_the_data_have_directions(corpus: Corpus, dim: int) -> None:
    tables = drawn(corpus, dim)
    u, s, v = dense(corpus)
    assert (len(u), len(v)) == (62, 52)
    for kind, size in (("playlist", 62), ("track", 52), ("artist", corpus.n_artists)):
        assert tables[kind].shape == (size, dim)
        assert np.isfinite(tables[kind]).all()
    product = tables["playlist"][:, :52] @ tables["track"][:, :52].T
    np.testing.assert_allclose(product, _scaled(u, s, v, 52, tables), atol=2e-3)
    if dim > 52:
        beyond = tables["track"][:, 52:]
        assert 0 < np.sqrt(np.square(beyond).mean()) < 0.02 * SVD_RMS, "a little noise, so that they can learn"


def test_models_start_from_it_when_asked(corpus: Corpus) -> None:
    model = MF.from_corpus(corpus, MF.config_class.from_options({"dim": 6, "init": "svd"}), seed=4)
    np.testing.assert_array_equal(model.tables["track"].detach().numpy(), drawn(corpus, 6, seed=4)["track"])
    loaded = MF.from_state(corpus, model.config, model.state())
    assert loaded.config == model.config
    np.testing.assert_array_equal(loaded.state()["tables.track"], model.state()["tables.track"])


def test_xavier_fills_its_range(corpus: Corpus) -> None:
    with torch_seed(0):
        tables = xavier({"playlist": 200, "track": 0}, 10)
    bound = np.sqrt(6 / (200 + 10))
    assert tables["track"].shape == (0, 10)
    assert 0.98 * bound < float(tables["playlist"].abs().max()) <= bound
    assert float(tables["playlist"].mean()) == pytest.approx(0, abs=0.02 * bound * 2)


def test_given_arrays_replace_some_of_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    np.savez(path, track=np.arange(6.0).reshape(3, 2), artist=np.ones((9, 9)))
    tables = given(str(path), {"playlist": 4, "track": 3}, 2)
    assert set(tables) == {"track"}, "artists take no part here, whatever their shape"
    assert tables["track"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert tables["track"].dtype == torch.float32


def test_files_that_are_no_features_are_refused_in_one_line(tmp_path: Path) -> None:
    sizes = {"playlist": 4, "track": 3}
    np.save(tmp_path / "array.npy", np.zeros((3, 2)))
    np.savez(tmp_path / "whole.npz", track=np.zeros((3, 2)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:60])
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("track 1 2 3")
    for name in ("array.npy", "cut.npz", "empty.npz", "text.npz", "missing.npz"):
        with pytest.raises(ConfigError, match=rf"^features must be an \.npz file \(.*{name}: .*\)$"):
            given(str(tmp_path / name), sizes, 2)
    np.savez(tmp_path / "plural.npz", tracks=np.zeros((3, 2)))
    with pytest.raises(ConfigError, match=r"one of the arrays playlist, track \(.*plural.npz has tracks\)"):
        given(str(tmp_path / "plural.npz"), sizes, 2)
