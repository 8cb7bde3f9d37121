"""Updates: a run for a later day, without a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

import playlistrec as pr
from playlistrec.corpus.splitting import split_continuation, split_edges
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.experiment.updating import update

N, DAY = 200, 20
TRAINED: Mapping[str, Any] = {"epochs": 5, "dim": 16, "lr": 0.05, "batch_size": 1024, "loss": "softmax"} | {
    "negatives": "all",
    "temperature": 0.5,
}
MODELS: dict[str, Mapping[str, Any]] = {
    **{"popularity": {}, "itemknn": {}, "userknn": {}, "ease": {}, "title": {}},
    **{
        "ials": {"dim": 8, "iterations": 3},
        "mf": {**TRAINED, "epochs": 20},  # a step an epoch
        "lightgcn": TRAINED,
        "gat": {**TRAINED, "epochs": 2, "layers": 1},
    },
    "fm": {**TRAINED, "context": "previous"},
    "gru4rec": {**TRAINED, "epochs": 8, "batch_size": 64},
    "aggregate": {
        **TRAINED,
        "epochs": 20,
        "loss": "softmax",
        "negatives": "shared",
        "n_negatives": 64,
        "batch_size": 64,
    },
}


def lists(seed: int = 0) -> list[list[str]]:
    """Playlists of five tastes; of a taste's tracks the last ones appear late."""
    rng = np.random.default_rng(seed)
    found = []
    for p in range(N + 2 * DAY):
        n = 40 if p < N else 44 if p < N + DAY else 48  # four tracks of each taste are new each day
        share = np.full(n, 1.0)
        share[40:] = 3.0
        found.append([f"t{p % 5}.{i}" for i in rng.choice(n, 14, replace=False, p=share / share.sum())])
    return found


def data(n: int, *, seed: int, longer: int = 0, hidden: float = 0.0, kind: str = "edges") -> pr.Data:
    """The first ``n`` playlists, in an order of their own; ``longer`` of the old ones hold one track more."""
    rows = np.random.default_rng(seed).permutation(n)
    whole = lists()
    for p in range(longer):
        whole[p] = [*whole[p], f"t{p % 5}.{40 + p % 4}"]
    artist = {f"t{c}.{i}": f"a{c}.{i % 8}" for c in range(5) for i in range(48)}
    corpus = pr.Corpus.from_lists([whole[row] for row in rows.tolist()], artist)
    names = pa.array([f"taste {row % 5}" for row in rows.tolist()])
    corpus = replace(corpus, playlists=pa.table({"pid": pa.array(list(map(str, rows.tolist()))), "name": names}))
    split = split_edges if kind == "edges" else split_continuation
    return pr.Data.of(corpus, split(corpus, valid=hidden / 2, test=hidden, seed=seed))


@pytest.fixture(scope="module")
def days() -> list[pr.Data]:
    """The playlists of three days, none of their tracks hidden."""
    return [data(N, seed=1), data(N + DAY, seed=2, longer=10), data(N + 2 * DAY, seed=3, longer=20)]


@pytest.fixture(scope="module")
def runs(days: list[pr.Data]) -> dict[str, pr.Run]:
    return {name: pr.fit(days[0], name, options=options, preset="none") for name, options in MODELS.items()}


def scores(run: pr.Run, pids: list[str]) -> npt.NDArray[np.float32]:
    """Scores of some playlists, tracks in the order of their uris: rows of two runs may differ."""
    uris = np.array(run.data.corpus.track_table["uri"].to_pylist())
    return run.recommender("test").score(run.queries(pids)).numpy()[:, np.argsort(uris)]


@pytest.mark.parametrize("name", MODELS)
def test_updated_twice_is_updated_once(name: str, runs: dict[str, pr.Run], days: list[pr.Data]) -> None:
    twice = update(update(runs[name], days[1]), days[2])
    once = update(runs[name], days[2])
    first = runs[name].data.corpus.track_table["uri"].to_pylist()
    for run in (twice, once):
        assert run.data.corpus.track_table["uri"].to_pylist()[: len(first)] == first
        assert run.data.corpus.n_playlists == N + 2 * DAY
    pids = [str(p) for p in (0, 15, 100, N, N + DAY, N + 2 * DAY - 1)]
    one, other = scores(twice, pids), scores(once, pids)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other[np.isfinite(other)]).max())


COUNTED = ["popularity", "itemknn", "userknn", "ease", "title"]


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_counted_is_as_fitted_anew(name: str, runs: dict[str, pr.Run], days: list[pr.Data]) -> None:
    updated = update(runs[name], days[1])
    fitted = pr.fit(updated.data, name, options=MODELS[name], preset="none")
    pids = [str(p) for p in range(0, N + DAY, 13)]
    np.testing.assert_allclose(scores(updated, pids), scores(fitted, pids), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["ials", "mf", "lightgcn", "gat", "fm", "gru4rec", "aggregate"])
def test_what_is_new_gets_what_its_neighbours_say(name: str, runs: dict[str, pr.Run], days: list[pr.Data]) -> None:
    updated = update(runs[name], days[2])
    corpus = updated.data.corpus
    old = runs[name].data.corpus.n_tracks
    tastes = np.array([uri.partition(".")[0] for uri in corpus.track_table["uri"].to_pylist()])
    for pid in (N + 1, N + DAY + 3, 7):  # two new playlists and one that is longer
        table = updated.recommend(playlist=str(pid), k=12)
        assert np.mean(tastes[table.tracks] == f"t{pid % 5}") > 0.5  # by chance .2
    # New tracks are recommended to playlists of their taste and not to others.
    model = updated.recommender("test")
    values = model.score(updated.queries([str(p) for p in range(100, 105)])).numpy()[:, old:]
    own = tastes[old:][None, :] == np.array([f"t{p % 5}" for p in range(100, 105)])[:, None]
    assert own.sum() >= 5 * 6
    better = values[own].mean() - values[~own].mean()
    assert better > 0.5 * values[~own].std()


