"""The blend: its scales and sums against loops, its weights against what evaluation says, its parts kept whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fixed import Fixed
from torch import Tensor

import playlistrec as pr
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError, RunError
from playlistrec.experiment.ensembles import blending
from playlistrec.experiment.ensembles.blending import fit_weights
from playlistrec.models.base import Query
from playlistrec.models.ensemble.blend import Blend, BlendConfig, reciprocal_ranks, standardised
from playlistrec.rank.protocols import evaluate


def rough(n: int = 6, width: int = 30, seed: int = 0) -> Tensor:
    """Scores with ties, with -inf here and there, and one constant row."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-3, 5, (n, width)) * 0.7
    scores[rng.random((n, width)) < 0.2] = -np.inf
    scores[-1] = 0.1
    return torch.tensor(scores, dtype=torch.float32)


def z_score(row: list[float]) -> list[float]:
    known = [x for x in row if x != -np.inf]
    mean, spread = np.mean(known), np.std(known)
    unit = [(x - mean) / spread if spread > 1e-9 else 0.0 for x in known]
    return [(x - mean) / spread if x != -np.inf and spread > 1e-9 else min(unit) for x in row]


def reciprocal(row: list[float]) -> list[float]:
    return [1 / (60 + 1 + sum(y > x for y in row)) if x != -np.inf else 0.0 for x in row]


@pytest.mark.parametrize(("fast", "slow"), [(standardised, z_score), (reciprocal_ranks, reciprocal)])
def test_scales_against_a_loop(fast, slow) -> None:
    scores = rough()
    kept = scores.clone()
    np.testing.assert_allclose(fast(scores), [slow(row) for row in scores.double().tolist()], atol=1e-5)
    torch.testing.assert_close(scores, kept)
    nothing = torch.full((2, 4), -torch.inf)
    assert fast(nothing).tolist() == torch.zeros(2, 4).tolist()


@pytest.mark.parametrize(("mix", "slow"), [("weighted", z_score), ("reciprocal-rank", reciprocal)])
def test_the_sum_against_a_loop_with_what_cannot_be_ranked(mix: str, slow) -> None:
    parts = [rough(seed=1), rough(seed=2), rough(seed=3)]
    options = BlendConfig.from_options({"parts": "a,b,c", "mix": mix, "weights": "2,0.5,0"})
    found = Blend([Fixed(scores) for scores in parts], options.weights, options).score(Query.of([[]] * 6))
    for row in range(6):
        lists = [scores[row].double().tolist() for scores in parts[:2]]
        scaled = [slow(values) for values in lists]
        for track in range(30):
            if all(values[track] == -np.inf for values in lists):
                assert found[row, track] == -torch.inf, "the third part has no weight, so no say"
            else:
                assert found[row, track].item() == pytest.approx(
                    2 * scaled[0][track] + 0.5 * scaled[1][track], abs=1e-4
                )


