"""Two processes under torchrun do what one process does; one that dies ends the other, and a fit then goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.experiment.data import Data, preprocess
from playlistrec.experiment.fitting import fit
from playlistrec.experiment.run_folder import read_info
from playlistrec.rank.evaluation import BATCH_BYTES
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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on so many tracks that its evaluation, and 500 lines of queries, take several batches of scores."""
    folder = tmp_path_factory.mktemp("many-tracks")
    synthesize(folder / "slices", 1501, seed=2)
    data = preprocess(folder / "slices", folder / "data", workers=1)
    assert BATCH_BYTES / (4 * data.corpus.n_tracks) < 400
    return fit(data, "mf", folder / "run", options={"dim": 8, "epochs": 1}, preset="none").path or folder


def _alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "playlistrec", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=ENVIRONMENT, check=False)


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
    assert done.stdout.count("peak memory") == 1, "the first process alone tells"
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


@pytest.mark.parametrize("protocol", ["full", "sampled:20x2"])
def test_two_processes_evaluate_to_the_figures_of_one(protocol: str, run: Path) -> None:
    arguments = ["evaluate", str(run), "--split", "test", "--protocol", protocol, "--json"]
    one, two = json.loads(_alone(*arguments).stdout), json.loads(_torchrun(*arguments).stdout)
    assert one["metrics"]["ndcg@20"] > 0
    assert {**one, "seconds": 0} == {**two, "seconds": 0}, "to the last digit"


@pytest.mark.parametrize("n", [1, 500], ids=["fewer lines than processes", "several batches"])
def test_two_processes_answer_lines_as_one_and_in_their_order(n: int, run: Path, tmp_path: Path) -> None:
    uris = Data.load(run.parent / "data").corpus.track_table["uri"].to_pylist()
    lines = [json.dumps({"id": i, "tracks": [uris[7 * i % len(uris)], uris[i]]}) for i in range(n)]
    lines[n // 2] = '{"id": "wrong"}'
    (tmp_path / "queries.jsonl").write_text("\n".join(lines))
    arguments = ["recommend", str(run), "--batch", str(tmp_path / "queries.jsonl"), "-o"]
    one = _alone(*arguments, str(tmp_path / "one.jsonl"))
    two = subprocess.run(
        [*RUN, *arguments, str(tmp_path / "two.jsonl")],
        **{"capture_output": True, "text": True, "timeout": 240, "env": ENVIRONMENT, "check": False},
    )
    assert one.returncode == 1
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "two.jsonl").read_bytes().count(b"\n") == n
    # The first process speaks for both: of the wrong line, wherever it was read.
    for line in one.stderr.splitlines():
        assert two.stderr.splitlines().count(line) == 1


@pytest.mark.parametrize("arguments", [["--batch", "-"], ["--batch", "queries.jsonl"]])
def test_what_processes_cannot_share_of_a_batch_is_refused(arguments: list[str], run: Path, tmp_path: Path) -> None:
    folder, message = (run, "--batch must be a file") if arguments[1] == "-" else (run.parent / "data", "fitted run")
    done = subprocess.run(
        [*RUN, "recommend", str(folder), *arguments],
        **{"capture_output": True, "text": True, "timeout": 240, "env": ENVIRONMENT, "check": False},
    )
    assert done.returncode != 0
    assert message in done.stderr


def _pair(*commands: list[str]) -> list[subprocess.Popen[str]]:
    """Processes that join each other without torchrun, which would itself end those that another leaves alone."""
    port = str(20000 + random.randrange(20000))
    shared = {**ENVIRONMENT, "WORLD_SIZE": str(len(commands)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [
        subprocess.Popen(
            [sys.executable, *command],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, command in enumerate(commands)
    ]


@pytest.mark.parametrize(("verb", "work"), [("evaluate", "evaluation"), ("recommend", "batch")])
def test_a_process_that_dies_ends_the_other_of_an_evaluation_or_a_batch_in_one_line(
    verb: str, work: str, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "queries.jsonl").write_text('{"title": "x"}\n')
    more = ["--batch", str(tmp_path / "queries.jsonl")] if verb == "recommend" else []
    dies = "import os; from playlistrec.distributed.process_group import joined\nwith joined(): os.kill(os.getpid(), 9)"
    first, second = _pair(["-m", "playlistrec", verb, str(run), *more], ["-c", dies])
    error = first.communicate(timeout=120)[1]
    assert second.wait(timeout=10) == -signal.SIGKILL
    expected = f"error: process 0 ends, because another process of this {work} has ended: begin it again"
    assert (first.returncode, error.strip().splitlines()[-1]) == (1, expected)
    assert "Traceback" not in error


def test_a_process_that_dies_ends_the_other_in_one_line_and_the_fit_goes_on(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = _sets({"dim": 8, "batch_size": 16, "epochs": 40, "eval_every": 1, "patience": 50})
    command = ["-m", "playlistrec", "fit", str(data), "-m", "aggregate", "-o", str(run), *options]
    processes = _pair(command, command)
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
