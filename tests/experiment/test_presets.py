"""Presets: files that hold, one default a model, found by size or name, and named in the run."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pyarrow as pa
import pytest
from calling import call

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError
from playlistrec.experiment import presets as module
from playlistrec.experiment.presets import Preset, preset_for, preset_named, presets
from playlistrec.experiment.presets.adapting import adapted
from playlistrec.experiment.resolving import preset_of
from playlistrec.models.registry import MODELS, model_class
from playlistrec.train.options import TrainOptions

FILES = sorted(Path(module.__file__).parent.glob("*.toml"))
TRAINED = [name for name in MODELS if model_class(name).trainable]


def test_every_file_is_a_preset() -> None:
    assert [preset.name for preset in presets()] == [path.stem for path in FILES]
    assert len({preset.name for preset in presets()}) == len(FILES) > 0


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_holds_options_of_its_model_and_of_training(preset: Preset) -> None:
    assert preset.model in MODELS
    assert preset.found.strip(), "it says how it was found"
    assert preset.min_pairs is None or preset.min_pairs >= 0
    kind = model_class(preset.model)
    own = {f.name for f in fields(kind.config_class)}
    loop = {f.name for f in fields(TrainOptions)} if preset.model in TRAINED else set()
    assert not own & loop, "an option is the model's or the training's"
    assert set(preset.options) <= own | loop
    model = kind.config_class.from_options({k: v for k, v in preset.options.items() if k in own})
    training = TrainOptions.from_options({k: v for k, v in preset.options.items() if k in loop})
    reported = {**(training.as_dict() if loop else {}), **model.as_dict()}
    assert {name: reported[name] for name in preset.options} == dict(preset.options)
    assert "features" not in preset.options


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_fits(preset: Preset) -> None:
    lists = [[f"t{t}" for t in range(p, p + 5)] for p in range(12)]
    corpus = pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 3}" for t in range(16)})
    albums = pa.array([f"b{t % 5}" for t in range(corpus.n_tracks)], pa.string())
    corpus = replace(corpus, track_table=corpus.track_table.append_column("album_uri", albums))
    data = pr.Data.of(corpus, split_edges(corpus))
    options = {"epochs": 1, "batch_size": 16} if preset.model in TRAINED else {}
    run = pr.fit(data, preset.model, preset=preset.name, options=options)
    assert run.info["preset"] == preset.name
    fitting = preset_of(preset.name, preset.model, data)
    assert fitting is not None
    reported, wanted = {**run.info["options"], **(run.info["training"] or {})}, {**fitting.options, **options}
    assert {name: reported[name] for name in wanted} == wanted


@pytest.mark.parametrize("model", TRAINED)
def test_each_trained_model_has_one_default_for_any_size(model: str) -> None:
    starts = [(p.min_pairs, p.min_density) for p in presets() if p.model == model and p.min_pairs is not None]
    assert starts.count((0, 0.0)) == 1
    assert len(set(starts)) == len(starts), "no two begin at the same size"
    for n_pairs in (0, 1, 10**9):
        assert preset_for(model, n_pairs) is not None


@pytest.mark.parametrize("model", ["lightgcn", "mf", "gat", "sage", "gcn", "ngcf"])
def test_small_data_has_softmax_too_unless_it_is_dense(model: str) -> None:
    """MovieLens 100K has 55,000 training pairs, a thirtieth of all there could be; small playlist data, a hundredth."""
    found = {
        size: preset_for(model, *size) for size in [(2_000, 0.01), (60_000, 0.003), (55_000, 0.035), (10**6, 0.04)]
    }
    losses = [preset.options.get("loss", "bpr") for preset in found.values() if preset is not None]
    assert losses == ["softmax", "softmax", "bpr", "softmax"]


@pytest.mark.parametrize(
    ("model", "loss", "name"),
    [
        ("lightgcn", "bpr", "lightgcn-small"),
        ("mf", "bpr", "mf-small"),
        ("mf", "softmax", "mf"),
        ("lightgcn", "directau", None),
        ("lightgcn", None, "lightgcn"),
    ],
)
def test_another_loss_takes_another_preset(model: str, loss: str | None, name: str | None) -> None:
    """``--set loss=bpr`` was refused for the preset's ``negatives=all``, which nobody had set."""
    corpus = of_length(60, 6)
    data = pr.Data.of(corpus, split_edges(corpus))
    given = {} if loss is None else {"loss": loss}
    found = preset_of(None, model, data, given)
    assert (found and found.name) == name
    run = pr.fit(data, model, options={**given, "epochs": 1, "dim": 4, "init": "xavier"})
    assert run.info["preset"] == name
    assert run.info["training"]["loss"] == (loss or "softmax")


def of_length(n_playlists: int, length: int) -> Corpus:
    return Corpus.from_lists([[f"t{(7 * p + i) % 400}" for i in range(length)] for p in range(n_playlists)])


@pytest.mark.parametrize(
    ("length", "temperature"), [(60, 0.1), (22, 0.1), (14, 0.1 * (22 / 14) ** 1.2), (11, 0.1 * 2**1.2), (3, 0.3)]
)
def test_short_playlists_get_a_higher_temperature(length: int, temperature: float) -> None:
    options = {"temperature": 0.1, "popularity_prior": 0.05, "batch_size": 1024, "lr": 0.02}
    preset = Preset("mine", "mf", "by hand", options, adapts=True)
    found = adapted(preset, of_length(100, length)).options
    assert found["temperature"] == pytest.approx(temperature, abs=1e-4)
    assert found["popularity_prior"] == pytest.approx(temperature / 2, abs=1e-4)
    assert found["lr"] == 0.02
    assert adapted(replace(preset, adapts=False), of_length(100, length)).options == options


