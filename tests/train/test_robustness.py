"""The same seed, the same numbers: however a fit is interrupted, and whatever it is made of."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from interrupting import Interrupted, interrupt_in, spread

from playlistrec.cli.main import main
from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import RunError
from playlistrec.models.embedding.model import EmbeddingModel
from playlistrec.models.registry import model_class
from playlistrec.storage import read_arrays, write_arrays
from playlistrec.train.checkpoint import FitState
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions

OPTIONS = TrainOptions(epochs=9, batch_size=60, lr=0.03, eval_every=2, patience=99)
POOLS = replace(
    OPTIONS, negatives="pool", pool_size=5, pool_refresh_every=4, pool_anneal_epochs=8, pool_final_share=0.2
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(1)
    lists = [[f"t{t}" for t in rng.choice(30, size=rng.integers(3, 10), replace=False)] for _ in range(40)]
    return Corpus.from_lists(lists, {f"t{t}": f"a{t % 6}" for t in range(30)})


def run(
    corpus: Corpus, options: TrainOptions, folder: Path, name: str = "mf", *, seed: int = 1, **how: Any
) -> tuple[FitState, EmbeddingModel]:
    kind = model_class(name)
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 8}), seed=seed)
    assert isinstance(model, EmbeddingModel)
    folder.mkdir(exist_ok=True)
    return fit(model, corpus, options, seed=seed, validate=spread, folder=folder, **how), model


def broken(corpus: Corpus, options: TrainOptions, folder: Path, epoch: int, name: str = "mf", **how: Any) -> None:
    with pytest.raises(Interrupted):
        run(corpus, options, folder, name, on_event=interrupt_in(epoch), **how)


def history(folder: Path) -> bytes:
    return (folder / "history.jsonl").read_bytes()


def assert_same_run(one: Path, other: Path) -> None:
    assert history(one) == history(other)
    for name in ("weights.npz", "checkpoint.npz"):
        (arrays, meta), (others, other_meta) = read_arrays(one / name), read_arrays(other / name)
        meta.pop("seconds", None), other_meta.pop("seconds", None)
        assert meta == other_meta
        assert arrays.keys() == others.keys()
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, others[key])


COMBINATIONS: list[tuple[str, dict[str, Any]]] = [
    ("mf", {"negatives": "popularity", "loss": "bce", "n_negatives": 3}),
    ("mf", {"negatives": "pool", "pool_refresh_every": 1, "pool_size": 4, "hard_negative_candidates": 3}),
    ("mf", {"negatives": "artist"}),
    ("mf", {"negatives": "two-hop"}),
    ("mf", {"negatives": "in-batch", "n_negatives": 2}),
    ("mf", {"negatives": "in-batch", "loss": "softmax", "logq_correction": 1.0}),
    ("mf", {"negatives": "all", "loss": "softmax", "batch_size": 9, "schedule": "cosine"}),
    ("mf", {"negatives": "popularity", "loss": "softmax", "logq_correction": 1.0, "n_negatives": 5}),
    ("lightgcn", {"loss": "directau"}),
    ("lightgcn", {"negatives": "in-batch", "loss": "softmax", "contrast": 0.2, "message_edge_share": 0.6}),
    ("sage", {"negatives": "all", "loss": "softmax", "contrast": 0.2, "batch_size": 9}),
    ("sage", {"precision": "bf16"}),
    ("gat", {"message_edge_share": 0.5, "negatives": "two-hop"}),
    (
        "lightgcn",
        {"regime": "sampled", "fanout": 3, "negatives": "popularity", "loss": "softmax", "logq_correction": 1.0},
    ),
    ("sage", {"regime": "sampled", "fanout": 3, "negatives": "pool", "hard_negative_candidates": 4}),
    ("lightgcn", {"regime": "sampled", "fanout": 3, "loss": "directau"}),
]


@pytest.mark.parametrize(("name", "given"), COMBINATIONS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(COMBINATIONS)])
def test_the_same_seed_gives_the_same_bytes(name: str, given: dict[str, Any], corpus: Corpus, tmp_path: Path) -> None:
    options = replace(OPTIONS, epochs=3, **given)
    for folder, seed in (("one", 1), ("two", 1), ("other", 2)):
        np.random.seed(len(folder))  # noqa: NPY002 - what the caller drew before must not matter
        run(corpus, options, tmp_path / folder, name, seed=seed)
    assert_same_run(tmp_path / "one", tmp_path / "two")
    assert history(tmp_path / "one") != history(tmp_path / "other")
    losses = [json.loads(line)["loss"] for line in history(tmp_path / "one").splitlines()]
    assert len(set(losses)) == 3
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    ("name", "options", "epoch"),
    [
        ("mf", POOLS, 3),
        ("mf", POOLS, 7),  # pools of epoch 5, refreshed again in epoch 9
        ("lightgcn", replace(POOLS, regime="sampled", fanout=3), 7),
        ("mf", replace(OPTIONS, schedule="cosine"), 5),
        ("lightgcn", replace(OPTIONS, schedule="cosine", message_edge_share=0.5, contrast=0.1), 4),
        ("mf", replace(OPTIONS, negatives="all", loss="softmax", batch_size=9), 6),
    ],
)
def test_a_resumed_fit_is_one_that_never_stopped(
    name: str, options: TrainOptions, epoch: int, corpus: Corpus, tmp_path: Path
) -> None:
    run(corpus, options, tmp_path / "straight", name)
    broken(corpus, options, tmp_path / "broken", epoch, name)
    assert len(history(tmp_path / "broken").splitlines()) == epoch - 1
    run(corpus, options, tmp_path / "broken", name, resume=True)
    assert_same_run(tmp_path / "straight", tmp_path / "broken")


def test_pools_are_part_of_the_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    """Without them a fit that goes on between two refreshes would be another one."""
    run(corpus, POOLS, tmp_path / "straight")
    broken(corpus, POOLS, tmp_path / "broken", 7)
    arrays, meta = read_arrays(tmp_path / "broken" / "checkpoint.npz")
    assert {name for name in arrays if name.startswith("sampler/")} == {"sampler/pool", "sampler/size"}
    rest = {name: array for name, array in arrays.items() if not name.startswith("sampler/")}
    write_arrays(tmp_path / "broken" / "checkpoint.npz", rest, meta)
    run(corpus, POOLS, tmp_path / "broken", resume=True)
    assert history(tmp_path / "broken") != history(tmp_path / "straight")


def test_the_learning_rate_follows_the_cosine(corpus: Corpus, tmp_path: Path) -> None:
    """Measured by how far one step of Adam goes at most, which is about the learning rate."""
    options = replace(OPTIONS, epochs=40, batch_size=10_000, schedule="cosine", l2=0.0, lr=0.01)
    tables = []

    def keep(model: EmbeddingModel) -> dict[str, float]:
        tables.append(model.state()["tables.track"].copy())
        return spread(model)

    kind = model_class("mf")
    model = kind.from_corpus(corpus, kind.config_class(dim=8), seed=1)
    assert isinstance(model, EmbeddingModel)
    fit(model, corpus, replace(options, eval_every=1), validate=keep)
    steps = np.array([np.abs(after - before).max() for before, after in pairwise(tables)])
    assert steps[0] == pytest.approx(0.01 * 0.52, rel=0.1), "the second of two epochs of warm-up"
    assert 1 <= steps.argmax() <= 12, "then the highest"
    assert steps[-1] < 0.03 * steps.max()
    assert steps[-10:].max() < steps[10:20].min()


def test_last_epoch_is_a_prefix_of_the_whole(corpus: Corpus, tmp_path: Path) -> None:
    options = replace(POOLS, schedule="cosine")
    run(corpus, options, tmp_path / "straight")
    state, _ = run(corpus, options, tmp_path / "part", last_epoch=6)
    assert (state.epoch, state.stopped) == (6, "epochs")
    assert history(tmp_path / "straight").startswith(history(tmp_path / "part"))
    assert len(history(tmp_path / "part").splitlines()) == 6
    broken(corpus, options, tmp_path / "broken", 5, last_epoch=6)
    run(corpus, options, tmp_path / "broken", resume=True, last_epoch=6)
    assert_same_run(tmp_path / "part", tmp_path / "broken")
    run(corpus, options, tmp_path / "broken", resume=True)
    assert_same_run(tmp_path / "straight", tmp_path / "broken")
    run(corpus, replace(options, epochs=6), tmp_path / "shorter")
    assert history(tmp_path / "shorter") != history(tmp_path / "part"), "the schedule is that of all epochs"


def test_a_history_that_a_kill_cut_is_whole_after_resume(corpus: Corpus, tmp_path: Path) -> None:
    """The checkpoint of the last epoch was written, its history was not."""
    run(corpus, OPTIONS, tmp_path / "straight")
    run(corpus, OPTIONS, tmp_path / "cut")
    (tmp_path / "cut" / "history.jsonl").write_bytes(history(tmp_path / "straight")[:-25])
    run(corpus, OPTIONS, tmp_path / "cut", resume=True)
    assert_same_run(tmp_path / "straight", tmp_path / "cut")


@pytest.mark.parametrize("given", [{}, {"loss": "softmax", "n_negatives": 3}, {"negatives": "all", "loss": "softmax"}])
def test_divergence_is_told_and_the_epoch_before_is_kept(given: dict[str, Any], corpus: Corpus, tmp_path: Path) -> None:
    options = replace(OPTIONS, **given)
    run(corpus, options, tmp_path / "straight")
    folder = tmp_path / "run"
    run(corpus, options, folder, last_epoch=4)
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(RunError) as caught:
        run(corpus, replace(options, lr=1e30), folder, resume=True)
    line = str(caught.value)
    assert "\n" not in line
    assert "in epoch 5: the embeddings of playlist and track are no longer finite" in line
    assert "likely lr = 1e+30 is too high" in line
    assert ("temperature = 0.1 too low" in line) == ("loss" in given)
    assert f"{folder} keeps epoch 4" in line
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == kept
    run(corpus, options, folder, resume=True)
    assert_same_run(tmp_path / "straight", folder)


@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_weights_lost_in_the_last_step_of_an_epoch_are_not_kept(name: str, corpus: Corpus, tmp_path: Path) -> None:
    """One step an epoch: its loss is from before the step, and fine."""
    options = replace(OPTIONS, batch_size=10_000, lr=1e30, eval_every=1)
    with pytest.raises(RunError, match=r"^the loss is 0\.\d+ in epoch 1: the embeddings .* lr = 1e\+30 is too high$"):
        run(corpus, options, tmp_path / "run", name)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_diverged_run_goes_on_from_the_command_line(data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    fitting = ["fit", str(data_folder), "-m", "mf", "-o", str(out)]

    def call(*arguments: str, code: int) -> str:
        result = CliRunner().invoke(main, [*fitting, *arguments])
        assert result.exit_code == code, result.output
        return result.stderr

    said = call("--set", "lr=1e30", "--epochs", "2", code=1)
    assert said.startswith("error: the loss is ")
    assert len(said.strip().splitlines()) == 1
    assert not out.exists(), "there is nothing to go on from"
    call("--set", "lr=0.01", "--epochs", "2", code=0)
    assert len(call("--resume", "--set", "lr=1e30", "--epochs", "4", code=1).strip().splitlines()) == 1
    call("--resume", "--set", "lr=0.01", "--epochs", "4", code=0)
    assert len(history(out).splitlines()) == 4


def command(data: Path, out: Path) -> list[str]:
    sets = {
        "negatives": "pool",
        "pool_size": 20,
        "pool_refresh_every": 7,
        "eval_every": 3,
        "schedule": "cosine",
        "batch_size": 8192,
    }
    options = [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
    return [
        sys.executable,
        "-m",
        "playlistrec",
        "fit",
        str(data),
        "-m",
        "mf",
        "-o",
        str(out),
        "--epochs",
        "45",
        *options,
    ]


def epochs_kept(folder: Path) -> int:
    """Of a run that may be writing; fails where a file is there and cannot be read."""
    for name in ("weights.npz", "checkpoint.npz"):
        if (folder / name).exists():
            meta = read_arrays(folder / name)[1]
    return int(meta["epoch"]) if (folder / "checkpoint.npz").exists() else 0


@pytest.mark.slow
def test_kill_9_at_any_moment_costs_an_epoch_at_most(data_folder: Path, tmp_path: Path) -> None:
    moments = random.Random(0)
    out, quiet = tmp_path / "killed", {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    straight = subprocess.Popen(command(data_folder, tmp_path / "straight"), **quiet)
    kept, kills = 0, 0
    for _ in range(3):
        fitting = subprocess.Popen([*command(data_folder, out), *(["--resume"] if kept else [])], **quiet)
        while fitting.poll() is None and epochs_kept(out) < kept + 3:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.1))
        kills += fitting.poll() is None
        fitting.kill()
        fitting.communicate()
        assert epochs_kept(out) >= kept + 3
        kept = epochs_kept(out)
    assert kills == 3, "45 epochs take longer than this"
    last = subprocess.run([*command(data_folder, out), "--resume"], **quiet, check=False)
    assert (last.returncode, last.stderr) == (0, b"")
    assert straight.communicate() == (None, b"")
    assert straight.returncode == 0
    assert_same_run(tmp_path / "straight", out)
    reported = [json.loads((folder / "run.json").read_text()) for folder in (tmp_path / "straight", out)]
    for key in ("best_epoch", "stopped", "valid", "training", "options", "preset"):
        assert reported[0][key] == reported[1][key]
    assert not [file.name for file in out.iterdir() if "checkpoint.npz.partial" in file.name]
