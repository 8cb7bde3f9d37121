"""The training loop: the best epoch, early stopping, limits, and a resume that changes nothing."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from interrupting import Interrupted, interrupt_in, spread

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import DataError, RunError
from playlistrec.events import Event
from playlistrec.models.embedding.model import EmbeddingModel
from playlistrec.models.registry import model_class
from playlistrec.storage import read_arrays, write_arrays
from playlistrec.train import trainer
from playlistrec.train.checkpoint import FitState
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions
from playlistrec.train.trainer import Trainer

OPTIONS = TrainOptions(epochs=7, batch_size=40, lr=0.02, eval_every=2, patience=10)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(30, size=rng.integers(3, 12), replace=False)] for _ in range(40)]
    return Corpus.from_lists(lists)


def untrained(name: str, corpus: Corpus) -> EmbeddingModel:
    kind = model_class(name)
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 8}), seed=3)
    assert isinstance(model, EmbeddingModel)
    return model


@pytest.mark.parametrize(
    ("name", "regime"), [("mf", "full"), ("lightgcn", "full"), ("sage", "full"), ("gat", "sampled")]
)
def test_resume_equals_an_uninterrupted_fit(name: str, regime: str, corpus: Corpus, tmp_path: Path) -> None:
    options = replace(OPTIONS, regime=regime, fanout=3)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    straight.mkdir()
    broken.mkdir()
    whole = untrained(name, corpus)
    done = fit(whole, corpus, options, seed=1, validate=spread, folder=straight)
    with pytest.raises(Interrupted):
        fit(untrained(name, corpus), corpus, options, seed=1, validate=spread, folder=broken, on_event=interrupt_in(6))
    resumed = untrained(name, corpus)
    again = fit(resumed, corpus, options, seed=1, validate=spread, folder=broken, resume=True)
    assert again.history == done.history
    assert (broken / "history.jsonl").read_bytes() == (straight / "history.jsonl").read_bytes()
    for key, array in whole.state().items():
        np.testing.assert_array_equal(array, resumed.state()[key])
    assert [json.loads(line)["epoch"] for line in (broken / "timing.jsonl").read_text().splitlines()] == [*range(1, 8)]


def test_more_epochs_after_a_finished_fit(corpus: Corpus, tmp_path: Path) -> None:
    one, two = untrained("mf", corpus), untrained("mf", corpus)
    long = fit(one, corpus, replace(OPTIONS, epochs=9), seed=1, validate=spread)
    fit(two, corpus, replace(OPTIONS, epochs=5), seed=1, validate=spread, folder=tmp_path)
    more = untrained("mf", corpus)
    state = fit(more, corpus, replace(OPTIONS, epochs=9), seed=1, validate=spread, folder=tmp_path, resume=True)
    assert state.history == long.history
    assert state.stopped == "epochs"


def scripted(values: list[float]):
    left = iter(values)
    return lambda model: {"ndcg@20": next(left)}


def test_best_epoch_is_kept_and_patience_stops(corpus: Corpus, tmp_path: Path) -> None:
    kept: dict[int, dict[str, np.ndarray]] = {}
    values = iter([0.1, 0.3, 0.2, 0.3, 0.1, 0.9])
    model = untrained("mf", corpus)

    def validate(model: EmbeddingModel) -> dict[str, float]:
        kept[len(kept) + 1] = {k: v.copy() for k, v in model.state().items()}
        return {"ndcg@20": next(values)}

    state = fit(
        model, corpus, replace(OPTIONS, epochs=50, eval_every=1, patience=3), validate=validate, folder=tmp_path
    )
    assert (state.epoch, state.best_epoch, state.stopped, state.best) == (5, 2, "patience", 0.3)
    for key, array in kept[2].items():
        np.testing.assert_array_equal(model.state()[key], array)
        np.testing.assert_array_equal(read_arrays(tmp_path / "weights.npz")[0][key], array)
    resumed = untrained("mf", corpus)
    again = fit(resumed, corpus, OPTIONS, validate=scripted([]), folder=tmp_path, resume=True)
    assert again.epoch == 5
    np.testing.assert_array_equal(resumed.state()["tables.track"], kept[2]["tables.track"])


def test_a_fit_too_short_to_validate_still_does(corpus: Corpus, tmp_path: Path) -> None:
    state = fit(untrained("mf", corpus), corpus, OPTIONS, validate=spread, folder=tmp_path, time_limit=1e-9)
    assert (state.epoch, state.stopped, state.best_epoch) == (0, "time", 1)
    assert "ndcg@20" in json.loads((tmp_path / "history.jsonl").read_text())
    assert (tmp_path / "weights.npz").exists()
    model, straight = untrained("mf", corpus), untrained("mf", corpus)
    resumed = fit(model, corpus, OPTIONS, validate=spread, folder=tmp_path, resume=True)
    assert resumed.history == fit(straight, corpus, OPTIONS, validate=spread).history
    np.testing.assert_array_equal(model.state()["tables.track"], straight.state()["tables.track"])


def test_without_validation_the_last_epoch_is_kept(corpus: Corpus) -> None:
    state = fit(untrained("mf", corpus), corpus, OPTIONS)
    assert (state.epoch, state.best_epoch, state.best, state.stopped) == (7, 7, None, "epochs")


@pytest.mark.parametrize("loss", ["bpr", "bce"])
@pytest.mark.parametrize("name", ["mf", "lightgcn", "gat", "sage"])
def test_loss_falls(name: str, loss: str, corpus: Corpus) -> None:
    losses = [r["loss"] for r in fit(untrained(name, corpus), corpus, replace(OPTIONS, loss=loss, epochs=15)).history]
    assert losses[-1] < 0.9 * losses[0]


def test_penalty_keeps_embeddings_small(corpus: Corpus) -> None:
    free, held = untrained("mf", corpus), untrained("mf", corpus)
    fit(free, corpus, replace(OPTIONS, l2=0.0))
    fit(held, corpus, replace(OPTIONS, l2=1.0))
    degree_norms = [float(model.tables["track"].detach().norm()) for model in (free, held)]
    assert degree_norms[1] < 0.5 * degree_norms[0]


def test_errors_name_what_is_wrong(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(
        RunError,
        match=r"loss is .* epoch \d+: the embeddings of .* are no longer finite, likely lr = 1e\+30 is too high",
    ):
        fit(untrained("mf", corpus), corpus, replace(OPTIONS, lr=1e30, epochs=50))
    with pytest.raises(RunError, match="no checkpoint to resume from"):
        fit(untrained("mf", corpus), corpus, OPTIONS, folder=tmp_path, resume=True)
    with pytest.raises(DataError, match="no training entries"):
        fit(untrained("mf", corpus), corpus.where(np.zeros(corpus.n_entries, dtype=bool)), OPTIONS)


def test_arrays_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    write_arrays(path, {"a": np.arange(3)}, {"epoch": 1})
    with pytest.raises(TypeError):
        write_arrays(path, {"a": np.arange(4)}, {"epoch": object()})
    assert read_arrays(path)[1] == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["weights.npz"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match=r"weights\.npz is damaged"):
        read_arrays(path)


def test_state_is_plain_json() -> None:
    from dataclasses import asdict

    state = FitState(epoch=2, best=0.5, history=[{"epoch": 1, "loss": 0.1}])
    assert FitState(**json.loads(json.dumps(asdict(state)))) == state


def test_an_epoch_that_takes_long_is_announced_and_warned_of(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(name: str, step_seconds: float) -> list[tuple[str, str]]:
        clock = itertools.count(0.0, step_seconds)
        monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
        events: list[Event] = []
        options = replace(OPTIONS, epochs=1, batch_size=8)
        fit(untrained(name, corpus), corpus, options, on_event=events.append)
        return [(e.kind, e.text) for e in events if "takes about" in e.text]

    assert said("mf", 0.001) == []
    assert [kind for kind, _ in said("mf", 60.0)] == ["message"]
    ((kind, text),) = said("lightgcn", 600.0)
    assert kind == "warning"
    assert text.endswith("minutes; for data of this size there is the model aggregate")


@pytest.mark.parametrize(("sampled_above", "regime"), [(10**6, "full"), (10, "sampled")])
def test_regime_auto_says_in_one_line_which_it_picked_and_how_long_an_epoch_takes(
    sampled_above: int, regime: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "SAMPLED_ABOVE", sampled_above)
    clock, step = [0.0], Trainer.step

    def step_of_six_seconds(self: Trainer, batch: object, done: float) -> torch.Tensor:
        clock[0] += 6
        return step(self, batch, done)

    monkeypatch.setattr(Trainer, "step", step_of_six_seconds)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def picked(**chosen: object) -> list[str]:
        events: list[Event] = []
        options = replace(OPTIONS, epochs=2, batch_size=8, loss="bpr", **chosen)
        fit(untrained("lightgcn", corpus), corpus, options, on_event=events.append)
        return [event.text for event in events if event.kind == "message" and "auto" in event.text]

    minutes = -(-len(corpus.pairs[0]) // 8) * 6 / 60
    assert picked() == [f"regime auto picked {regime}: an epoch takes about {minutes:.1f} minutes"]
    assert picked(regime=regime) == [], "no line for a regime that was named"
