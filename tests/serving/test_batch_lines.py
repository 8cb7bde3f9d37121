"""Lines of queries: answered as each would be alone, and what is wrong with the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.errors import DataError
from playlistrec.events import Event
from playlistrec.serving import batch as batch_module
from playlistrec.serving.batch import WARNINGS, Batch
from playlistrec.serving.recommender import RecommendOptions
from playlistrec.storage import write_file


@pytest.fixture(scope="module", params=["itemknn", "lightgcn"])
def run(request: pytest.FixtureRequest, data_folder: Path) -> pr.Run:
    options = {"epochs": 2, "batch_size": 2048, "dim": 16} if request.param == "lightgcn" else None
    return pr.fit(pr.Data.load(data_folder), request.param, options=options)


def answered(batch: Batch, lines: list[Any], reported: list[Event] | None = None) -> list[dict[str, Any]]:
    text = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    on_event = (lambda _: None) if reported is None else reported.append
    return [json.loads(line) for line in batch.results(text, on_event)]


@pytest.mark.parametrize(
    "options", [RecommendOptions(k=20), RecommendOptions(k=7, max_per_artist=1), RecommendOptions(k=5, diversity=0.4)]
)
def test_batch_is_single(run: pr.Run, options: RecommendOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever shares the batch: one that holds five queries at once, against one query at a time."""
    corpus = run.data.corpus
    monkeypatch.setattr(batch_module, "BATCH_BYTES", 5 * 4 * corpus.n_tracks)
    uris = np.array(corpus.track_table["uri"].to_pylist())
    rng = np.random.default_rng(1)
    seeds = [rng.integers(0, corpus.n_tracks, rng.integers(0, 12)).tolist() for _ in range(13)]
    titles = [None if i % 3 else "chill" for i in range(13)]
    artist = corpus.artists["name"][3].as_py()
    lines = [
        {"id": i, "tracks": uris[rows].tolist(), "title": title, "exclude_artists": [artist] if i % 2 else []}
        for i, (rows, title) in enumerate(zip(seeds, titles))
    ]
    found = answered(Batch(run.service("cpu"), options), lines)
    assert [line["id"] for line in found] == list(range(13))
    row = {uri: i for i, uri in enumerate(uris.tolist())}
    for i, line in enumerate(found):
        tracks, scores = run.recommend(
            tracks=seeds[i],
            title=titles[i],
            k=options.k,
            max_per_artist=options.max_per_artist,
            diversity=options.diversity,
            exclude_artists=[artist] if i % 2 else [],
        )
        np.testing.assert_allclose(line["scores"], scores, rtol=1e-4, atol=2e-6)
        # Sums of floats differ in the last bits with the size of the batch: tracks as good as equal may change places.
        gaps = np.abs(np.diff(scores, append=-np.inf)) > 1e-4
        clear = gaps & np.roll(gaps, 1) if not options.diversity else np.zeros(len(scores), bool)
        got = np.array([row[uri] for uri in line["tracks"]])
        assert len(got) == len(tracks) == options.k
        np.testing.assert_array_equal(got[clear], tracks[clear])
        if options.diversity:
            assert got.tolist() == tracks.tolist()


def test_lines_that_are_wrong_do_not_stop_the_others(run: pr.Run) -> None:
    corpus = run.data.corpus
    uri = corpus.track_table["uri"][3].as_py()
    lines: list[Any] = [
        {"id": "first", "tracks": [uri]},
        b'{"id": 2, "tracks": [',
        b"   \n",
        {"id": 4, "tracks": uri},
        {"id": [5], "tracks": [uri, 7]},
        {"id": 6, "tracks": [uri], "k": 0},
        {"id": 7, "track": [uri]},
        {"id": 8},
        [uri],
        b'{"id": "\xff", "tracks": []}',
        b"[" * 100_000,
        {"tracks": ["nobody", uri, "nothing"], "k": 2, "id": {"a": 1.50}, "exclude_artists": ["no such artist"]},
    ]
    reported: list[Event] = []
    batch = Batch(run.service("cpu"), RecommendOptions(k=3))
    found = answered(batch, lines, reported)
    assert (batch.n_lines, batch.n_failed) == (11, 9)
    assert [line["id"] for line in found] == ["first", None, 4, [5], 6, 7, 8, None, None, None, {"a": 1.5}]
    wrong = [line for line in found if "error" in line]
    assert [line["line"] for line in wrong] == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    warnings = [event.text for event in reported if event.kind == "warning"]
    assert warnings == [f"line {line['line']}: {line['error']}" for line in wrong]
    assert "unknown field `track`" in wrong[4]["error"]
    assert wrong[5]["error"] == "it has neither tracks nor a title"
    assert wrong[7]["error"] == "it is not UTF-8"
    assert len(found[0]["tracks"]) == 3
    assert "unknown" not in found[0]
    assert found[-1]["unknown"] == ["nobody", "nothing", "no such artist"]
    assert found[-1]["tracks"] == found[0]["tracks"][:2]
    assert not found[0].get("cold")


def test_a_question_without_anything_known_says_so(run: pr.Run) -> None:
    lines = [{"tracks": []}, {"tracks": ["nobody"]}]
    one, two = answered(Batch(run.service("cpu"), RecommendOptions(k=4)), lines)
    assert one["cold"] is two["cold"] is True
    assert one["tracks"] == two["tracks"]
    assert one["scores"] == sorted(one["scores"], reverse=True)
    assert two["unknown"] == ["nobody"]


def test_ids_come_back_as_they_were(run: pr.Run) -> None:
    text = b'\xef\xbb\xbf{"id": 123456789012345678901234567890, "tracks": []}\r\n'
    (line,) = Batch(run.service("cpu"), RecommendOptions(k=1)).results([text])
    assert line.startswith(b'{"id":123456789012345678901234567890,')


def test_many_wrong_lines_are_not_all_told(run: pr.Run) -> None:
    reported: list[Event] = []
    batch = Batch(run.service("cpu"), RecommendOptions(k=1))
    assert len(answered(batch, [b"x"] * (WARNINGS + 30), reported)) == batch.n_failed == WARNINGS + 30
    assert sum(event.kind == "warning" for event in reported) == WARNINGS


def test_more_than_there_are_gives_all(run: pr.Run) -> None:
    corpus = run.data.corpus
    uris = corpus.track_table["uri"].to_pylist()
    (line,) = answered(Batch(run.service("cpu"), RecommendOptions()), [{"tracks": uris[:2], "k": 2**31 - 1}])
    assert len(line["tracks"]) <= corpus.n_tracks - 2
    assert not {*uris[:2]} & {*line["tracks"]}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def lines() -> Any:
        yield b"one\n"
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        write_file(tmp_path / "out.jsonl", lines(), DataError)
    assert list(tmp_path.iterdir()) == []
    write_file(tmp_path / "out.jsonl", [b"one\n", b"two\n"])
    assert (tmp_path / "out.jsonl").read_bytes() == b"one\ntwo\n"
    with pytest.raises(DataError, match="cannot be written: No such file"):
        write_file(tmp_path / "none" / "out.jsonl", [b""], DataError)
