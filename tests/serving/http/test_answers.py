"""What a server answers, against the command line's answers on the same run."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from calling import call
from serving_process import Server

from playlistrec.experiment.runs import Run


def same(answer: dict, printed: dict) -> None:
    """As the command line has it; scores may differ in the last digits, where queries are scored together."""
    assert answer["query"] == printed["query"]
    assert answer["cold"] == printed["cold"]
    assert [item["track_uri"] for item in answer["items"]] == [item["track_uri"] for item in printed["items"]]
    for ours, theirs in zip(answer["items"], printed["items"]):
        assert ours["score"] == pytest.approx(theirs["score"], abs=2e-5)
        assert {**ours, "score": 0} == {**theirs, "score": 0}


def test_recommend_answers_as_the_command_line_does(server: Server, served_run: Path, uris: list[str]) -> None:
    artist = server.ask("POST", "/tracks", {"tracks": [uris[1]]}).content["items"][0]["artist_name"]
    cases = (
        ({"tracks": uris[:3], "k": 4}, ["--track", uris[0], "--track", uris[1], "--track", uris[2], "-k", 4]),
        ({"playlist": 7, "explain": True}, ["--playlist", 7, "--explain"]),
        ({"title": "workout", "tracks": [uris[5]]}, ["--title", "workout", "--track", uris[5]]),
        (
            {"tracks": [uris[0]], "exclude_artists": [artist], "exclude_tracks": [uris[4]], "max_per_artist": 1},
            ["--track", uris[0], "--exclude-artist", artist, "--exclude-track", uris[4], "--max-per-artist", 1],
        ),
        ({"tracks": [uris[2]], "diversity": 0.5}, ["--track", uris[2], "--diversity", 0.5]),
        (
            {"tracks": [uris[2]], "popularity": -0.5, "dislike": [uris[8]]},
            ["--track", uris[2], "--popularity", -0.5, "--dislike", uris[8]],
        ),
    )
    for body, options in cases:
        printed = json.loads(call("recommend", served_run, *options, "--json").stdout)
        same(server.recommend(**body), printed)


def test_errors_have_the_command_lines_words(server: Server, served_run: Path, uris: list[str]) -> None:
    cases = (
        ({"tracks": ["no such song at all"]}, ["--track", "no such song at all"], 404),
        ({"playlist": "none"}, ["--playlist", "none"], 404),
        ({"tracks": [uris[0]], "diversity": 2}, ["--track", uris[0], "--diversity", 2], 422),
        ({"tracks": [uris[0]], "popularity": -3}, ["--track", uris[0], "--popularity", -3], 422),
        ({"tracks": [uris[0]], "max_per_artist": 0}, ["--track", uris[0], "--max-per-artist", 0], 422),
        ({"tracks": [uris[0]], "exclude_artists": ["zzzzz"]}, ["--track", uris[0], "--exclude-artist", "zzzzz"], 404),
    )
    for body, options, status in cases:
        answer = server.ask("POST", "/recommend", body)
        assert answer.status == status, answer
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.content["status"] == status
        said = call("recommend", served_run, *options, code=2 if status == 422 else 1).stderr
        assert f"error: {answer.content['detail']}".split("(got")[0] == said.strip().split("(got")[0]


def test_disliked_tracks_and_those_like_them_come_later(server: Server, uris: list[str]) -> None:
    plain = [item["track_uri"] for item in server.recommend(tracks=uris[:2], k=30)["items"]]
    disliked = plain[0]
    leant = [item["track_uri"] for item in server.recommend(tracks=uris[:2], k=30, dislike=[disliked])["items"]]
    assert disliked not in leant
    like = server.ask("GET", f"/similar?track={disliked}&k=200").content["items"]
    likeness = {item["track_uri"]: item["cosine"] for item in like}
    places = [uri for uri in plain[1:] if uri in likeness and uri in leant]
    nearest = max(places, key=lambda uri: likeness[uri])
    assert leant.index(nearest) > plain.index(nearest) - 1


def test_popularity_leans_to_known_or_rare_tracks(server: Server, uris: list[str]) -> None:
    def mean(weight: float) -> float:
        found = server.recommend(tracks=uris[:3], k=10, popularity=weight)["items"]
        listed = server.ask("POST", "/tracks", {"tracks": [item["track_uri"] for item in found]}).content["items"]
        return sum(item["n_playlists"] for item in listed) / 10

    assert mean(-0.9) < mean(0) < mean(0.9)


def test_similar_and_playlists_are_those_of_the_run(server: Server, served_run: Path, uris: list[str]) -> None:
    for kind, value in (("track", uris[3]), ("playlist", "5")):
        answer = server.ask("GET", f"/similar?{kind}={value}&k=5").content
        printed = json.loads(call("similar", served_run, f"--{kind}", value, "-k", 5, "--json").stdout)
        answer.pop("warnings")
        assert answer == printed
    run = Run.load(served_run)
    known = run.query(playlist=5).tracks.tolist()
    shown = server.ask("GET", "/playlists/5").content
    assert [item["track_uri"] for item in shown["items"]] == run.data.corpus.track_table["uri"].take(known).to_pylist()
    hidden = run.data.corpus.where(run.data.split.mask(2)).playlist(run.data.corpus.playlist_index(5))
    assert len(hidden), "the playlist has tracks that are hidden"
    assert len(known) + len(hidden) == len(run.data.corpus.playlist(run.data.corpus.playlist_index(5)))


def test_a_batch_is_that_of_the_command_line(server: Server, served_run: Path, uris: list[str], tmp_path: Path) -> None:
    lines = [{"id": 1, "tracks": uris[:2]}, {"id": "b", "title": "x", "k": 3}, {"id": 3, "tracks": ["none"], "k": 201}]
    text = "\n".join(map(json.dumps, lines))
    answer = server.ask("POST", "/recommend/batch?k=4", text, {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200
    got = [json.loads(line) for line in answer.content.splitlines()]
    (tmp_path / "in.jsonl").write_text(text.rsplit("\n", 1)[0])
    printed = call("recommend", served_run, "--batch", tmp_path / "in.jsonl", "-k", 4).stdout.splitlines()
    assert [(one["id"], one["tracks"]) for one in got[:2]] == [
        (one["id"], one["tracks"]) for one in map(json.loads, printed)
    ]
    assert got[2]["error"] == "k must be at most 200 (got 201)"


def test_search_finds_while_one_types(server: Server, uris: list[str]) -> None:
    track = server.ask("POST", "/tracks", {"tracks": [uris[0]]}).content["items"][0]
    by_uri = server.ask("GET", f"/search?q={uris[0]}").content["tracks"]
    assert [one["track_uri"] for one in by_uri] == [uris[0]]
    letters = "".join(sign for sign in track["track_name"] if sign.isalnum())[:6]
    found = server.ask("GET", f"/search?k=200&q={quote(letters)}").content["tracks"]
    assert uris[0] in [one["track_uri"] for one in found]
    counts = [one["n_playlists"] for one in found]
    assert len(counts) == len(found)
    titles = server.ask("GET", "/search?k=3&q=a").content["playlists"]
    assert titles
    assert all(one["n_playlists"] >= 1 for one in titles)
    assert server.ask("GET", "/search?q=").content["tracks"] == []


def test_files_are_read_as_the_command_line_reads_them(server: Server, uris: list[str]) -> None:
    for name, text in (
        ("a.m3u", "#EXTM3U\n#PLAYLIST:Mine\n" + "\n".join(uris[:3])),
        ("b.csv", "Track URI,Track Name\n" + "\n".join(f"{uri}," for uri in uris[:3])),
        ("d.txt", "\n".join(uris[:3])),
        ("c.json", json.dumps({"name": "Mine", "tracks": uris[:3]})),
    ):
        answer = server.ask("POST", f"/playlists/read?name={name}", text).content
        assert [item["track_uri"] for item in answer["items"]] == uris[:3]
        assert answer["title"] == ("Mine" if name in ("a.m3u", "c.json") else None)
    answer = server.ask("POST", "/playlists/read?name=../../etc/passwd", "x")
    assert answer.status == 422
    assert "etc" not in answer.content["detail"]


def test_the_map_has_a_place_for_each_track(server: Server, uris: list[str]) -> None:
    points = server.until("/map").content
    assert len(points) == 4 * len(uris)
    near, far = server.ask("POST", "/map/places", {"tracks": [uris[0], "none"]}).content["places"]
    assert far is None
    found = server.ask("GET", f"/map/near?x={near[0]}&y={near[1]}&k=3").content["items"]
    assert near in [item["place"] for item in found]
    assert server.ask("GET", "/map/near?x=70000&y=1").status == 422


def test_many_at_once_get_each_their_own_answer(server: Server, uris: list[str]) -> None:
    alone = {uri: [item["track_uri"] for item in server.recommend(tracks=[uri], k=5)["items"]] for uri in uris[:24]}
    before = counter(server, "playlistrec_batches_total")
    with ThreadPoolExecutor(24) as pool:
        together = list(pool.map(lambda uri: server.recommend(tracks=[uri], k=5)["items"], list(alone) * 4))
    for uri, items in zip(list(alone) * 4, together):
        assert [item["track_uri"] for item in items] == alone[uri]
    assert counter(server, "playlistrec_batches_total") - before < 4 * 24, "some were scored together"


def counter(server: Server, name: str) -> float:
    text = server.ask("GET", "/metrics").content.decode()
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])
