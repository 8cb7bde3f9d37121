"""Scores by scenario: against a plain loop, with truths that say more or less."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from challenge_corpus import challenge_data

from playlistrec.challenge.files import ChallengeSet, Entry, Incomplete, Truth, Withheld
from playlistrec.challenge.make import Made, make_challenge
from playlistrec.challenge.score import Scores, score, score_submission
from playlistrec.challenge.submission import write_submission
from playlistrec.errors import ConfigError, DataError
from playlistrec.events import Event
from playlistrec.rank.challenge_metrics import r_precision


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made, dict[str, list[str]]]:
    """A challenge, and answers drawn at random with some of the truth in them."""
    out = tmp_path_factory.mktemp("challenge") / "set"
    made = make_challenge(challenge_data(), out, per_scenario=2)
    uris = np.array(made.data.corpus.track_table["uri"].to_pylist())
    rng, answers = np.random.default_rng(1), {}
    for playlist in made.challenge.playlists:
        free = np.setdiff1d(uris, [track.track_uri for track in playlist.tracks])
        answers[str(playlist.pid)] = rng.permutation(free)[:500].tolist()
    return out, made, answers


def plain(made: Made, answers: dict[str, list[str]], variant: str) -> dict[str, list[list[float]]]:
    corpus = made.data.corpus
    artist = dict(zip(corpus.track_table["uri"].to_pylist(), corpus.track_artist.tolist()))
    values: dict[str, list[list[float]]] = {}
    for playlist in made.truth.playlists:
        truth, ranked = [track.track_uri for track in playlist.tracks], answers[str(playlist.pid)]
        n, hits = len(truth), [uri in truth for uri in ranked]
        right = sum(hits[:n])
        wrong = {artist[uri] for uri in ranked[:n] if uri not in truth}
        missed = {artist[uri] for uri in truth if uri not in ranked[:n]}
        if variant == "2018":
            r_precision = (right + 0.25 * len(wrong & missed)) / n
            dcg, ideal = (sum(x / np.log2(i + 2) for i, x in enumerate(xs)) for xs in (hits, [1] * n))
        else:
            r_precision = right / n
            dcg, ideal = (sum(x / max(1, np.log2(i + 1)) for i, x in enumerate(xs)) for xs in (hits, [1] * sum(hits)))
        clicks = hits.index(True) // 10 if any(hits) else 51
        values.setdefault(playlist.scenario or "", []).append([r_precision, dcg / ideal if ideal else 0, clicks])
    return values


def same(found: Scores, values: dict[str, list[list[float]]]) -> None:
    assert {name: list(m.values()) for name, m in found.scenarios.items()} == {
        name: pytest.approx(np.mean(rows, axis=0).tolist()) for name, rows in values.items()
    }
    every = np.concatenate(list(values.values()))
    assert list(found.overall.values()) == pytest.approx(every.mean(0).tolist())
    assert list(found.overall) == ["r_precision", "ndcg", "clicks"]
    assert found.n_playlists == {name: len(rows) for name, rows in values.items()}


@pytest.mark.parametrize("variant", ["2018", "2020"])
def test_scores_are_those_of_a_plain_loop(made: tuple[Path, Made, dict[str, list[str]]], variant: str) -> None:
    out, result, answers = made
    same(score(answers, out, variant=variant), plain(result, answers, variant))


def test_a_submission_scores_as_its_answers(made: tuple[Path, Made, dict[str, list[str]]], tmp_path: Path) -> None:
    out, _, answers = made
    write_submission(tmp_path / "s.csv.gz", answers, "us", "a@b.c")
    assert score_submission(tmp_path / "s.csv.gz", out) == score(answers, out)
    few = dict(list(answers.items())[1:])
    write_submission(tmp_path / "s.csv", few, "us", "a@b.c")
    with pytest.raises(DataError, match=r"breaks the rules \(1 fault; line 20: not answered by the end of the file"):
        score_submission(tmp_path / "s.csv", out)
    with pytest.raises(DataError, match="there is no answer for playlist"):
        score(few, out)


def test_a_truth_without_scenarios(made: tuple[Path, Made, dict[str, list[str]]], tmp_path: Path) -> None:
    """As playlists of the dataset have it: the scenario is then what the challenge set shows; seeds do not count."""
    out, result, answers = made
    seeds = {playlist.pid: playlist.tracks for playlist in result.challenge.playlists}
    whole = [Withheld(p.pid, seeds[p.pid] + p.tracks) for p in reversed(result.truth.playlists)]
    (path := tmp_path / "whole.json").write_bytes(msgspec.json.encode(Truth(whole)))
    assert score(answers, out, path) == score(answers, out)
    slice_like = {"info": {}, "playlists": [{"pid": p.pid, "name": "n", "tracks": p.tracks} for p in whole]}
    path.write_bytes(msgspec.json.encode(slice_like))
    assert score(answers, out, path) == score(answers, out)


def test_without_the_data_artists_are_those_the_files_name(
    made: tuple[Path, Made, dict[str, list[str]]], tmp_path: Path
) -> None:
    out, _, answers = made
    for name in ("challenge_set.json", "truth.json"):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    reported: list[Event] = []
    alone = score(answers, tmp_path / "challenge_set.json", on_event=reported.append)
    assert "recommended tracks is not known: they get no credit" in reported[0].text
    assert alone.overall["r_precision"] < score(answers, out).overall["r_precision"]
    assert alone.overall["ndcg"] == score(answers, out).overall["ndcg"]
    reported.clear()
    assert score(answers, tmp_path, data=out / "data", on_event=reported.append) == score(answers, out)
    score(answers, tmp_path, variant="2020", on_event=reported.append)
    assert reported == [], "nobody is credited in 2020"


def test_playlists_of_no_scenario_are_told_apart(tmp_path: Path) -> None:
    playlists = [
        Incomplete(1, [Entry("a", pos=3)], name="t"),
        Incomplete(2, [], name="t"),
        Incomplete(3, [Entry(f"s{i}", pos=2 * i) for i in range(25)], name="t"),
        Incomplete(4, [Entry(f"s{i}", pos=i) for i in range(25)], name="t"),
        Incomplete(5, [Entry(f"s{i}") for i in range(5)]),
    ]
    (tmp_path / "c.json").write_bytes(msgspec.json.encode(ChallengeSet(playlists)))
    truth = Truth([Withheld(pid, [Entry("x")]) for pid in range(1, 6)])
    (tmp_path / "truth.json").write_bytes(msgspec.json.encode(truth))
    found = score({str(pid): ["y"] * (pid - 1) + ["x"] for pid in range(1, 6)}, tmp_path / "c.json")
    assert list(found.scenarios) == ["title only", "first 5", "title, first 25", "title, random 25", "other"]


def test_what_score_refuses(made: tuple[Path, Made, dict[str, list[str]]], tmp_path: Path) -> None:
    out, result, answers = made
    with pytest.raises(ConfigError, match=r"variant must be one of 2018, 2020 \(got '2019'\)"):
        score(answers, out, variant="2019")
    (tmp_path / "challenge_set.json").write_bytes((out / "challenge_set.json").read_bytes())
    with pytest.raises(DataError, match=r"truth.json does not exist: name the file"):
        score(answers, tmp_path)
    (path := tmp_path / "t.json").write_bytes(msgspec.json.encode(Truth(result.truth.playlists[:1])))
    with pytest.raises(DataError, match=r"t.json says nothing of playlist"):
        score(answers, out, path)
    first = result.challenge.playlists[-1]
    seeds_only = [Withheld(first.pid, first.tracks), *result.truth.playlists[:-1]]
    path.write_bytes(msgspec.json.encode(Truth(seeds_only)))
    with pytest.raises(DataError, match=rf"has no track of playlist {first.pid} besides its seeds"):
        score(answers, out, path)


def test_the_three_definitions_of_r_precision_by_hand() -> None:
    """G = a b c d of artists X X Y Z, of which a is hit; the others of the first four are of X, Y and W."""
    artist_of = {"a": "X", "b": "X", "c": "Y", "d": "Z", "e": "X", "f": "Y", "g": "W"}
    ranked, truth = ["a", "e", "f", "g", "b"], {"a", "b", "c", "d"}
    assert r_precision(ranked, truth) == 1 / 4
    assert r_precision(ranked, truth, artist_of) == (1 + 0.25 * 2) / 4, "b and c are missed, of X and Y"
    alone = {"a", "c", "d"}
    assert r_precision(["a", "e", "g"], alone, artist_of) == 1 / 3, "no missed track is of X"
    assert r_precision(["a", "e", "g"], alone, artist_of, credit="any") == (1 + 0.25) / 3, "the hit a is of X"
