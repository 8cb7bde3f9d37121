"""What all tests share: one small synthetic data set, and a quiet machine."""

from __future__ import annotations

import os

os.environ.setdefault("DGLBACKEND", "pytorch")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # what a fit comes to hangs on the number of threads

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 300 synthetic playlists in MPD format."""
    from playlistrec.corpus.synth.synthesize import synthesize

    return synthesize(tmp_path_factory.mktemp("synth") / "slices", 300, seed=1)


@pytest.fixture(scope="session")
def data_folder(slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of those playlists."""
    from playlistrec.experiment.data import preprocess

    out = tmp_path_factory.mktemp("data") / "data"
    preprocess(slices, out, k_core=2, workers=1)
    return out
