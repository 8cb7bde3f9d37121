"""Lines that can be taken for ids, for pairs or for tables: each is read as what it proves to be, with a warning."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.read import read
from playlistrec.errors import DataError
from playlistrec.events import Event
from playlistrec.experiment.data import preprocess


def lists(corpus: Corpus) -> dict[str, list[str]]:
    uris, pids = corpus.track_table["uri"].to_pylist(), corpus.playlists["pid"].to_pylist()
    return {pid: [uris[i] for i in corpus.playlist(p)] for p, pid in enumerate(pids)}


def warned(*sources: Path, **options: object) -> tuple[Corpus, list[str]]:
    events: list[Event] = []
    corpus, _ = read(sources, on_event=events.append, **options)  # type: ignore[arg-type]
    return corpus, [event.text for event in events if event.kind == "warning"]


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", "::"])
@pytest.mark.parametrize("more", ["", "881250949"])
def test_user_item_weight(separator: str, more: str, tmp_path: Path) -> None:
    rows = [("ann", "x", "5"), ("bo", "y", "0.5"), ("ann", "y", "12")]
    lines = [separator.join((*row, more) if more else row) for row in rows]
    (tmp_path / "data1.txt").write_text("\n".join(lines) + "\n")
    corpus, warnings = warned(tmp_path / "data1.txt", weights=True)
    assert lists(corpus) == {"ann": ["x", "y"], "bo": ["y"]}
    assert corpus.weights is not None
    assert corpus.weights.tolist() == [5, 12, 0.5]
    assert warnings == [f"data1.txt: each line is `user_id item_id rating{' timestamp' * bool(more)}`, read as such"]
    lines = [*lines * 5, separator.join("ab" if more else "abcde"), *lines]
    (tmp_path / "data1.txt").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"data1\.txt, line 16: [25] fields? where there are [34] \(user_id, item_id"):
        read(tmp_path / "data1.txt")


def test_three_fields_without_proof_are_items_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 5 7\n2 5 8\n3 7 8\n")
    corpus, warnings = warned(tmp_path / "a.txt")
    assert lists(corpus) == {"1": ["5", "7"], "2": ["5", "8"], "3": ["7", "8"]}
    assert len(warnings) == 1
    assert "`user item weight` is the format triples" in warnings[0]
    assert lists(warned(tmp_path / "a.txt", format="triples")[0]) == {"1": ["5"], "2": ["5"], "3": ["7"]}


def test_a_table_without_a_header_is_refused_with_what_reads_it(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("ann,x,5\nann,y,0.5\nbo,y,12\n")
    with pytest.raises(DataError, match=r"r.csv has no column .*: without a header it is read with format='triples'"):
        read(tmp_path / "r.csv")
    assert lists(warned(tmp_path / "r.csv", format="triples")[0]) == {"ann": ["x", "y"], "bo": ["y"]}
    (tmp_path / "r.csv").write_text("who,what,when\nann,y,0.5\n")
    with pytest.raises(DataError, match=r"r.csv has no column .* \(it has 'who', 'what', 'when'\)$"):
        read(tmp_path / "r.csv")


@pytest.mark.parametrize("colon", [":", ": "])
def test_user_colon_items(colon: str, tmp_path: Path) -> None:
    for part, text in (("train", "u1{}5 7\nu2{}8\n"), ("test", "u1{}9\nu2{}5 8\n")):
        (tmp_path / f"{part}.txt").write_text(text.replace("{}", colon))
    corpus, warnings = warned(tmp_path)
    assert lists(corpus) == {"u1": ["5", "7", "9"], "u2": ["8", "5"]}
    assert warnings[0] == "train.txt: read as `user:item item …`"
    (tmp_path / "train.txt").write_text("\n".join(f"{i}:5 7" for i in range(20_000)) + "\n3 9\n")
    with pytest.raises(DataError, match=r"line 20001: no `user:item item`.* \(got '3 9'\)"):
        read(tmp_path)
    (tmp_path / "ids.txt").write_text("user:1 track:5 track:7\nuser:2 track:5\n")
    assert lists(warned(tmp_path / "ids.txt")[0]) == {
        "user:1": ["track:5", "track:7"],
        "user:2": ["track:5"],
    }


def test_a_header_above_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("user items\n1 5 7 9\n2 5\n")
    with pytest.raises(DataError, match=r"a\.txt, line 1: 'user items' is unlike the lines below"):
        read(tmp_path / "a.txt")


def test_several_rows_of_item_lists(tmp_path: Path) -> None:
    head = "session_id:token\titem_id_list:token_seq\titem_id:token\trating:float\n"
    (tmp_path / "x.train.inter").write_text(head + "u\ta\tb\t1\nu\ta b\tc\t1\nv\ta a\tb\t1\n")
    (tmp_path / "x.valid.inter").write_text(head + "u\ta b c\td\t1\n")
    (tmp_path / "x.test.inter").write_text(head + "u\ta b c d\te\t1\n")
    (tmp_path / "x.item").write_text("item_id:token\tname:token_seq\na\tAlpha\n")
    corpus, given = read(tmp_path)
    assert lists(corpus)["u"] == ["a", "b", "c", "d", "e"]
    assert given is not None
    assert given.tolist()[:5] == [0, 0, 0, 1, 2]
    assert corpus.track_table["name"][0].as_py() == "Alpha"


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("pid;track_position;track_uri", "1;2;b", "1;1;a"),
        ("Playlist ID\tTRACK_ID\tAdded At", "1\tb\t2024-05-31T10:00:01Z", "1\ta\t2024-05-31T12:00:00+02:00"),
        ("user_id, item_id, timestamp", "1, b, 7.5", "1, a, 7"),
        ("session_id,session_position,track_id_clean", "1,10,b", "1,9,a"),
    ],
)
def test_the_column_of_the_order_is_found(header: str, first: str, second: str, tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "a.csv").write_bytes(f"{header}\r\n{first}\r\n{second}\r\n".encode(encoding))
        corpus, _ = warned(tmp_path / "a.csv")
        assert lists(corpus) == {"1": ["a", "b"]}
        assert corpus.playlists["ordered"].to_pylist() == [True]


def test_users_without_times_have_no_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id\n1,b\n1,a\n")
    assert warned(tmp_path / "a.csv")[0].playlists["ordered"].to_pylist() == [False]
    (tmp_path / "a.csv").write_text("user_id,item_id,time\n1,b,yesterday\n")
    with pytest.raises(DataError, match=r"a\.csv, line 2: time must be a number or a date.* \(got 'yesterday'\)"):
        read(tmp_path / "a.csv")


def test_what_a_table_leaves_out_is_told(tmp_path: Path) -> None:
    text = "playlist_id,track_id,mood,bpm\n1,a,x,9\n1,,x,9\n1,nan,x,9\n2, None ,x,9\n"
    (tmp_path / "a.csv").write_bytes(b"My lists\n" + text.encode())
    corpus, warnings = warned(tmp_path / "a.csv")
    assert lists(corpus) == {"1": ["a", "nan"], "2": ["None"]}
    assert warnings == [
        "a.csv: passed over 1 line before the header (My lists)",
        "a.csv: columns not read: mood, bpm",
        "a.csv: 2 rows have the track_id nan, null or none, taken as an id like any other",
        "a.csv: 1 row has no track_id: left out",
    ]


def test_several_files_and_patterns(tmp_path: Path) -> None:
    for day, track in (("1", "a"), ("2", "b")):
        (tmp_path / f"log_{day}.csv").write_text(f"session_id,session_position,track_id_clean\ns,{day},{track}\n")
    both = {"s": ["a", "b"]}
    assert lists(warned(tmp_path / "log_1.csv", tmp_path / "log_2.csv")[0]) == both
    assert lists(warned(tmp_path / "log_*.csv")[0]) == both
    data = preprocess([tmp_path / "log_1.csv", tmp_path / "log_2.csv"], tmp_path / "out")
    assert data.corpus.n_entries == 2
    assert data.manifest["source"] == f"{tmp_path / 'log_1.csv'}, {tmp_path / 'log_2.csv'}"
    with pytest.raises(DataError, match=r"there is no file or folder .*no_\*\.csv"):
        read(tmp_path / "no_*.csv")


def test_a_given_validation_part_reaches_the_split(tmp_path: Path) -> None:
    for part, track in (("train", "a"), ("val", "b"), ("test", "c")):
        (tmp_path / f"{part}.csv").write_text(f"playlist_id,track_id\n1,{track}\n2,{track}\n")
    data = preprocess(tmp_path, tmp_path / "out")
    assert data.split.kind == "given"
    assert {part: n for part, n in data.split.counts().items() if n} == {"train": 2, "valid": 2, "test": 2}
    assert data.split.part.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("name", ["a.m3u", "a.txt", "a.csv", "a.pls", "a.json", "a.tsv", "a.inter"])
@pytest.mark.parametrize("piece", ["x", "青", "😀", "\u2028", "../", "%20", " - "])
def test_one_long_line_is_read_or_refused_at_once(name: str, piece: str, tmp_path: Path) -> None:
    """Time that grew with the square of the line took minutes here; a head that ended within a letter was no text."""
    for before in ("", "x", "xx", "xxx"):
        (tmp_path / name).write_text(before + piece * 70_000)
        began = time.process_time()
        with suppress(DataError):
            read(tmp_path / name, workers=1)
        assert time.process_time() - began < 20
