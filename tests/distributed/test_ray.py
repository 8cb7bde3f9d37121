"""A Ray cluster of two nodes does what one process does: the same folder, the same weights, the same lists."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.experiment.data import preprocess
from playlistrec.experiment.fitting import fit
from playlistrec.experiment.run_folder import read_info
from playlistrec.storage import read_arrays

pytest.importorskip("ray", reason="the extra ray")
pytestmark = pytest.mark.slow

OBJECTS = 80 * 2**20
"""Bytes of shared memory of a node."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster of two nodes on this machine, of one processor each."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled", OMP_NUM_THREADS="1")
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": OBJECTS}
    cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    cluster.add_node(**size)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("ray") / "slices", 3001, seed=1)


@pytest.fixture(scope="module")
def data(slices: Path) -> Path:
    preprocess(slices, slices.parent / "data", k_core=2, split="continuation", workers=1)
    return slices.parent / "data"


def _playlistrec(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "playlistrec", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == code, done.stderr[-3000:]
    return done


def _files(folder: Path) -> dict[str, str]:
    """The checksum of every file of a data folder."""
    files: dict[str, str] = json.loads((folder / "manifest.json").read_text())["files"]
    return files


def test_slices_are_read_to_the_same_folder(slices: Path, data: Path, address: str, tmp_path: Path) -> None:
    assert len(list(slices.iterdir())) > 2, "or one reader would have all"
    arguments = ["--k-core", "2", "--split", "continuation", "--ray", address, "--workers", "2"]
    _playlistrec("preprocess", str(slices), "-o", str(tmp_path / "data"), *arguments)
    assert _files(tmp_path / "data") == _files(data)


def test_parquet_is_read_to_the_same_folder(address: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for part in range(3):
        n = 20_000
        columns = {
            "uid": pa.array(random.integers(0, 800, n)),
            "item_id": pa.array([f"t{i}" if i != 50 else None for i in random.zipf(1.6, n) % 3000]),
            "timestamp": pa.array(random.integers(0, 10**6, n)),
        }
        (tmp_path / "listens").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / "listens" / f"part-{part}.parquet", row_group_size=3000)
    pytest.importorskip("duckdb", reason="the extra parquet")
    preprocess(tmp_path / "listens", tmp_path / "one", k_core=2)
    arguments = ["--k-core", "2", "--ray", address, "--workers", "2"]
    said = _playlistrec("preprocess", str(tmp_path / "listens"), "-o", str(tmp_path / "two"), *arguments).stderr
    assert "no playlist or no track: left out" in said
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_a_file_that_cannot_be_read_ends_the_work_in_one_line(slices: Path, address: str, tmp_path: Path) -> None:
    (tmp_path / "slices").mkdir()
    for path in slices.iterdir():
        (tmp_path / "slices" / path.name).write_bytes(path.read_bytes())
    broken = sorted((tmp_path / "slices").iterdir())[1]
    broken.write_bytes(broken.read_bytes()[:-1000])
    arguments = ["-o", str(tmp_path / "data"), "--ray", address, "--workers", "2"]
    done = _playlistrec("preprocess", str(tmp_path / "slices"), *arguments, code=1)
    # Ray's processes may print after it how they were ended.
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith(f"error: {broken.name} is cut off")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.fixture(scope="module")
def runs(slices: Path, address: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of one process, and one of two workers."""
    folder = tmp_path_factory.mktemp("runs")
    options = {"dim": 8, "lr": 0.01, "batch_size": 64, "epochs": 3, "eval_every": 1}
    few = folder / "few"  # the tolerance is stated for as many, as under torchrun
    preprocess(slices, few, k_core=2, split="continuation", workers=1, limit=301)
    fit(few, "aggregate", folder / "one", options=options)
    sets = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    arguments = ["-m", "aggregate", "-o", str(folder / "two"), *sets, "--ray", address, "--workers", "2"]
    done = _playlistrec("fit", str(few), *arguments)
    assert done.stdout.count("validation recall@20") == 1
    return folder / "one", folder / "two"


def test_two_workers_fit_what_one_process_fits(runs: tuple[Path, Path]) -> None:
    one, two = (read_arrays(run / "weights.npz")[0] for run in runs)
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=0, atol=2e-4, err_msg=name)
    valid = [read_info(run)["valid"] for run in runs]
    assert valid[0]["ndcg@20"] == pytest.approx(valid[1]["ndcg@20"], rel=0.01)


def test_an_option_that_cannot_be_is_refused_as_without_a_cluster(data: Path, address: str, tmp_path: Path) -> None:
    arguments = ["fit", str(data), "-m", "itemknn", "-o", str(tmp_path / "run"), "--ray", address, "--workers", "2"]
    done = _playlistrec(*arguments, code=2)
    assert done.stderr.strip().splitlines()[-1] == "error: itemknn is fitted by one process (got 2)"
    assert "Traceback" not in done.stderr


def test_actors_answer_with_the_same_lists_in_the_same_order(
    runs: tuple[Path, Path], address: str, tmp_path: Path
) -> None:
    lines = [json.dumps({"id": i, "title": f"mix {i}", "k": 5}) for i in range(2500)]
    lines[7] = "not a line"
    (tmp_path / "queries.jsonl").write_text("\n".join(lines))
    arguments = ["recommend", str(runs[0]), "--batch", str(tmp_path / "queries.jsonl"), "-o"]
    one = _playlistrec(*arguments, str(tmp_path / "one.jsonl"), code=1).stderr
    two = _playlistrec(*arguments, str(tmp_path / "two.jsonl"), "--ray", address, "--workers", "2", code=1).stderr
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.jsonl").read_bytes().count(b"\n") == len(lines)
    assert one.strip().splitlines()[-1] == two.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ray", "data", "--workers", "2"], "the address of a Ray cluster is host:port, auto or local (got data)"),
        (["--workers", "20", "--ray"], "workers must be at most the 2 processors of the Ray cluster (got 20)"),
        (["--ray"], "--ray needs --workers N: how many processes of the cluster work"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(
    arguments: list[str], message: str, data: Path, address: str, tmp_path: Path
) -> None:
    more = [address] if arguments[-1] == "--ray" and "--workers" in arguments else []
    done = _playlistrec("fit", str(data), "-m", "mf", "-o", str(tmp_path / "run"), *arguments, *more, code=2)
    assert message in done.stderr
