"""Runs whose data folder is gone: what they carry is enough to recommend, and has nothing that the test hides."""

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
    wanted, valid = run.recommend(playlist=[7, 9], k=20), run.evaluate("valid").metrics
    uri = run.data.corpus.track_table["uri"][3].as_py()
    shutil.rmtree(tmp_path / "data")
    left = pr.Run.load(tmp_path / "run")
    again = left.recommend(playlist=[7, 9], k=40)
    for row, pid in enumerate((7, 9)):
        # The test part is not carried: only the whole data know that the playlist holds it.
        held = run.data.corpus.playlist(run.data.corpus.playlist_index(pid))
        new = ~np.isin(again.tracks[row], held)
        np.testing.assert_array_equal(again.tracks[row][new][:20], wanted.tracks[row])
        np.testing.assert_array_equal(again.scores[row][new][:20], wanted.scores[row])
    assert left.recommend(tracks=uri).uris == run.recommend(tracks=uri).uris
    assert left.evaluate("valid").metrics == valid
    hidden = run.data.split.evaluation_set(run.data.corpus, "test")
    carried = left.data.corpus.matrix
    for row, playlist in enumerate(hidden.playlists.tolist()):
        truth = hidden.truth[slice(*hidden.truth_offsets[row : row + 2])]
        assert not carried[[playlist]][:, truth].nnz
    with pytest.raises(RunError, match="carries, without the test part"):
        left.evaluate("test")
    with pytest.raises(RunError, match="carries none: say where with data"):
        pr.Run.load(tmp_path / "slim")


def test_data_in_memory_is_carried_too(tmp_path: Path) -> None:
    corpus = pr.Corpus.from_lists([[f"t{(p + i) % 12}" for i in range(5)] for p in range(20)])
    run = pr.fit(pr.Data.of(corpus, split_continuation(corpus, valid=0.2, test=0.3)), "itemknn", tmp_path / "run")
    hidden = str(run.data.split.evaluation_set(corpus, "test").playlists[0])
    again, wanted = (r.recommend(playlist=hidden).uris for r in (pr.Run.load(tmp_path / "run"), run))
    held = {corpus.track_table["uri"][int(track)].as_py() for track in corpus.playlist(int(hidden))}
    assert [uri for uri in again if uri not in held] == wanted
