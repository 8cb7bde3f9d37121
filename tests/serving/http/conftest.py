"""One run, served by one process for all tests that do not end it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import call
from serving_process import Server, serving


@pytest.fixture(scope="session")
def served_run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of vectors, trained a little."""
    run = tmp_path_factory.mktemp("served") / "run"
    call("fit", data_folder, "-m", "mf", "-o", run, "--preset", "none", "--epochs", 3, "--set", "lr=0.05")
    return run


@pytest.fixture(scope="session")
def server(served_run: Path) -> Iterator[Server]:
    with serving(served_run) as started:
        yield started
