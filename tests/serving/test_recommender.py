"""Filters and diversity against plain loops over the whole ranking; queries of which nothing is known."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calling import call

import playlistrec as pr
from playlistrec.errors import ConfigError, DataError, PlaylistrecError
from playlistrec.models.base import Query
from playlistrec.serving.recommender import CANDIDATES, RecommendOptions
from playlistrec.serving.rerank import first_of_each, mmr

SEEDS = [[3, 17, 4], [20], [5, 5, 40, 41]]


@pytest.fixture(scope="module")
def runs(data_folder: Path) -> dict[str, pr.Run]:
    data = pr.Data.load(data_folder)
    return {
        "itemknn": pr.fit(data, "itemknn"),
        "mf": pr.fit(data, "mf", options={"epochs": 2, "loss": "bpr"}, preset="none"),
    }


def ranking(run: pr.Run, seeds: list[int]) -> list[tuple[int, float]]:
    """All songs but those of the seeds, best first, each once, as a loop over the model's scores gives them."""
    scores = run.recommender(device="cpu").score(Query.of([seeds]))[0].tolist()
    song = run.data.songs.song.tolist()
    seen, left = {song[seed] for seed in seeds}, []
    for track, score in sorted(enumerate(scores), key=lambda pair: (-pair[1], pair[0])):
        if song[track] not in seen and score > -np.inf:
            seen.add(song[track])
            left.append((track, score))
    return left


def filtered(run: pr.Run, seeds: list[int], without: set[int], cap: int | None) -> list[tuple[int, float]]:
    artists = run.data.corpus.track_artist.tolist()
    kept, seen = [], {}
    for track, score in ranking(run, seeds):
        artist = artists[track]
        seen[artist] = seen.get(artist, 0) + 1
        if artist not in without and (cap is None or artist < 0 or seen[artist] <= cap):
            kept.append((track, score))
    return kept


@pytest.mark.parametrize("model", ["itemknn", "mf"])
@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("k", [1, 12, 10**6])
def test_filters_leave_the_best_of_the_rest(runs: dict[str, pr.Run], model: str, seeds: list[int], k: int) -> None:
    run = runs[model]
    corpus = run.data.corpus
    best = [int(corpus.track_artist[track]) for track, _ in ranking(run, seeds)[:30]]
    without = sorted({artist for artist in best if artist >= 0})[:8]
    uris = corpus.artists["uri"].take(without).to_pylist()
    for excluded, cap in ((uris, None), ([], 1), (uris, 2)):
        tracks, scores = run.recommend(tracks=seeds, k=k, exclude_artists=excluded, max_per_artist=cap)
        wanted = filtered(run, seeds, set(without) if excluded else set(), cap)[:k]
        assert tracks.tolist() == [track for track, _ in wanted]
        np.testing.assert_allclose(scores, [score for _, score in wanted], rtol=1e-5)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / lengths) if lengths else 0.0