def test_a_nan_of_a_part_is_not_hidden() -> None:
    broken = torch.zeros(1, 5)
    broken[0, 2] = torch.nan
    for mix in ("weighted", "reciprocal-rank"):
        options = BlendConfig.from_options({"parts": "a,b", "mix": mix})
        blend = Blend([Fixed(broken), Fixed(torch.arange(5.0)[None])], None, options)
        with pytest.raises(RunError, match="not a number"):
            pr.recommend(blend, Query.of([[]]), 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"parts": "popularity,itemknn", "weights": "1"}, "weights must be 2 numbers .* popularity, itemknn"),
        ({"parts": "popularity,itemknn", "weights": "1,-1"}, "weights must be 2 numbers"),
        ({"parts": "popularity,itemknn", "weights": "0,0"}, "not all 0"),
        ({"runs": "a,b,c", "weights": "1,1"}, r"weights must be 3 numbers .* a, b, c"),
        ({"mix": "product"}, "mix must be one of weighted, reciprocal-rank"),
        ({"parts": []}, "parts must be one or more models"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        BlendConfig.from_options(options)


@pytest.fixture(scope="module")
def data() -> pr.Data:
    """Playlists by taste, so that neighbours and factors each know something."""
    rng = np.random.default_rng(0)
    lists = []
    for p in range(150):
        weights = np.where(np.arange(90) % 6 == p % 6, 1.0, 0.08) / (1 + np.arange(90) // 6)
        tracks = rng.choice(90, size=rng.integers(6, 16), replace=False, p=weights / weights.sum())
        lists.append([f"t{t}" for t in tracks])
    corpus = pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 7}" for t in range(90)})
    return pr.Data.of(corpus, split_edges(corpus, valid=0.15, test=0.15))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, data: pr.Data) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("parts")
    short = {"epochs": 8, "batch_size": 256, "lr": 0.02}
    for name, options in (("popularity", {}), ("itemknn", {"shrink": 2.0}), ("mf", short), ("lightgcn", short)):
        pr.fit(data, name, folder / name, options=options, refit=name != "popularity")
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize("mix", ["weighted", "reciprocal-rank"])
def test_no_part_is_better_on_validation(mix: str, data: pr.Data, saved: dict[str, Path]) -> None:
    run = pr.fit(data, "blend", options={"runs": [str(path) for path in saved.values()], "mix": mix})
    alone = [pr.Run.load(path, data=data).evaluate("valid").metrics["ndcg@20"] for path in saved.values()]
    assert run.evaluate("valid").metrics["ndcg@20"] >= max(alone)
    weights = run.info["options"]["weights"]
    assert sum(weights) == pytest.approx(1)
    assert run.arrays["weights"].tolist() == pytest.approx(weights)
    assert run.evaluate("valid").metrics["ndcg@20"] > max(alone) or max(weights) == 1


@pytest.mark.parametrize("mix", ["weighted", "reciprocal-rank"])
def test_weights_are_fitted_to_what_evaluation_says(mix: str, data: pr.Data) -> None:
    options = BlendConfig.from_options({"parts": "itemknn,popularity", "mix": mix})
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    blend = Blend.from_corpus(data.split.training(data.corpus), options)
    pool = blending._pool(blend, evaluation_set, lambda event: None)
    for weights in ([1.0, 0.0], [0.0, 1.0], [0.3, 0.7]):
        said = evaluate(Blend(blend.parts, weights, options), evaluation_set).metrics["ndcg@20"]
        assert pool.ndcg(weights) == pytest.approx(said, abs=1e-6)
    fitted = fit_weights(blend, evaluation_set)
    assert pool.ndcg(fitted) >= max(pool.ndcg([w, 1 - w]) for w in np.linspace(0, 1, 11).tolist()) - 0.002
    assert fit_weights(blend, evaluation_set) == fitted