@pytest.mark.parametrize("kind", ["edges", "continuation"])
def test_the_hidden_stays_hidden_and_a_refitted_run_stays_refitted(kind: str, tmp_path: Path) -> None:
    first, second = data(N, seed=1, hidden=0.2, kind=kind), data(N + DAY, seed=2, longer=10, hidden=0.2, kind=kind)
    run = pr.fit(first, "mf", tmp_path / "run", options=TRAINED, preset="none", refit=True)
    new = update(run, second, tmp_path / "run2")
    assert new.refit_arrays is not None
    one = {(p, t): c for p, t, c in triples(run.data)}
    other = {(p, t): c for p, t, c in triples(new.data)}
    assert all(other[pair] == code for pair, code in one.items())
    loaded = pr.Run.load(tmp_path / "run2")
    assert repr(loaded.data.split.fingerprint) == repr(new.data.split.fingerprint)
    np.testing.assert_array_equal(loaded.recommend(playlist="215").tracks, new.recommend(playlist="215").tracks)
    assert loaded.evaluate("test").metrics["ndcg@20"] > 0.8 * run.evaluate("test").metrics["ndcg@20"]
    again = update(loaded, data(N + 2 * DAY, seed=3, longer=20, hidden=0.2, kind=kind), tmp_path / "run3")
    assert again.fitted_to["rows"].tolist() == run.fitted_to["rows"].tolist(), "what is inferred is inferred anew"
    with pytest.raises(RunError, match="run2 exists"):
        update(run, second, tmp_path / "run2")
    update(run, second, tmp_path / "run2", force=True, epochs=1)


def triples(data: pr.Data) -> list[tuple[str, str, int]]:
    corpus = data.corpus
    uris, pids = corpus.track_table["uri"].to_pylist(), corpus.playlists["pid"].to_pylist()
    entries = zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist(), data.split.part.tolist())
    return [(pids[p], uris[t], code) for p, t, code in entries]


def test_data_that_has_the_rows_already_is_not_copied(tmp_path: Path, days: list[pr.Data]) -> None:
    run = pr.fit(days[0], "itemknn", tmp_path / "run")
    grown = update(run, days[1], tmp_path / "run2").data
    assert grown.path == tmp_path / "run2" / "data"
    elsewhere = pr.Data.load(grown.path)
    third = update(run, elsewhere, tmp_path / "run3")
    assert third.data is elsewhere
    assert third.info["data"] == str(grown.path.absolute())
    moved = tmp_path / "run2-moved"
    (tmp_path / "run2").rename(moved)
    same = pr.Run.load(moved)
    assert same.recommend(playlist="7").tracks.tolist() == third.recommend(playlist="7").tracks.tolist()


def test_epochs_go_on_from_there(runs: dict[str, pr.Run], days: list[pr.Data]) -> None:
    run = runs["mf"]
    plain, trained = update(run, days[1]), update(run, days[1], epochs=2)
    assert trained.fitted_to["rows"].tolist()[0] == N + DAY, "all rows are fitted now"
    near = np.abs(trained.arrays["tables.track"] - plain.arrays["tables.track"]).max()
    far = np.abs(plain.arrays["tables.track"]).max()
    assert 0 < near < far


def test_what_is_refused(runs: dict[str, pr.Run], days: list[pr.Data], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="epochs are for models that are trained by gradient: itemknn is counted"):
        update(runs["itemknn"], days[1], epochs=2)
    with pytest.raises(ConfigError, match=r"epochs must be at least 0 \(got -1\)"):
        update(runs["mf"], days[1], epochs=-1)
    with pytest.raises(DataError, match="of one kind"):
        update(runs["mf"], data(N, seed=1, hidden=0.3, kind="continuation"), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_fit_starts_from_another_run_by_uri(tmp_path: Path) -> None:
    first, second = data(N, seed=1, hidden=0.2), data(N, seed=7)
    run = pr.fit(first, "mf", tmp_path / "run", options=TRAINED, preset="none")
    still: Mapping[str, Any] = {**TRAINED, "epochs": 1, "lr": 1e-9}
    for model in ("mf", "lightgcn"):
        warm = pr.fit(second, model, options=still, init=run, preset="none")
        for table, key, name in (("track_table", "uri", "track"), ("playlists", "pid", "playlist")):
            one, other = (getattr(r.data.corpus, table)[key].to_pylist() for r in (run, warm))
            rows = [one.index(uri) for uri in other if uri in one]
            kept = [row for row, uri in enumerate(other) if uri in one]
            vectors = warm.arrays[f"tables.{name}"][kept]
            np.testing.assert_allclose(vectors, run.arrays[f"tables.{name}"][rows], atol=1e-5)
    same = pr.fit(first, "mf", options=TRAINED, init=tmp_path / "run", preset="none")
    assert not np.allclose(same.arrays["tables.track"], run.arrays["tables.track"])
    with pytest.raises(RunError, match=r"was fitted to .* of the .* entries that in memory hides"):
        pr.fit(data(N, seed=7, hidden=0.2), "mf", options=TRAINED, init=run)
    with pytest.raises(ConfigError, match="init is for models that are trained by gradient"):
        pr.fit(second, "itemknn", init=run)
    with pytest.raises(ConfigError, match="of the same width"):
        pr.fit(second, "mf", options={**TRAINED, "dim": 8}, init=run)
