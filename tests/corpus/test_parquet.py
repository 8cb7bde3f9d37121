"""Parquet sources: a file or a partitioned folder, of any order, is what a plain loop makes of its rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.parquet import parquet_files, read_parquet
from playlistrec.corpus.sources.read import read
from playlistrec.errors import DataError
from playlistrec.events import Event

pytest.importorskip("duckdb")


def _read(source: Path, **options: Any) -> Corpus:
    given = {"limit": None, "weights": False, "on_event": lambda event: None, **options}
    return read_parquet([parquet_files(source)], **given)[0]


def _lists(corpus: Corpus) -> dict[str, list[str]]:
    uris = corpus.track_table["uri"].to_pylist()
    pids = corpus.playlists["pid"].to_pylist()
    return {pid: [uris[t] for t in corpus.playlist(row)] for row, pid in enumerate(pids)}


@pytest.mark.parametrize("n_files", [1, 3])
@pytest.mark.parametrize("order", [None, "position", "timestamp", "Time"])
@pytest.mark.parametrize("as_text", [True, False])
def test_shuffled_rows_become_the_playlists_of_a_plain_loop(
    order: str | None, n_files: int, as_text: bool, tmp_path: Path
) -> None:
    random = np.random.default_rng(1)
    pid, tid = random.integers(5, 20, 300), random.integers(100, 140, 300)
    place = random.permutation(300)
    for part in range(n_files):
        rows = slice(part * 300 // n_files, (part + 1) * 300 // n_files)
        kind = (lambda array: pa.array(array).cast(pa.string())) if as_text else pa.array
        columns = {"playlist_id": kind(pid[rows]), "track_id": kind(tid[rows])}
        pq.write_table(pa.table(columns | ({order: place[rows]} if order else {})), tmp_path / f"{part}.parquet")
    rows_by_place = sorted(range(300), key=lambda row: place[row]) if order else range(300)
    expected: dict[str, list[str]] = {str(p): [] for p in pid}
    for row in rows_by_place:
        expected[str(pid[row])].append(str(tid[row]))
    corpus = _read(tmp_path)
    assert _lists(corpus) == expected
    assert list(_lists(corpus)) == list(expected), "numbered by first appearance"
    assert corpus.track_table["uri"].to_pylist() == [str(t) for t in dict.fromkeys(tid.tolist())]
    assert set(corpus.playlists["ordered"].to_pylist()) == {order is not None}


def test_a_partitioned_folder_is_read_at_any_depth_and_odd_names_are_names(tmp_path: Path) -> None:
    for name, pid in (("day=1/a[1].parquet", "p"), ("day=2/what?*.parquet", "q")):
        path = tmp_path / name
        path.parent.mkdir()
        pq.write_table(pa.table({"pid": [pid, pid], "track_uri": ["x", "y"]}), path)
    assert _lists(_read(tmp_path)) == {"p": ["x", "y"], "q": ["x", "y"]}


def test_what_rows_and_a_table_beside_them_say_of_tracks_is_kept(tmp_path: Path) -> None:
    entries = {"pid": ["p", "p", "q"], "track_id": [1, 2, 3], "track_name": ["One", None, "Three"]}
    pq.write_table(pa.table(entries), tmp_path / "entries.parquet")
    listed = {"track_id": ["2", "3", "4"], "name": ["Two", "III", "Four"], "artist_name": ["A", "A", "B"]}
    pq.write_table(pa.table(listed), tmp_path / "tracks.parquet")
    corpus = _read(tmp_path)
    assert corpus.track_table["name"].to_pylist() == ["One", "Two", "III"]
    assert corpus.artist_names().to_pylist() == [None, "A", "A"]


def test_rows_without_playlist_or_track_are_counted_and_columns_not_read_are_named(tmp_path: Path) -> None:
    table = {"uid": [1, None, 2, 2], "item_id": ["a", "b", None, " c "], "is_organic": [1, 1, 0, 0]}
    pq.write_table(pa.table(table), tmp_path / "listens.parquet")
    events: list[Event] = []
    corpus = _read(tmp_path / "listens.parquet", on_event=events.append)
    assert _lists(corpus) == {"1": ["a"], "2": ["c"]}
    texts = [event.text for event in events]
    assert "2 rows have no playlist or no track: left out" in texts
    assert "columns not read: is_organic" in texts


def test_limit_takes_the_first_playlists_and_only_their_tracks(tmp_path: Path) -> None:
    pq.write_table(pa.table({"pid": ["b", "a", "b", "c"], "track": ["1", "2", "3", "4"]}), tmp_path / "e.parquet")
    corpus = _read(tmp_path / "e.parquet", limit=2)
    assert _lists(corpus) == {"b": ["1", "3"], "a": ["2"]}
    assert corpus.n_tracks == 3


def test_weights_follow_their_entries(tmp_path: Path) -> None:
    table = {"pid": [2, 1, 2], "track": [7, 8, 9], "position": [5, 0, 1], "plays": [0.5, 2.0, 3.0]}
    pq.write_table(pa.table(table), tmp_path / "e.parquet")
    corpus = _read(tmp_path / "e.parquet", weights=True)
    assert _lists(corpus) == {"2": ["9", "7"], "1": ["8"]}
    assert corpus.weights is not None
    assert corpus.weights.tolist() == [3.0, 0.5, 2.0]


def test_a_test_part_is_marked_and_its_repeats_left_out(tmp_path: Path) -> None:
    pq.write_table(pa.table({"pid": ["a", "b"], "track": ["1", "1"]}), tmp_path / "train.parquet")
    pq.write_table(pa.table({"pid": ["a", "a", "b"], "track": ["2", "1", "3"]}), tmp_path / "test.parquet")
    parts = [[tmp_path / f"{name}.parquet"] for name in ("train", "test")]
    events: list[Event] = []
    corpus, test = read_parquet(parts, limit=None, weights=False, on_event=events.append)
    assert _lists(corpus) == {"a": ["1", "2"], "b": ["1", "3"]}
    assert test.tolist() == [0, 1, 0, 1]
    assert "left out 1 entry that also stands in an earlier part" in [event.text for event in events]


def test_the_door_takes_a_file_a_folder_and_train_beside_test(tmp_path: Path) -> None:
    folder = tmp_path / "day=1"
    folder.mkdir()
    pq.write_table(pa.table({"pid": ["a"], "track": ["1"]}), folder / "x.parquet")
    for source in (folder / "x.parquet", folder, tmp_path):
        corpus, given = read(source)
        assert (_lists(corpus), given) == ({"a": ["1"]}, None)
    parts = tmp_path / "parts"
    parts.mkdir()
    for name, track in (("train", "1"), ("test", "2")):
        pq.write_table(pa.table({"pid": ["a"], "track": [track]}), parts / f"{name}.parquet")
    corpus, given = read(parts)
    assert _lists(corpus) == {"a": ["1", "2"]}
    assert given is not None
    assert given.tolist() == [0, 2]
    pq.write_table(pa.table({"pid": ["a", "a"], "track": ["3", "2"]}), parts / "valid.parquet")
    corpus, given = read(parts)
    assert _lists(corpus) == {"a": ["1", "3", "2"]}
    assert given is not None
    assert given.tolist() == [0, 1, 1], "what valid and test both hold is valid"


def _garbage(path: Path) -> None:
    path.write_bytes(b"PAR1 this is not Parquet PAR1")


def _table(**columns: Any) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_garbage, "e.parquet cannot be read as Parquet"),
        (_table(pid=[1], song=["x"]), "has no column track_id or track_uri or track (it has pid, song)"),
        (_table(pid=[1.5], track=["x"]), "column pid is DOUBLE and cannot hold ids"),
        (_table(pid=[[1]], track=["x"]), "cannot hold ids"),
        (_table(pid=["a\nb"], track=["x"]), "an id in column pid has a control character"),
        (_table(pid=[1], track=["x"], weight=[-1.0]), "a weight in column weight is missing, negative or not finite"),
        (_table(pid=[1], track=["x"], weight=["much"]), "column weight is VARCHAR and cannot hold numbers"),
        (_table(pid=pa.array([], pa.int64()), track=pa.array([], pa.string())), "has no entries"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    write: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    write(tmp_path / "e.parquet")
    with pytest.raises(DataError) as error:
        _read(tmp_path / "e.parquet", weights="weight" in message)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