def test_with_too_much_to_keep_some_questions_are_drawn(data: pr.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    some = blending.some_queries(evaluation_set, 20, seed=1)
    assert len(some) == 20
    rows = np.searchsorted(evaluation_set.playlists, some.playlists)
    for i, row in enumerate(rows):
        for offsets, values in (("seed_offsets", "seeds"), ("truth_offsets", "truth")):
            mine = getattr(some, values)[slice(*getattr(some, offsets)[i : i + 2])]
            whole = getattr(evaluation_set, values)[slice(*getattr(evaluation_set, offsets)[row : row + 2])]
            np.testing.assert_array_equal(mine, whole)
    assert blending.some_queries(evaluation_set, len(evaluation_set), seed=1) is evaluation_set
    monkeypatch.setattr(blending, "MOST_FEATURES", 20 * 100 * 2 * 2)
    run = pr.fit(data, "blend", seed=1)
    assert sum(run.info["options"]["weights"]) == pytest.approx(1)


def test_the_parts_are_kept_whole(data: pr.Data, saved: dict[str, Path], tmp_path: Path) -> None:
    """A blend answers when the runs it was made of are gone, as they did, a blend of a blend too."""
    inner = {"runs": [str(saved["itemknn"]), str(saved["lightgcn"])], "weights": "1,1"}
    pr.fit(data, "blend", tmp_path / "inner", options=inner)
    outer = {"runs": [str(tmp_path / "inner"), str(saved["mf"])], "weights": [0.7, 0.3]}
    pr.fit(data, "blend", tmp_path / "outer", options=outer)
    (tmp_path / "inner").rename(tmp_path / "gone")
    loaded = pr.Run.load(tmp_path / "outer", data=data)
    parts = {name: pr.Run.load(saved[name], data=data) for name in ("itemknn", "lightgcn", "mf")}
    query = Query.of([[0, 5], [], [7]], [3, -1, -1])
    for part in ("valid", "test"):
        of = {name: standardised(run.recommender(part).score(query)) for name, run in parts.items()}
        wanted = 0.7 * standardised(of["itemknn"] + of["lightgcn"]) + 0.3 * of["mf"]
        torch.testing.assert_close(loaded.recommender(part).score(query), wanted, rtol=1e-4, atol=1e-4)
    tracks, _ = loaded.recommend(playlist=0, k=5)
    assert len(tracks) == 5


def test_validation_is_ranked_by_parts_that_have_not_learned_it(data: pr.Data, saved: dict[str, Path]) -> None:
    names = ["itemknn", "mf"]
    run = pr.fit(data, "blend", options={"runs": [str(saved[name]) for name in names]})
    assert run.refit_arrays is not None, "both runs were refitted"
    for index, name in enumerate(names):
        part = pr.Run.load(saved[name], data=data)
        for ours, theirs in ((run.arrays, part.arrays), (run.refit_arrays, part.refit_arrays)):
            assert theirs is not None
            for key, array in theirs.items():
                np.testing.assert_array_equal(ours[f"{index}/{key}"], array)
    np.testing.assert_array_equal(run.refit_arrays["weights"], run.arrays["weights"])


def test_refitted_only_where_all_parts_are(data: pr.Data, saved: dict[str, Path], tmp_path: Path) -> None:
    options = {"runs": [str(saved["itemknn"]), str(saved["popularity"])]}
    assert pr.fit(data, "blend", options=options).refit_arrays is None
    with pytest.raises(ConfigError, match=r"runs that were not refitted \(.*\): leave out refit=True"):
        pr.fit(data, "blend", tmp_path / "run", options=options, refit=True)
    assert not (tmp_path / "run").exists()
    assert pr.fit(data, "blend", refit=True).refit_arrays is not None, "parts by name are fitted again"


def test_runs_of_other_data_and_trained_parts_are_refused(
    data: pr.Data, saved: dict[str, Path], tmp_path: Path
) -> None:
    other = pr.Data.of(data.corpus, split_edges(data.corpus, seed=9))
    with pytest.raises(RunError, match="was fitted on another split"):
        pr.fit(other, "blend", tmp_path / "run", options={"runs": [str(saved["mf"])]})
    with pytest.raises(RunError, match="does not exist"):
        pr.fit(data, "blend", tmp_path / "run", options={"runs": [str(tmp_path / "none")]})
    with pytest.raises(ConfigError, match=r"parts must be models that are not trained: fit mf, and give its run"):
        pr.fit(data, "blend", tmp_path / "run", options={"parts": "itemknn,mf"})
    assert not (tmp_path / "run").exists()


def test_without_a_validation_part_all_weigh_the_same(data: pr.Data) -> None:
    bare = pr.Data.of(data.corpus, split_edges(data.corpus, valid=0.0, test=0.1))
    reported: list[str] = []
    run = pr.fit(bare, "blend", on_event=lambda event: reported.append(event.text))
    assert run.info["options"]["weights"] == pytest.approx((0.5, 0.5))
    assert "there is no validation part: all parts of the blend weigh the same" in reported
