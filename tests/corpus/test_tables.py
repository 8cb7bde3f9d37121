"""CSV tables and adjacency text, alone and as train and test parts, against naive readers."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources import decoding
from playlistrec.corpus.sources.read import read
from playlistrec.errors import DataError
from playlistrec.events import Event


def lists(corpus: Corpus) -> dict[str, list[str]]:
    known = corpus.track_table["uri"].to_pylist()
    pids = corpus.playlists["pid"].to_pylist()
    return {pid: [known[i] for i in corpus.playlist(p)] for p, pid in enumerate(pids)}


def write(folder: Path, **tables: str) -> Path:
    for stem, content in tables.items():
        (folder / f"{stem}.csv").write_text(content)
    return folder


def test_ids_are_text_and_rows_need_not_be_contiguous(tmp_path: Path) -> None:
    write(tmp_path, any="playlist_id,track_id\n3,01\n03,1\n3,1\n03,01\n3,01\n")
    corpus, mask = read(tmp_path)
    assert mask is None
    assert lists(corpus) == {"3": ["01", "1", "01"], "03": ["1", "01"]}
    assert corpus.playlists["ordered"].to_pylist() == [True, True]
    assert corpus.n_artists == 0
    assert corpus.track_artist.tolist() == [-1, -1]


@pytest.mark.parametrize("header", ["pid,uri", "playlist,track", "x,playlist_id,track_uri,y", " pid , uri "])
def test_names_of_columns(tmp_path: Path, header: str) -> None:
    row = {"pid": "p", "playlist": "p", "playlist_id": "p", "uri": "t", "track": "t", "track_uri": "t"}
    fields = ",".join(row.get(name.strip(), "") for name in header.split(","))
    write(tmp_path, a=f"{header}\n{fields}\n")
    assert lists(read(tmp_path / "a.csv")[0]) == {"p": ["t"]}


def test_what_rows_say_of_playlists_tracks_and_artists(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="pid,track_uri,title,track_name,artist_uri,artist_name,album_id,album_name,duration_ms\n"
        '7,a,"Chill, ""late"" 🌴",Song,x,Björk,m,Début,1000\n'
        "8,b,,Song 2,,  BJÖRK,,,\n"
        "7,a,other,other,y,other,m,other,2\n"
        "8,c,later,,nan,,nan,,3.0\n",
    )
    corpus, _ = read(tmp_path)
    assert corpus.playlists.to_pylist() == [
        {"pid": "7", "name": 'Chill, "late" 🌴', "ordered": True},
        {"pid": "8", "name": None, "ordered": True},
    ]
    columns = ("uri", "name", "artist", "album_uri", "album_name", "duration_ms")
    assert [tuple(row.values()) for row in corpus.track_table.to_pylist()] == [
        ("a", "Song", 0, "m", "Début", 1000),
        ("b", "Song 2", 1, None, None, None),
        ("c", None, None, None, None, 3),
    ]
    assert corpus.track_table.column_names == list(columns)
    assert corpus.artists.to_pydict() == {"uri": ["x", "name:björk"], "name": ["Björk", "BJÖRK"]}


def test_pos_orders_the_entries_of_each_part(tmp_path: Path) -> None:
    write(tmp_path, a="pid,uri,pos\n1,c,10\n2,x,0\n1,a,9\n1,b,9.5\n")
    assert lists(read(tmp_path)[0]) == {"1": ["a", "b", "c"], "2": ["x"]}
    (tmp_path / "a.csv").unlink()
    write(tmp_path, train="pid,uri,pos\n1,b,3\n1,a,2\n", test="pid,uri,pos\n1,d,1\n1,c,0\n")
    corpus, mask = read(tmp_path)
    assert lists(corpus) == {"1": ["a", "b", "c", "d"]}
    assert mask is not None
    assert mask.tolist() == [0, 0, 2, 2]


def test_a_table_of_tracks_is_the_catalogue(tmp_path: Path) -> None:
    write(
        tmp_path,
        entries="playlist_id,track_id,track_name\n1,z,Zed\n1,b,Wrong\n1,y,Why\n1,z,Zed\n",
        tracks="track_id,name,artist_id,album_id,duration_sec\nb,Bee,x,m,2.5\na,Ay,x,m,\n",
    )
    events: list[Event] = []
    corpus, _ = read(tmp_path, on_event=events.append)
    assert corpus.track_table["uri"].to_pylist() == ["b", "a", "z", "y"]
    assert corpus.track_table["name"].to_pylist() == ["Bee", "Ay", "Zed", "Why"]
    assert corpus.track_table["duration_ms"].to_pylist() == [2500, None, None, None]
    assert corpus.track_table["artist"].to_pylist() == [0, 0, None, None]
    assert corpus.artists.to_pydict() == {"uri": ["x"], "name": [None]}
    warnings = [event.text for event in events if event.kind == "warning"]
    assert warnings == ["appended 2 tracks that are not in tracks.csv"]
    corpus.save(tmp_path)
    assert Corpus.load(tmp_path).artists.schema == pa.schema({"uri": pa.string(), "name": pa.string()})


def test_tables_of_playlists(tmp_path: Path) -> None:
    write(
        tmp_path,
        entries="playlist_id,track_id,name\n2,a,inline\n1,a,inline\n0,b,inline\n",
        playlists="playlist_id,num_edits,num_followers,title,collaborative\n1,5,1,One,true\n9,5,1,Nine,\n2,,7,,FALSE\n",
        ordered_playlists="playlist_id\n2\n9\n",
    )
    corpus, _ = read(tmp_path)
    assert corpus.playlists.to_pydict() == {
        "pid": ["2", "1", "0"],
        "name": ["inline", "One", "inline"],
        "collaborative": [False, True, None],
        "num_followers": [7, 1, None],
        "num_edits": [None, 5, None],
        "ordered": [True, False, False],
    }
    assert corpus.playlists.schema.field("num_edits").type == pa.int64()
    write(tmp_path, entries="playlist_id,track_id,pos\n2,a,0\n1,a,0\n")
    assert read(tmp_path)[0].playlists["ordered"].to_pylist() == [True, True]


def test_train_and_test_become_one_corpus(tmp_path: Path) -> None:
    write(
        tmp_path,
        train="playlist_id,track_id\n1,a\n2,b\n1,b\n1,a\n",
        test="playlist_id,track_id\n3,d\n1,c\n2,b\n1,a\n2,c\n2,c\n",
    )
    events: list[Event] = []
    corpus, mask = read(tmp_path, on_event=events.append)
    assert lists(corpus) == {"1": ["a", "b", "a", "c"], "2": ["b", "c", "c"], "3": ["d"]}
    assert mask is not None
    assert mask.tolist() == [0, 0, 0, 2, 0, 2, 2, 2]
    assert [e.text for e in events if e.kind == "warning"] == ["left out 2 test entries that also stand in train"]
    alone, no_mask = read(tmp_path / "train.csv")
    assert no_mask is None
    assert lists(alone) == {"1": ["a", "b", "a"], "2": ["b"]}
    limited, mask = read(tmp_path, limit=1)
    assert lists(limited) == {"1": ["a", "b", "a", "c"]}
    assert mask is not None
    assert mask.tolist().count(2) == 1
    assert limited.n_tracks == 3


def test_adjacency(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes(b"u1 a b\r\nu2\n\n u1\tc  a \nu3 b")
    (tmp_path / "test.txt.gz").write_bytes(gzip.compress(b"u2 a\nu1 b d\nu4 \n"))
    events: list[Event] = []
    corpus, mask = read(tmp_path, on_event=events.append)
    assert lists(corpus) == {"u1": ["a", "b", "c", "a", "d"], "u2": ["a"], "u3": ["b"], "u4": []}
    assert mask is not None
    assert mask.nonzero()[0].tolist() == [4, 5]
    assert corpus.playlists["ordered"].to_pylist() == [False] * 4
    assert [e.text for e in events if e.kind == "warning"] == ["left out 1 test entry that also stands in train"]
    limited, _ = read(tmp_path, limit=2)
    assert lists(limited) == {"u1": ["a", "b", "c", "a", "d"], "u2": ["a"]}
    alone, no_mask = read(tmp_path / "test.txt.gz")
    assert no_mask is None
    assert lists(alone) == {"u2": ["a"], "u1": ["b", "d"], "u4": []}


def test_a_file_is_taken_for_what_it_is_called_or_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_text("pid,uri\n1,a\n")
    assert lists(read(tmp_path / "a.data", format="csv")[0]) == {"1": ["a"]}
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"\xef\xbb\xbfpid,uri\r\n1,a\r\n"))
    assert lists(read(tmp_path / "a.csv")[0]) == {"1": ["a"]}
    (tmp_path / "b.txt").write_text("1 a\n")
    assert lists(read(tmp_path, format="adjacency")[0]) == {"1": ["a"]}
    (tmp_path / "notes.json").write_text("{}")
    assert lists(read(tmp_path)[0]) == {"1": ["a"]}


IDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=3).filter(
    lambda text: text.casefold() not in ("nan", "null")
)
ROWS = st.lists(st.tuples(st.sampled_from(["1", "01", "π", "a b"]), IDS), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, n_train=st.integers(1, 29), limit=st.none() | st.integers(1, 3))
def test_csv_against_a_naive_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], n_train: int, limit: int | None
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    parts = [rows[:n_train], rows[n_train:]]
    for name, part in zip(("train", "test"), parts):
        file = io.StringIO()
        csv.writer(file).writerows([("playlist_id", "track_id"), *part])
        if part:
            (folder / f"{name}.csv").write_text(file.getvalue())
    corpus, mask = read(folder if parts[1] else folder / "train.csv", limit=limit)
    pids = list(dict.fromkeys(pid for pid, _ in rows))[:limit]
    train = {pid: [uri for p, uri in parts[0] if p == pid] for pid in pids}
    test = {pid: [uri for p, uri in parts[1] if p == pid and uri not in train[pid]] for pid in pids}
    assert lists(corpus) == {pid: train[pid] + test[pid] for pid in pids}
    if mask is not None:
        assert mask.tolist() == [flag for p in pids for flag in [0] * len(train[p]) + [2] * len(test[p])]


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = [(str(p), str(t)) for p, t in rng.integers(0, 40, (3000, 2))]
    write(tmp_path, a="pid,uri\n" + "".join(f"{p},{t}\n" for p, t in rows))
    (tmp_path / "a.txt").write_text("".join(f"{p} {t}\n" for p, t in rows))
    table, text = read(tmp_path / "a.csv")[0], read(tmp_path / "a.txt")[0]
    monkeypatch.setattr(decoding, "BLOCK", 100)
    for corpus in (table, text, read(tmp_path / "a.csv")[0], read(tmp_path / "a.txt")[0]):
        assert lists(corpus) == lists(table)
    naive: dict[str, list[str]] = {}
    for p, t in rows:
        naive.setdefault(p, []).append(t)
    assert lists(table) == naive


@pytest.mark.parametrize("block", [40, 1 << 20])
@pytest.mark.parametrize(
    ("places", "order"),
    [
        (["2", "1.5", "1"], [2, 1, 0]),
        (["2", "", "1"], [2, 0, 1]),  # without a time a row stands last
        (["2024-05-31", "2023-05-31", "2024-05-30"], [1, 2, 0]),
        (["86400", "1970-01-01", "90000"], [1, 0, 2]),  # numbers up to the second block
        (["9007199254740993", "9007199254740995", "3"], [2, 0, 1]),
        ([" 7 ", "\t5", "6"], [1, 2, 0]),
    ],
)
def test_times_as_numbers_and_as_text(
    places: list[str], order: list[int], block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", block)
    rows = [f"p,track-number-{i},{place}" for i, place in enumerate(places)]
    corpus, _ = read(write(tmp_path, any="pid,uri,time\n" + "\n".join(rows)))
    assert lists(corpus) == {"p": [f"track-number-{i}" for i in order]}


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ("-1", "at least 0 to be a weight .got '-1'"),
        ("-0.5", "at least 0 to be a weight .got '-0.5'"),
        ("9007199254740993", "a number .got '9007199254740993'"),
        ("inf", "a number .got 'inf'"),
        ("NaN", "a number .got 'NaN'"),
        ("", "a number .got ''"),
    ],
)
def test_a_weight_that_is_none_is_told_as_it_stands(weight: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, any=f"pid,uri,count\np,a,1\np,b,{weight}\n")
    with pytest.raises(DataError, match=f"any.csv, line 3: count must be {words}"):
        read(tmp_path, weights=True)


def test_entries_of_each_playlist_are_put_in_order(tmp_path: Path) -> None:
    for pids in ("aabb", "abab", "abba"):  # each in one run, or in several
        rows = [f"{pid},{track},{place}" for pid, track, place in zip(pids, "wxyz", (4, 3, 2, 1))]
        corpus, _ = read(write(tmp_path, any="pid,uri,pos\n" + "\n".join(rows)))
        for pid, tracks in lists(corpus).items():
            assert tracks == [track for own, track in zip(pids[::-1], "zyxw") if own == pid]
