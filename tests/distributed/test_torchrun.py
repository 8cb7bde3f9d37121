"""Two processes under torchrun fit what one process fits; one that dies ends the other; the fit then goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.experiment.data import preprocess
from playlistrec.experiment.fitting import fit
from playlistrec.experiment.run_folder import read_info
from playlistrec.storage import read_arrays

pytestmark = pytest.mark.slow

RUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "playlistrec"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torchrun")
    synthesize(folder / "slices", 301, seed=1)
    preprocess(folder / "slices", folder / "data", k_core=2, split="continuation", workers=1)
    return folder / "data"


def _torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*RUN, *arguments], capture_output=True, text=True, timeout=240, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def _sets(options: dict[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in ("--set", f"{name}={value}")]


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("aggregate", {"batch_size": 64, "epochs": 3, "eval_every": 1}),
        ("aggregate", {"conv": "gat", "batch_size": 100, "epochs": 2, "length_weight_exponent": 0.5}),
        ("mf", {"loss": "bpr", "batch_size": 512, "epochs": 2}),
        ("mf", {"loss": "softmax", "batch_size": 32, "epochs": 2}),
    ],
)
def test_two_processes_fit_what_one_fits(model: str, options: dict[str, object], data: Path, tmp_path: Path) -> None:
    options = {"dim": 8, "lr": 0.01, **options}
    done = _torchrun("fit", str(data), "-m", model, "-o", str(tmp_path / "two"), *_sets(options))
    assert done.stdout.count("validation") == 1, "the first process alone tells"
    fit(data, model, tmp_path / "one", options=options)
    one, two = (read_arrays(tmp_path / name / "weights.npz")[0] for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=2e-4, err_msg=name)
    valid = [read_info(tmp_path / name)["valid"] for name in ("one", "two")]
    assert valid[0]["ndcg@20"] == pytest.approx(valid[1]["ndcg@20"], rel=0.01)


def test_the_sampled_regime_learns_on_two_processes(data: Path, tmp_path: Path) -> None:
    options = {"regime": "sampled", "loss": "bpr", "dim": 8, "batch_size": 256, "epochs": 4, "lr": 0.02}
    _torchrun("fit", str(data), "-m", "lightgcn", "-o", str(tmp_path / "two"), *_sets(options))
    history = read_info(tmp_path / "two")
    fit(data, "lightgcn", tmp_path / "none", options={**options, "lr": 1e-9})
    assert history["valid"]["ndcg@20"] > 1.5 * read_info(tmp_path / "none")["valid"]["ndcg@20"]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("lightgcn", {"regime": "full"}, "several processes share"),
        ("mf", {"negatives": "in-batch", "loss": "softmax"}, "several processes share"),
        ("itemknn", {}, "itemknn is fitted by one process"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    model: str, options: dict[str, object], message: str, data: Path, tmp_path: Path
) -> None:
    arguments = ["fit", str(data), "-m", model, "-o", str(tmp_path / "run"), *_sets(options)]
    done = subprocess.run([*RUN, *arguments], capture_output=True, text=True, timeout=240, env=ENVIRONMENT, check=False)
    assert done.returncode != 0
    assert message in done.stderr
    assert "playlistrec/" not in done.stderr, "no traceback through our code"


def test_a_process_that_dies_ends_the_other_in_one_line_and_the_fit_goes_on(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = _sets({"dim": 8, "batch_size": 16, "epochs": 40, "eval_every": 1, "patience": 50})
    environments = [{**ENVIRONMENT, "RANK": str(r), "LOCAL_RANK": str(r), "WORLD_SIZE": "2"} for r in range(2)]
    port = str(20000 + os.getpid() % 20000)
    command = [sys.executable, "-m", "playlistrec", "fit", str(data), "-m", "aggregate", "-o", str(run), *options]
    processes = [
        subprocess.Popen(
            command,
            env={**environment, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in environments
    ]
    deadline = time.monotonic() + 120
    while not (run / "checkpoint.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    processes[1].send_signal(signal.SIGKILL)
    _, error = processes[0].communicate(timeout=120)
    processes[1].communicate(timeout=10)
    assert processes[0].returncode == 1
    lines = [line for line in error.splitlines() if line.startswith("error")]
    assert lines == ["error: process 0 ends, because another process of this fit has ended: resume the fit"]
    assert "Traceback" not in error
    # Alone, and from a checkpoint of two, to the figures of a fit that nothing interrupted.
    fit(data, "aggregate", run, resume=True)
    whole = {"dim": 8, "batch_size": 16, "epochs": 40, "eval_every": 1, "patience": 50}
    fit(data, "aggregate", tmp_path / "whole", options=whole)
    valid = [read_info(folder)["valid"] for folder in (run, tmp_path / "whole")]
    assert valid[0]["ndcg@20"] == pytest.approx(valid[1]["ndcg@20"], rel=0.02)