@pytest.mark.parametrize(("n_playlists", "batch"), [(12_300, 1024), (6_000, 500), (100, 64), (1, 64)])
def test_small_data_has_steps_enough(n_playlists: int, batch: int) -> None:
    preset = Preset("mine", "mf", "by hand", {"batch_size": 1024}, adapts=True)
    assert adapted(preset, of_length(n_playlists, 2)).options == {"batch_size": batch}


def test_an_option_that_is_given_stays_as_it_is_given() -> None:
    corpus = of_length(60, 6)
    run = pr.fit(pr.Data.of(corpus, split_edges(corpus)), "mf", options={"epochs": 1, "temperature": 0.123})
    assert run.info["training"]["temperature"] == 0.123
    assert run.info["options"]["popularity_prior"] == 0.15


@pytest.mark.parametrize("model", [name for name in MODELS if name not in TRAINED])
def test_models_that_are_not_trained_have_no_default(model: str) -> None:
    assert preset_for(model, 10**9) is None


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"small": 0, "asked": None, "large": 1000, "middle": 100}
    made = [Preset(name, "mf", "by hand", {"dim": 4}, size) for name, size in sizes.items()]
    monkeypatch.setattr(module, "presets", lambda: [*made, Preset("other", "gat", "by hand", {}, 500)])


@pytest.mark.parametrize(
    ("n_pairs", "name"),
    [(0, "small"), (99, "small"), (100, "middle"), (999, "middle"), (1000, "large"), (10**9, "large")],
)
def test_the_default_is_the_largest_that_fits(n_pairs: int, name: str, several: None) -> None:
    found = preset_for("mf", n_pairs)
    assert found is not None
    assert found.name == name


def test_where_all_begin_higher_there_is_no_default(several: None) -> None:
    assert preset_for("gat", 499) is None
    assert preset_for("gat", 500) is not None


def test_presets_by_name(several: None) -> None:
    assert preset_named("asked", "mf").min_pairs is None
    known = "it has: small, asked, large, middle"
    with pytest.raises(ConfigError, match=rf"^mf has no preset 'smal' \(did you mean 'small'\?\); {known}$"):
        preset_named("smal", "mf")
    with pytest.raises(ConfigError, match=rf"^mf has no preset 'other'; {known}$"):
        preset_named("other", "mf")
    with pytest.raises(ConfigError, match=r"^itemknn has no preset 'small'; it has: none$"):
        preset_named("small", "itemknn")


def trained_as(folder: Path) -> tuple[str | None, dict[str, object]]:
    info = json.loads((folder / "run.json").read_text())
    return info["preset"], {**info["options"], **info["training"]}


def test_fit_takes_the_preset_of_the_size_or_the_one_asked_for(data_folder: Path, tmp_path: Path) -> None:
    fitting = ("fit", data_folder, "-m", "mf", "--epochs", 1)
    n_pairs = pr.Data.load(data_folder).split.counts()["train"]
    usual = preset_of(None, "mf", pr.Data.load(data_folder))
    assert usual is not None
    assert usual.name == preset_for("mf", n_pairs).name  # type: ignore[union-attr]
    call(*fitting, "-o", tmp_path / "usual")
    call(*fitting, "-o", tmp_path / "named", "--preset", usual.name)
    call(*fitting, "-o", tmp_path / "plain", "--preset", "none")
    call(*fitting, "-o", tmp_path / "mixed", "--set", "n_negatives=3")
    plain = {**model_class("mf").config_class().as_dict(), **TrainOptions(epochs=1).as_dict()}
    assert trained_as(tmp_path / "plain") == (None, plain)
    assert trained_as(tmp_path / "usual") == (usual.name, {**plain, **usual.options, "epochs": 1})
    assert trained_as(tmp_path / "named") == trained_as(tmp_path / "usual")
    assert trained_as(tmp_path / "mixed") == (usual.name, {**plain, **usual.options, "epochs": 1, "n_negatives": 3})
    call("fit", data_folder, "-m", "mf", "-o", tmp_path / "plain", "--resume", "--epochs", 2, "--preset", "none")
    assert trained_as(tmp_path / "plain") == (None, {**plain, "epochs": 2})
    said = call("fit", data_folder, "-m", "mf", "-o", tmp_path / "plain", "--resume", "--preset", usual.name, code=2)
    assert said.stderr == f"error: a fit that is resumed keeps its preset (got {usual.name!r})\n"


def test_a_preset_of_another_model_is_refused_in_one_line(data_folder: Path, tmp_path: Path) -> None:
    other = next(preset.name for preset in presets() if preset.model == "gat")
    for model, name in (("mf", other), ("popularity", other), ("mf", "nonesuch")):
        result = call("fit", data_folder, "-m", model, "-o", tmp_path / "run", "--preset", name, code=2)
        assert result.stdout == ""
        assert result.stderr.startswith(f"error: {model} has no preset {name!r}")
        assert len(result.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_models_lists_the_presets() -> None:
    reported = json.loads(call("models", "--json").stdout)["models"]
    for name, about in reported.items():
        wanted = {
            p.name: {"min_pairs": p.min_pairs, "adapts": p.adapts, **p.options} for p in presets() if p.model == name
        }
        assert about["presets"] == wanted
    for name in reported:
        text = call("models", name).stdout
        assert all(f"preset {preset.name} (" in text for preset in presets() if preset.model == name)
