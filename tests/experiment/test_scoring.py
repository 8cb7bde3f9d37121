"""Scores of given tracks: the model's, their ranks, and probabilities that are those of the hidden tracks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import playlistrec as pr
from playlistrec.cli.main import main
from playlistrec.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pr.Run:
    return pr.fit(data_folder, "itemknn", tmp_path_factory.mktemp("score") / "run")


def test_ranks_and_scores_are_those_of_recommend(run: pr.Run) -> None:
    best = run.recommend(playlist=7, k=30)
    records = run.score(best.tracks[[4, 0, 20]], playlist=7)
    # A rank counts all tracks that the model does not know the playlist to hold; a list leaves out hidden ones too.
    hidden = np.setdiff1d(run.data.corpus.playlist(7), run.history.playlist(7))
    hidden_ranks = [r["rank"] for r in run.score(hidden, playlist=7)]
    for record, place in zip(records, (5, 1, 21)):
        assert record["rank"] == place + sum(rank < record["rank"] for rank in hidden_ranks)
    np.testing.assert_allclose([r["score"] for r in records], best.scores[[4, 0, 20]], rtol=1e-6)
    assert records[1]["probability"] > records[0]["probability"] > records[2]["probability"] > 0
    assert records[0]["track_uri"] == best.uris[4]
    held = int(run.history.playlist(run.data.corpus.playlist_index(7))[0])
    assert run.score(held, playlist=7)[0]["rank"] is None
    as_new = run.score(best.uris[0], seeds=run.history.playlist(7).tolist())
    assert as_new[0]["rank"] == 1


def test_probabilities_add_up_and_fit_the_hidden_tracks(run: pr.Run) -> None:
    everything = run.score(range(run.data.corpus.n_tracks), playlist=7)
    shares = [r["probability"] for r in everything if r["probability"] is not None]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    # Temperature scaling matches moments: the mean score under the model is that of the hidden tracks.
    from playlistrec.experiment.scoring import sharpness
    from playlistrec.rank.evaluation import query_of
    from playlistrec.rank.recommend import candidate_scores

    queries = run.data.split.evaluation_set(run.data.corpus, "valid")
    model = run.recommender("valid")
    beta = sharpness(model, queries)
    scores = candidate_scores(model, query_of(queries, 0, len(queries))).scores
    counts = np.diff(queries.truth_offsets)
    rows = np.repeat(np.arange(len(queries)), counts)
    hidden = scores.numpy()[rows, queries.truth]
    finite = scores.clone().masked_fill(~scores.isfinite(), 0)
    expected = ((beta * scores).softmax(1) * finite).sum(1).numpy()[rows]
    assert expected.mean() == pytest.approx(hidden.mean(), rel=1e-3)


def test_on_the_command_line(run: pr.Run, tmp_path: Path) -> None:
    best = run.recommend(playlist=7, k=3)
    arguments = ["score", str(run.path), "--playlist", "7", "--track", best.uris[1], "--track", best.uris[0], "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert [item["rank"] for item in json.loads(done.output)["items"]] == [2, 1]
    assert "probability" in CliRunner().invoke(main, arguments[:-1]).output
    wrong = CliRunner().invoke(main, ["score", str(run.path), "--track", best.uris[0]])
    assert wrong.exit_code == 2
    assert "either --playlist or --seed" in wrong.output
    (tmp_path / "few.csv").write_text("track_uri\n" + "\n".join([best.uris[2], best.uris[0]]) + "\n")
    listed = ["recommend", str(run.path), "--playlist", "7", "--among", str(tmp_path / "few.csv"), "--json"]
    items = json.loads(CliRunner().invoke(main, listed).output)["items"]
    assert [item["track_uri"] for item in items] == [best.uris[0], best.uris[2]]


def test_wrong_input_is_refused(run: pr.Run) -> None:
    for given in ({"tracks": 10**7, "playlist": 7}, {"tracks": 1}, {"tracks": 1, "seeds": 2, "playlist": 7}):
        with pytest.raises(ConfigError):
            run.score(**given)
    with pytest.raises(DataError):
        run.score("no such thing qqq", playlist=7)
