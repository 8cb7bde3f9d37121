"""The examples run, and hold the floors they assert."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[1] / "examples"
NEEDS_DATA = {"cora_content.py", "cora_gcn.py"}


def run(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=240)


@pytest.mark.parametrize(
    "script", sorted(p for p in EXAMPLES.glob("*.py") if p.name not in NEEDS_DATA), ids=lambda path: path.name
)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    result = run(script, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


def planted_partition(path: Path, n: int = 400, n_classes: int = 4, n_words: int = 60) -> None:
    """A graph like Cora's: edges and words mostly within a class, six labelled nodes a class.

    The words are not enough: the same network without the edges is right for three nodes of five.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(n) % n_classes
    same = labels[:, None] == labels[None, :]
    half = np.triu(rng.random((n, n)) < np.where(same, 0.04, 0.004), 1)
    theme = rng.random((n, n_words)) < np.where(labels[:, None] == np.arange(n_words) % n_classes, 0.18, 0.03)
    row, column = np.nonzero(theme)
    np.savez(
        path,
        edges=np.argwhere(half | half.T),
        feat_row=row,
        feat_col=column,
        feat_shape=np.array(theme.shape),
        labels=labels,
        train=np.arange(6 * n_classes),
        test=np.arange(n // 2, n),
    )


def test_gcn_finds_the_classes_of_a_planted_partition(tmp_path: Path) -> None:
    planted_partition(tmp_path / "planted.npz")
    result = run(EXAMPLES / "cora_gcn.py", "planted.npz", cwd=tmp_path)
    assert result.returncode == 0, result.stderr + result.stdout
    *seeds, mean = result.stdout.splitlines()
    assert len(seeds) == 10
    assert float(mean.split(": ")[1].split(",")[0]) >= 0.85


@pytest.mark.parametrize("arguments", [[], ["absent.npz"]])
def test_without_its_data_the_cora_example_says_so(arguments: list[str], tmp_path: Path) -> None:
    result = run(EXAMPLES / "cora_gcn.py", *arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.strip() == f"the data must be given, a file cora.npz (got {' '.join(arguments) or 'nothing'})"


def test_gcn_reads_cora_as_it_lies(tmp_path: Path) -> None:
    """The planted partition in the files of Cora: a citation twice, one of an unknown paper, and one of itself."""
    planted_partition(tmp_path / "planted.npz", n=1600)
    with np.load(tmp_path / "planted.npz") as arrays:
        words = np.zeros(arrays["feat_shape"], int)
        words[arrays["feat_row"], arrays["feat_col"]] = 1
        papers = [
            "\t".join([f"p{i}", *map(str, row), f"Class_{label}"])
            for i, (row, label) in enumerate(zip(words, arrays["labels"]))
        ]
        cites = [f"p{a}\tp{b}" for a, b in arrays["edges"] if a < b]
    (tmp_path / "cora.content").write_text("\n".join(papers) + "\n")
    (tmp_path / "cora.cites").write_text("\n".join([*cites, cites[0], "p1\tunknown", "p1\tp1"]) + "\n")
    result = run(EXAMPLES / "cora_content.py", ".", cwd=tmp_path)
    assert result.returncode == 0, result.stderr + result.stdout
    assert result.stdout.startswith(f"1,600 papers, 60 words, 4 classes, {len(cites):,} citations\n")
    assert len([line for line in result.stdout.splitlines() if line.startswith("epoch ")]) == 11
    missing = run(EXAMPLES / "cora_content.py", "absent", cwd=tmp_path)
    assert missing.returncode == 1
    assert missing.stderr.strip() == "the data must be given, a folder with cora.content and cora.cites (got absent)"
