"""Searches: on validation alone, resumed to the same trials, failures recorded, results that `fit` takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

import playlistrec as pr
from playlistrec.corpus.split import TEST
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.events import Event
from playlistrec.experiment.presets import preset_named
from playlistrec.experiment.resolving import resolve
from playlistrec.experiment.tuning import search as tuning
from playlistrec.experiment.tuning import trials
from playlistrec.experiment.tuning.search import tune
from playlistrec.experiment.tuning.spaces import Choice, Range, space_for
from playlistrec.models.registry import MODELS, model_class

SPACES = sorted((Path(tuning.__file__).parent / "options").glob("*.toml"))
SHORT = {"epochs": 2, "eval_every": 1}


@pytest.fixture(scope="module")
def data() -> pr.Data:
    rng = np.random.default_rng(0)
    lists = []
    for p in range(80):
        weights = np.where(np.arange(60) % 4 == p % 4, 1.0, 0.1)
        lists.append([f"t{t}" for t in rng.choice(60, size=10, replace=False, p=weights / weights.sum())])
    corpus = pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 5}" for t in range(60)})
    return pr.Data.of(corpus, split_edges(corpus, valid=0.15, test=0.15))


def drawn(folder: Path) -> list[tuple[str, dict[str, object], float | None]]:
    study = optuna.load_study(study_name="tune", storage=f"sqlite:///{folder / 'study.db'}")
    return [(t.state.name, t.params, t.value) for t in study.trials]


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_space_names_options_of_its_model_and_values_they_can_have(path: Path) -> None:
    assert path.stem in MODELS
    kind = model_class(path.stem)
    own, training = resolve(kind, {})
    reported = {**own.as_dict(), **(training.as_dict() if training else {})}
    for name, dimension in space_for(path.stem).items():
        assert set(dimension.when) <= set(reported)
        values = dimension.values if isinstance(dimension, Choice) else (dimension.low, dimension.high)
        for value in values:
            options = {**dimension.when, name: value}
            extra = {"negatives": "all", "loss": "softmax"} if options.get("negatives") == "all" else {}
            model, loop = resolve(kind, {**extra, **options})
            read = {**model.as_dict(), **(loop.as_dict() if loop else {})}[name]
            assert read == value or (value, read) == ("none", None)
            assert isinstance(read, bool) == isinstance(value, bool)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_best_trial_becomes_a_preset(sampler, data: pr.Data, tmp_path: Path) -> None:
    events: list[Event] = []
    found = tune(data, "itemknn", tmp_path, trials=4, sampler=sampler, seed=1, on_event=events.append)
    trials = drawn(tmp_path)
    assert [state for state, _, _ in trials] == ["COMPLETE"] * 4
    best = max(trials, key=lambda trial: trial[2] or 0)
    assert (found.value, found.options) == (best[2], best[1])
    assert found.counts == {"finished": 4, "pruned": 0, "failed": 0}
    for _, options, value in trials:
        run = pr.fit(data, "itemknn", options=options)
        assert run.evaluate("valid").metrics["ndcg@20"] == pytest.approx(value)
    preset = preset_named(str(tmp_path / "best.toml"), "itemknn")
    assert dict(preset.options) == found.options
    assert f"ndcg@20 {found.value:.4f}" in preset.found
    run = pr.fit(data, "itemknn", preset=str(tmp_path / "best.toml"))
    assert run.evaluate("valid").metrics["ndcg@20"] == pytest.approx(found.value)
    lines = [event.text for event in events if event.kind == "message"]
    assert [line.split(":")[0] for line in lines] == [f"trial {i} of 4" for i in (1, 2, 3, 4)]


def test_the_test_part_is_never_read(data: pr.Data, tmp_path: Path) -> None:
    """What is hidden for the test could as well be something else."""
    part = data.split.part
    rng = np.random.default_rng(1)
    tracks = data.corpus.tracks.copy()
    tracks[part == TEST] = rng.permutation(tracks[part == TEST])
    from dataclasses import replace

    other = pr.Data.of(replace(data.corpus, tracks=tracks), data.split)
    one = tune(data, "itemknn", tmp_path / "a", trials=3)
    two = tune(other, "itemknn", tmp_path / "b", trials=3)
    assert (one.value, one.options) == (two.value, two.options)


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(
    data: pr.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tune(data, "mf", tmp_path / "whole", trials=4, options=SHORT, seed=2)
    real, calls = trials.fit, []

    def killed(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(trials, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        tune(data, "mf", tmp_path / "parts", trials=4, options=SHORT, seed=2)
    assert [state for state, _, _ in drawn(tmp_path / "parts")] == ["COMPLETE", "COMPLETE", "RUNNING"]
    found = tune(data, "mf", tmp_path / "parts", trials=4, options=SHORT, seed=2)
    assert (found.value, found.options, found.counts) == (whole.value, whole.options, whole.counts)
    kept = [trial for trial in drawn(tmp_path / "parts") if trial[0] != "FAIL"]
    assert kept == drawn(tmp_path / "whole")
    before = len(calls)
    again = tune(data, "mf", tmp_path / "parts", trials=4, options=SHORT, seed=2)
    assert (again.value, len(calls)) == (found.value, before), "there was nothing left to do"


def test_trials_that_fail_are_recorded_and_the_others_count(data: pr.Data, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("lr = { choices = [0.01, 1e30] }\nn_negatives = { low = 1, high = 2 }\n")
    found = tune(data, "mf", tmp_path / "out", trials=6, space=tmp_path / "space.toml", options=SHORT, sampler="random")
    assert found.counts["failed"] > 0 < found.counts["finished"]
    assert sum(found.counts.values()) == 6
    assert found.options["lr"] == 0.01
    assert {name: found.options[name] for name in SHORT} == SHORT
    (tmp_path / "space.toml").write_text("lr = { choices = [1e30] }\n")
    with pytest.raises(RunError, match=r"^no trial was finished: the loss is .* lr = 1e\+30 is too high"):
        tune(data, "mf", tmp_path / "none", trials=2, space=tmp_path / "space.toml", options=SHORT)
    assert not (tmp_path / "none" / "best.toml").exists()


def test_bad_trials_are_given_up_early(data: pr.Data, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("lr = { choices = [0.05, 1e-7] }\n")
    options = {"epochs": 4, "eval_every": 2, "batch_size": 32}
    found = tune(
        data, "mf", tmp_path, trials=10, space=tmp_path / "space.toml", options=options, sampler="random", seed=1
    )
    study = optuna.load_study(study_name="tune", storage=f"sqlite:///{tmp_path / 'study.db'}")
    pruned = [t for t in study.trials if t.state.name == "PRUNED"]
    assert len(pruned) == found.counts["pruned"] > 0
    assert all(t.params["lr"] == 1e-7 for t in pruned)
    assert all(len(t.intermediate_values) == 2 for t in study.trials if t.state.name == "COMPLETE")
    assert min(len(t.intermediate_values) for t in pruned) == 1


def test_time_ends_a_search_and_the_trial_it_cut_is_repeated(data: pr.Data, tmp_path: Path) -> None:
    slow = {"epochs": 100_000, "eval_every": 1, "patience": 100_000}
    for _ in range(2):
        with pytest.raises(RunError, match="no trial was finished: give it more time, or fewer epochs"):
            tune(data, "mf", tmp_path, trials=3, time_limit=1, options=slow)
    first, second = drawn(tmp_path)
    assert first[0] == second[0] == "FAIL"
    assert first[1] == second[1] != {}


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_trial_that_was_killed_between_two_draws_is_drawn_again(sampler, data: pr.Data, tmp_path: Path) -> None:
    whole = tune(data, "itemknn", tmp_path / "whole", trials=3, sampler=sampler)
    tune(data, "itemknn", tmp_path / "killed", trials=1, sampler=sampler)
    study = optuna.load_study(study_name="tune", storage=f"sqlite:///{tmp_path / 'killed' / 'study.db'}")
    study.sampler = optuna.samplers.RandomSampler(seed=9)
    study.ask().suggest_float("alpha", 0.0, 1.0)
    again = tune(data, "itemknn", tmp_path / "killed", trials=3, sampler=sampler)
    assert again.options == whole.options
    finished = [options for state, options, _ in drawn(tmp_path / "killed") if state == "COMPLETE"]
    assert finished == [options for _, options, _ in drawn(tmp_path / "whole")]


def test_by_another_metric(data: pr.Data, tmp_path: Path) -> None:
    found = tune(data, "itemknn", tmp_path, trials=2, by="map@5")
    run = pr.fit(data, "itemknn", options=found.options)
    assert run.evaluate("valid", [5]).metrics["map@5"] == pytest.approx(found.value)
    for by in ("ndcg", "mapp@5", "auc@3", "ndcg@0", "ndcg@²"):
        with pytest.raises(ConfigError, match=rf"by must be one of .* \(got '{by}'\)"):
            tune(data, "itemknn", tmp_path, by=by)


def test_options_that_are_given_are_not_searched(data: pr.Data, tmp_path: Path) -> None:
    tune(data, "itemknn", tmp_path, trials=2, options={"shrink": "3", "alpha": 0.5})
    assert all(not {"shrink", "alpha"} & set(options) for _, options, _ in drawn(tmp_path))
    assert preset_named(str(tmp_path / "best.toml"), "itemknn").options["shrink"] == 3.0
    for changed, name in (({"seed": 1}, "seed"), ({"options": {"shrink": 4}}, "options"), ({"by": "map@5"}, "by")):
        with pytest.raises(RunError, match=f"holds a search with another {name}"):
            tune(data, "itemknn", tmp_path, **{"options": {"shrink": "3", "alpha": 0.5}, "trials": 2} | changed)


@pytest.mark.parametrize("when", ["bpr", "softmax"])
def test_some_options_are_searched_with_others_only(when: str, data: pr.Data, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(
        f'loss = {{ choices = ["{when}"] }}\n'
        'temperature = { low = 0.1, high = 0.2, when = { loss = "softmax" } }\n'
        "n_negatives = { low = 1, high = 4, log = true }\n"
    )
    tune(data, "mf", tmp_path, trials=1, space=tmp_path / "space.toml", options=SHORT)
    assert set(drawn(tmp_path)[0][1]) == {"loss", "n_negatives"} | ({"temperature"} if when == "softmax" else set())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr = ", "is not TOML"),
        ("", "names no option"),
        ("lr = 0.1", r"lr must be { low = .* \(got 0.1\)"),
        ("lr = { low = 1 }", "lr must be"),
        ("lr = { low = 2, high = 1 }", "low at most high"),
        ("lr = { low = 0.0, high = 1.0, log = true }", "above 0 with log"),
        ("lr = { choices = [] }", "lr must be"),
        ("lr = { low = 1, high = 2, step = 3 }", "lr must be"),
        ("learning = { choices = [1] }", "mf has no option 'learning' to search"),
        ("lr = { choices = [1.0], when = { losss = 1 } }", r"mf has no option 'losss' to search \(did you mean 'loss'"),
    ],
)
def test_spaces_that_cannot_be(text: str, said: str, data: pr.Data, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        tune(data, "mf", tmp_path / "out", space=tmp_path / "space.toml")
    assert not (tmp_path / "out").exists()


def test_numbers_are_whole_where_both_bounds_are(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("layers = { low = 1, high = 3 }\nlr = { low = 1, high = 3.0, log = true }\n")
    space = space_for("mf", tmp_path / "s.toml")
    trial = optuna.create_study().ask()
    layers, lr = space["layers"], space["lr"]
    assert isinstance(layers, Range)
    assert isinstance(lr, Range)
    assert isinstance(layers.suggest(trial, "layers"), int)
    assert isinstance(lr.suggest(trial, "lr"), float)


def test_what_else_is_refused(data: pr.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"^popularity has no search space: write one, .*: give it with space=…$"):
        tune(data, "popularity", tmp_path)
    with pytest.raises(ConfigError, match="itemknn has no option 'shrnk'"):
        tune(data, "itemknn", tmp_path, options={"shrnk": 1})
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        tune(data, "itemknn", tmp_path, space=tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"trials must be at least 1 \(got 0\)"):
        tune(data, "itemknn", tmp_path, trials=0)
    bare = pr.Data.of(data.corpus, split_edges(data.corpus, valid=0.0))
    with pytest.raises(DataError, match="no validation part"):
        tune(bare, "itemknn", tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "study.db").write_text("no database, and long enough not to be taken for an empty one")
    with pytest.raises(RunError, match=r"study.db cannot be used"):
        tune(data, "itemknn", tmp_path / "broken")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"pip install 'playlistrec\[tune\]'"):
        tune(data, "itemknn", tmp_path)


def test_optuna_is_as_silent_as_before(data: pr.Data, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    tune(data, "itemknn", tmp_path, trials=1)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_presets_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text, said in (
        ("model = ", "is not TOML"),
        ('model = "mf"\n', r"is not a preset: it needs model, found and \[options\]"),
        ('model = "gat"\nfound = ""\n[options]\n', r"is for gat \(got mf\)"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            preset_named(str(path), "mf")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        preset_named(str(tmp_path / "none.toml"), "mf")
    path.write_text('model = "mf"\nfound = "by hand"\n[options]\nlr = 0.5\n')
    assert json.dumps(dict(preset_named(str(path), "mf").options)) == '{"lr": 0.5}'
