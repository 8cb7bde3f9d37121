"""Answers to a challenge set: 500 tracks each, whatever the model can rank and whatever the seeds are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from challenge_corpus import challenge_data
from torch import Tensor

import playlistrec as pr
from playlistrec.challenge.answer import _best, answer
from playlistrec.challenge.files import ChallengeSet, Entry, Incomplete, read_challenge
from playlistrec.challenge.make import make_challenge
from playlistrec.challenge.score import score_run
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import DataError, RunError
from playlistrec.events import Event
from playlistrec.experiment.data import Data
from playlistrec.models.base import Query
from playlistrec.models.popularity import Popularity


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("challenge") / "set"
    make_challenge(challenge_data(), out, per_scenario=3)
    return out


@pytest.fixture(scope="module")
def run(folder: Path) -> pr.Run:
    return pr.fit(folder / "data", "itemknn")


def write(path: Path, *playlists: Incomplete) -> Path:
    path.write_bytes(msgspec.json.encode(ChallengeSet(list(playlists))))
    return path


def test_answers_are_the_models_best_less_the_seeds(folder: Path, run: pr.Run) -> None:
    answers = answer(run, folder)
    corpus, model = run.data.corpus, run.recommender("test")
    known = run.data.split.ranking(corpus, "test")
    popularity = np.array([len(set(rows)) for rows in holders(known)])
    challenge = read_challenge(folder)
    assert list(answers) == [str(playlist.pid) for playlist in challenge.playlists]
    for playlist in challenge.playlists[::4]:
        seeds = [corpus.track_index(track.track_uri) for track in playlist.tracks]
        scores = model.score(Query.of([seeds]))[0].numpy()
        ranking = sorted(set(range(corpus.n_tracks)) - set(seeds), key=lambda t: (-scores[t], -popularity[t], t))
        assert [corpus.track_index(uri) for uri in answers[str(playlist.pid)]] == ranking[:500]


def holders(corpus: pr.Corpus) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(corpus.n_tracks)]
    for entry, track in enumerate(corpus.tracks.tolist()):
        found[track].append(int(corpus.entry_playlist[entry]))
    return found


def test_without_a_seed_it_is_popularity(folder: Path, run: pr.Run, tmp_path: Path) -> None:
    asked = write(tmp_path / "set.json", Incomplete(1, [], name="List 1"), Incomplete("x", []))
    known = run.data.split.ranking(run.data.corpus, "test")
    popularity = np.array([len(set(rows)) for rows in holders(known)])
    ranking = sorted(range(known.n_tracks), key=lambda t: (-popularity[t], t))[:500]
    answers = answer(run, asked)
    assert answers["1"] == answers["x"] == run.data.corpus.track_table["uri"].take(ranking).to_pylist()


class Half(Popularity):
    """Ranks the odd tracks by their number, and cannot rank the even ones."""

    asked: Query

    def score(self, query: Query) -> Tensor:
        self.asked = query
        numbers = torch.arange(self.n_tracks, dtype=torch.float32)
        return torch.where(numbers % 2 == 1, numbers, -torch.inf).repeat(len(query), 1)


def test_what_cannot_be_ranked_follows_by_popularity() -> None:
    model = Half(np.zeros(900, np.float32), None)  # type: ignore[arg-type]
    order = np.random.default_rng(0).permutation(900)
    best = _best(model, Query.of([[], [0]]), np.array([0, 1, 1]), np.array([899, 0, int(order[0])]), order)
    for row, taken in zip(best.tolist(), ({899}, {0, int(order[0])})):
        odd = [t for t in range(899, 0, -2) if t not in taken]
        even = [t for t in order.tolist() if t % 2 == 0 and t not in taken]
        assert row == (odd + even)[:500]


def test_unseen_seeds_are_told_and_spoken_for(run: pr.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = run.data.corpus
    known = run.data.split.ranking(corpus, "test")
    popularity = np.array([len(set(rows)) for rows in holders(known)])
    track = int(popularity.argmax())
    artist = int(corpus.track_artist[track])
    theirs = np.flatnonzero(corpus.track_artist == artist)
    stand_in = int(theirs[np.argmax(popularity[theirs])])
    artist_uri = corpus.artists["uri"][artist].as_py()
    uri, name = (corpus.track_table[column][track].as_py() for column in ("uri", "name"))
    write(
        tmp_path / "challenge_set.json",
        Incomplete(1, [Entry(uri, pos=0), Entry("spotify:track:new", pos=1, artist_uri=artist_uri)], name="A title"),
        Incomplete(2, [Entry("spotify:track:other", artist_uri=artist_uri, track_name=name.upper())]),
        Incomplete(3, [Entry("spotify:track:strange")]),
        Incomplete(4, [Entry(corpus.track_table["uri"][5].as_py())]),
    )
    reported: list[Event] = []
    queries: list[Query] = []
    original = run.recommender

    def spied(*args: object, **kwargs: object) -> object:
        model = original(*args, **kwargs)
        score = model.score
        model.score = lambda query: queries.append(query) or score(query)  # type: ignore[method-assign]
        return model

    monkeypatch.setattr(type(run), "recommender", lambda self, *args, **kwargs: spied(*args, **kwargs))
    answers = answer(run, tmp_path, on_event=reported.append)
    (query,) = queries
    assert [query.seeds(row).tolist() for row in range(4)] == [[track, stand_in], [track], [], [5]]
    assert query.titles == ("A title", "", "", "")
    assert query.playlists.tolist() == [-1] * 4
    (warning,) = (event for event in reported if event.kind == "warning")
    assert warning.text == (
        "3 of 5 seeds, in 3 of 4 playlists, are not in the training data: 1 are there under another uri, for 1 the "
        "artist's most popular track stands in, 1 count for nothing; the first: "
        "spotify:track:new, spotify:track:other, spotify:track:strange"
    )
    assert warning.data["unknown"] == 1
    assert uri not in answers["1"] + answers["2"], "a seed, by its own uri or another, is not recommended"
    assert len(answers["3"]) == 500
    assert [event.data for event in reported if event.kind == "progress"][-1] == {"done": 4, "total": 4}


def test_a_stand_in_may_be_recommended(tmp_path: Path, run: pr.Run) -> None:
    corpus = run.data.corpus
    known = run.data.split.ranking(corpus, "test")
    popularity = np.array([len(set(rows)) for rows in holders(known)])
    top = int(popularity.argmax())
    artist_uri = corpus.artists["uri"][int(corpus.track_artist[top])].as_py()
    asked = write(tmp_path / "set.json", Incomplete(1, [Entry("spotify:track:new", artist_uri=artist_uri)]))
    popular = pr.fit(run.data, "popularity")
    assert answer(popular, asked)["1"][0] == corpus.track_table["uri"][top].as_py()


def test_a_run_that_may_have_seen_what_was_withheld(folder: Path, tmp_path: Path) -> None:
    whole = pr.fit(challenge_data(), "popularity")
    with pytest.raises(RunError, match=r"popularity was fitted on in memory, not on .*/data: it may have seen"):
        answer(whole, folder)
    # For the file alone nobody can know; so is the official one.
    assert len(answer(whole, folder / "challenge_set.json")) == 30
    loaded = Data.load(folder / "data")
    other = Data.of(loaded.corpus, split_edges(loaded.corpus, valid=0.5))
    with pytest.raises(RunError, match=r"not on .*/data"):
        answer(pr.fit(other, "popularity"), folder)


def test_too_few_tracks(tmp_path: Path) -> None:
    corpus = pr.Corpus.from_lists([[str(i) for i in range(502)]])
    run = pr.fit(Data.of(corpus, pr.Split("edges", np.zeros(502, np.uint8))), "popularity")
    enough = write(tmp_path / "a.json", Incomplete(7, [Entry("0"), Entry("1"), Entry("0")]))
    assert set(answer(run, enough)["7"]) == {str(i) for i in range(2, 502)}
    few = write(tmp_path / "b.json", Incomplete(6, []), Incomplete(7, [Entry("0"), Entry("1"), Entry("2")]))
    with pytest.raises(DataError, match="the data has 502 tracks: too few for 500 besides the 3 seeds of playlist 7"):
        answer(run, few)


def test_runs_are_scored_without_a_file(folder: Path, run: pr.Run) -> None:
    """On playlists drawn independently nobody can be better; the scores are of the same queries at least."""
    scores = score_run(run, folder)
    assert sum(scores.n_playlists.values()) == 30
    assert next(iter(scores.scenarios)) == "title only"
    popular = score_run(pr.fit(folder / "data", "popularity", refit=True), folder)
    assert scores.scenarios["title only"] == popular.scenarios["title only"]
    assert scores.overall != popular.overall
