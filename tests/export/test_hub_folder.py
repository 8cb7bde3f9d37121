"""A folder for a hub: read again it recommends the same, and it says nothing of the machine or the hidden entries."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

import playlistrec as pr
from playlistrec.errors import RunError
from playlistrec.export.hub_folder import export_hub_folder

SMALL: dict[str, Any] = {"epochs": 2, "dim": 8}


@pytest.mark.parametrize(
    ("model", "options", "refit"), [("lightgcn", SMALL, True), ("itemknn", {}, False), ("gru4rec", SMALL, False)]
)
def test_read_again_it_recommends_the_same(
    model: str, options: dict[str, Any], refit: bool, data_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(data_folder, tmp_path / "playlists")
    run = pr.fit(tmp_path / "playlists", model, tmp_path / "run", options=options, preset="none", refit=refit)
    info = export_hub_folder(tmp_path / "run", tmp_path / "hub")
    wanted = run.recommend(playlist=[7, 9, 11], k=100)
    for name in ("run", "playlists"):
        shutil.rmtree(tmp_path / name)
    (tmp_path / "hub").rename(tmp_path / "downloaded")
    read = pr.Run.load(tmp_path / "downloaded")
    again = read.recommend(playlist=[7, 9, 11], k=150)
    for row, pid in enumerate((7, 9, 11)):
        # The test part is not in the folder: only the whole data know that the playlist holds it.
        new = ~np.isin(again.tracks[row], run.data.corpus.playlist(run.data.corpus.playlist_index(pid)))
        np.testing.assert_array_equal(again.tracks[row][new][:100], wanted.tracks[row])
        np.testing.assert_array_equal(again.scores[row][new][:100], wanted.scores[row])
    assert (read.refit_arrays is not None) is refit
    assert set(load_file(tmp_path / "downloaded" / "model.safetensors")) == set(run.arrays)
    text = "".join(path.read_text() for path in (tmp_path / "downloaded").rglob("*") if path.suffix in (".md", ".json"))
    assert str(tmp_path / "run") not in text
    assert info["data"] == "data"
    card = (tmp_path / "downloaded" / "README.md").read_text()
    front = msgspec.yaml.decode(card.split("---\n")[1]) if _has_yaml() else None
    assert card.startswith("---\nlibrary_name: playlistrec\n")
    if front is not None:
        assert front["tags"][-1] == model
        if model == "lightgcn":
            metrics = front["model-index"][0]["results"][0]["metrics"]
            assert {one["type"] for one in metrics} >= {"ndcg@20"}


def _has_yaml() -> bool:
    try:
        import yaml  # noqa: F401
    except ImportError:
        return False
    return True


def test_what_is_damaged_or_there_already_is_refused(data_folder: Path, tmp_path: Path) -> None:
    run = pr.fit(data_folder, "popularity", tmp_path / "run")
    export_hub_folder(run, tmp_path / "hub")
    with pytest.raises(RunError, match="hub exists"):
        export_hub_folder(run, tmp_path / "hub")
    export_hub_folder(run, tmp_path / "hub", force=True)
    path = tmp_path / "hub" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(RunError, match=r"model.safetensors is damaged"):
        pr.Run.load(tmp_path / "hub")
