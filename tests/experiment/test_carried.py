"""Runs whose data folder is gone: with the data that they carry they recommend and evaluate as before."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.corpus.splitting import split_continuation
from playlistrec.errors import RunError


def test_a_run_recommends_without_its_data_folder(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "data")
    run = pr.fit(tmp_path / "data", "itemknn", tmp_path / "run")
    pr.fit(tmp_path / "data", "itemknn", tmp_path / "slim", slim=True)
    wanted, parts = run.recommend(playlist=[7, 9], k=40), ("valid", "test")
    metrics = [run.evaluate(part).metrics for part in parts]
    uri = run.data.corpus.track_table["uri"][3].as_py()
    shutil.rmtree(tmp_path / "data")
    left = pr.Run.load(tmp_path / "run")
    again = left.recommend(playlist=[7, 9], k=40)
    np.testing.assert_array_equal(again.tracks, wanted.tracks)
    np.testing.assert_array_equal(again.scores, wanted.scores)
    for row, pid in enumerate((7, 9)):
        assert not np.isin(again.tracks[row], run.data.corpus.playlist(run.data.corpus.playlist_index(pid))).any()
    assert left.recommend(tracks=uri).uris == run.recommend(tracks=uri).uris
    assert [left.evaluate(part).metrics for part in parts] == metrics
    with pytest.raises(RunError, match="carries none: say where with data"):
        pr.Run.load(tmp_path / "slim")


def test_data_in_memory_is_carried_too(tmp_path: Path) -> None:
    corpus = pr.Corpus.from_lists([[f"t{(p + i) % 12}" for i in range(5)] for p in range(20)])
    run = pr.fit(pr.Data.of(corpus, split_continuation(corpus, valid=0.2, test=0.3)), "itemknn", tmp_path / "run")
    hidden = str(run.data.split.evaluation_set(corpus, "test").playlists[0])
    again, wanted = (r.recommend(playlist=hidden).uris for r in (pr.Run.load(tmp_path / "run"), run))
    assert again == wanted