@pytest.mark.parametrize("model", ["itemknn", "mf"])
@pytest.mark.parametrize("diversity", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("cap", [None, 1])
def test_diversity_is_the_greedy_loop(runs: dict[str, pr.Run], model: str, diversity: float, cap: int | None) -> None:
    run, seeds, k = runs[model], SEEDS[0], 8
    corpus = run.data.corpus
    if model == "mf":
        standing = run.recommender(device="cpu").vectors()[1].detach().numpy().astype(np.float64)
    else:
        standing = run.data.split.ranking(corpus, "test").matrix.toarray().T.astype(np.float64)
    candidates = filtered(run, seeds, set(), cap)[: CANDIDATES * k]
    low, high = candidates[-1][1], candidates[0][1]

    def alike(a: int, b: int) -> float:
        same = corpus.track_artist[a] == corpus.track_artist[b] >= 0
        return 1.0 if same else cosine(standing[a], standing[b])

    chosen: list[int] = []
    while len(chosen) < k:
        worth = {
            track: (1 - diversity) * (score - low) / (high - low)
            - diversity * max((alike(track, other) for other in chosen), default=0.0)
            for track, score in candidates
            if track not in chosen
        }
        if not chosen:
            worth = {candidates[0][0]: 0.0}
        best = max(worth.values())
        chosen.append(next(track for track, value in worth.items() if value > best - 1e-6))
    tracks, _ = run.recommend(tracks=seeds, k=k, diversity=diversity, max_per_artist=cap)
    assert tracks.tolist() == chosen


def test_diversity_of_none_is_the_ranking_and_of_some_is_not(runs: dict[str, pr.Run]) -> None:
    plain, diverse = (runs["mf"].recommend(tracks=SEEDS[0], k=20, diversity=d)[0].tolist() for d in (0.0, 0.8))
    assert plain == [track for track, _ in ranking(runs["mf"], SEEDS[0])[:20]]
    assert plain[0] == diverse[0]
    assert plain != diverse


def test_mmr_of_equals_keeps_the_order() -> None:
    assert mmr(np.ones(4, np.float32), np.eye(4, dtype=np.float32), 3, 0.5).tolist() == [0, 1, 2]
    assert mmr(np.zeros(0, np.float32), np.zeros((0, 0), np.float32), 3, 0.5).tolist() == []


def test_first_of_each_is_the_loop() -> None:
    artists = np.random.default_rng(0).integers(-1, 5, 200)
    for n in (1, 2, 50):
        counts = {artist: count() for artist in range(-1, 5)}
        assert first_of_each(artists, n).tolist() == [a < 0 or next(counts[a]) < n for a in artists.tolist()]


@pytest.mark.parametrize("model", ["itemknn", "mf"])
def test_nothing_known_gives_popularity(runs: dict[str, pr.Run], model: str) -> None:
    run = runs[model]
    known = run.data.split.ranking(run.data.corpus, "test")
    held = [0] * known.n_tracks
    for playlist in range(known.n_playlists):
        for track in set(known.playlist(playlist).tolist()):
            held[track] += 1
    wanted = sorted(range(known.n_tracks), key=lambda track: (-held[track], track))[:15]
    tracks, scores = run.recommend(tracks=[], k=15)
    assert tracks.tolist() == wanted
    assert scores.tolist() == [held[track] for track in wanted]
    titled, _ = run.recommend(title="☃☃☃ qqqzzzxxx", k=15)
    assert titled.tolist() == wanted


def test_a_track_that_nobody_holds_is_asked_by_its_artist() -> None:
    """Track ``new`` is in the test part alone; its artist's most popular track is asked in its place."""
    lists = [["a", "b", "c"], ["b", "c", "d"], ["a", "d", "e"], ["b", "e"], ["new", "a"], ["lone", "c"]]
    corpus = pr.Corpus.from_lists(lists, {"a": "X", "b": "Y", "c": "Z", "d": "X", "new": "Y", "e": "Z", "lone": "Q"})
    part = np.zeros(corpus.n_entries, dtype=np.uint8)
    new, lone = corpus.track_index("new"), corpus.track_index("lone")
    part[np.isin(corpus.tracks, [new, lone])] = 2
    run = pr.fit(pr.Data.of(corpus, pr.Split("given", part)), "itemknn")
    stand_in = corpus.track_index("b")
    tracks, scores = run.recommend(tracks=[new], k=9)
    of_stand_in, its_scores = run.recommend(tracks=[stand_in], k=9)
    assert new not in tracks
    assert stand_in in tracks, "it is not in the playlist, and may be recommended"
    both = [track for track in of_stand_in.tolist() if track != new]
    assert [track for track in tracks.tolist() if track != stand_in] == both
    known = dict(zip(of_stand_in.tolist(), its_scores.tolist()))
    assert all(known[t] == pytest.approx(s) for t, s in zip(tracks.tolist(), scores.tolist()) if t in known)
    assert run.service().recommend_one(run.query(tracks=[]), RecommendOptions()).cold
    assert lone not in run.recommend(tracks=[lone], k=9)[0], "its artist is unknown too, and it is still taken"


def test_what_is_refused(runs: dict[str, pr.Run]) -> None:
    run = runs["itemknn"]
    for options, words in (
        ({"k": 0}, r"k must be at least 1 \(got 0\)"),
        ({"max_per_artist": 0}, r"max_per_artist must be at least 1 \(got 0\)"),
        ({"diversity": 1.5}, r"diversity must be between 0 and 1 \(got 1.5\)"),
        ({"diversity": float("nan")}, "diversity must be between 0 and 1"),
        ({"playlist": 0}, "either a playlist or tracks"),
    ):
        with pytest.raises(ConfigError, match=words):
            run.recommend(tracks=[1], **options)
    name = run.data.corpus.artists["name"][0].as_py()
    with pytest.raises(DataError, match="; nearest: ") as caught:
        run.recommend(tracks=[1], exclude_artists=[name + "q"])
    assert name in str(caught.value)
    with pytest.raises(DataError, match="must not be empty"):
        run.recommend(tracks=[1], exclude_artists=[" "])


def test_several_playlists_at_once(runs: dict[str, pr.Run]) -> None:
    run = runs["itemknn"]
    tracks, scores = run.recommend(playlist=["0", "7"], k=2000)
    assert tracks.shape == scores.shape == (2, 2000)
    for row, pid in enumerate(("0", "7")):
        alone, alone_scores = run.recommend(playlist=pid, k=2000)
        np.testing.assert_array_equal(tracks[row, : len(alone)], alone)
        np.testing.assert_allclose(scores[row, : len(alone)], alone_scores, rtol=1e-5)
        assert (tracks[row, len(alone) :] == -1).all()
        assert np.isneginf(scores[row, len(alone) :]).all()
    with pytest.raises(ConfigError, match="either a playlist or tracks"):
        run.recommend(playlist=["0", "7"], tracks=[3])


def test_excluded_tracks_make_room_for_the_next(runs: dict[str, pr.Run]) -> None:
    run = runs["itemknn"]
    best, _ = run.recommend(tracks=[3, 17], k=6)
    left, _ = run.recommend(tracks=[3, 17], k=4, exclude_tracks=best[[0, 2]].tolist())
    assert left.tolist() == best[[1, 3, 4, 5]].tolist()
    known, _ = run.recommend(playlist="7", k=5)
    again, _ = run.recommend(playlist=["7"], k=4, exclude_tracks=known[:1].tolist())
    assert again[0].tolist() == known[1:].tolist()


def test_python_takes_what_the_command_line_takes(data_folder: Path, tmp_path: Path) -> None:
    """`popularity`, `dislike` and `keep_versions` are those of ``recommend``, for a playlist and for several."""
    run = pr.fit(data_folder, "itemknn", tmp_path / "run")
    uris = run.data.corpus.track_table["uri"]
    disliked = run.recommend(playlist=7, k=3).uris[1]
    given = ("--playlist", 7, "-k", 12, "--dislike", disliked, "--popularity", "-0.7", "--diversity", "0.2")
    shown = json.loads(call("recommend", tmp_path / "run", *given, "--keep-versions", "--json").stdout)["items"]
    options: dict[str, Any] = {"k": 12, "dislike": disliked, "popularity": -0.7, "diversity": 0.2}
    found = run.recommend(playlist=7, **options, keep_versions=True)
    assert found.uris == [item["track_uri"] for item in shown]
    assert disliked not in found.uris
    row = uris.to_pylist().index(disliked)
    several = run.recommend(playlist=[9, 7], **{**options, "dislike": row}, keep_versions=True)
    assert several.tracks[1].tolist() == found.tracks.tolist()
    rare, known = (run.recommend(playlist=7, k=12, popularity=p).tracks for p in (-1, 1))
    assert run.history.popularity[rare].mean() < run.history.popularity[known].mean()
    for wrong in ({"popularity": 2}, {"popularity": "much"}, {"dislike": "no such track at all"}):
        with pytest.raises(PlaylistrecError):
            run.recommend(playlist=7, **wrong)  # type: ignore[arg-type]
