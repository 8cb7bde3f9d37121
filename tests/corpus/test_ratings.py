"""Ratings in all their files against a naive reader: order of time, the floor, names, and lines that cannot be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.read import read
from playlistrec.errors import ConfigError, DataError
from playlistrec.events import Event
from playlistrec.experiment.data import preprocess

# user, item, rating, time: the rows are in no order, b's last two are at the same time
ROWS = [("b", "1", "3", "20"), ("a", "2", "5", "9"), ("b", "3", "4", "10"), ("a", "1", "4", "8"), ("b", "2", "1", "20")]
IN_TIME = {"b": ["3", "1", "2"], "a": ["1", "2"]}
RECBOLE = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def lists(corpus: Corpus) -> dict[str, list[str]]:
    uris = corpus.track_table["uri"].to_pylist()
    pids = corpus.playlists["pid"].to_pylist()
    return {pid: [uris[i] for i in corpus.playlist(p)] for p, pid in enumerate(pids)}


def names(corpus: Corpus) -> dict[str, str | None]:
    return {row["track_uri"]: row["track_name"] for row in corpus.describe(range(corpus.n_tracks))}  # type: ignore[arg-type]


def lines(separator: str, head: str = "") -> str:
    return head + "".join(separator.join(row) + "\n" for row in ROWS)


ITEMS = b'item_id:token\tmovie_title:token_seq\n1\tOne\n2\tLe "2\nx\tother\n'
FILES: dict[str, tuple[str, dict[str, bytes]]] = {
    "x.inter": (lines("\t", RECBOLE), {"x.item": ITEMS}),
    "x.inter.gz": (lines("\t", RECBOLE), {"x.item.gz": gzip.compress(ITEMS.replace(b"movie_title", b"title"))}),
    "u.data": (lines("\t"), {"u.item": b'1|One|01-Jan|\xe9\n2|Le "2|02-Jan|\n'}),
    "ratings.dat": (lines("::"), {"movies.dat": b'1::One::Drama\n2::Le "2::War: Comedy\n'}),
    "ratings.csv": (
        lines(",", "userId,movieId,rating,timestamp\n"),
        {"movies.csv": b'movieId,title,genres\n1,One,Drama\n2,"Le ""2",War\n'},
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("as_folder", [False, True])
def test_each_file_gives_users_in_order_of_time_and_names(name: str, as_folder: bool, tmp_path: Path) -> None:
    text, beside = FILES[name]
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    for other, content in beside.items():
        (tmp_path / other).write_bytes(content)
    (tmp_path / "README").write_text("not ratings")
    corpus, given_test = read(tmp_path if as_folder else tmp_path / name)
    assert given_test is None
    assert lists(corpus) == IN_TIME
    assert corpus.playlists["ordered"].to_pylist() == [True, True]
    assert names(corpus) == {"1": "One", "2": 'Le "2', "3": None}
    assert corpus.n_artists == 0


def test_latin_1_and_utf_8_names(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("1\t1\t3\t0\n1\t2\t3\t0\n")
    (tmp_path / "u.item").write_bytes("1|Misérables, Les|\n".encode("latin-1") + "2|Amélie|\n".encode())
    assert names(read(tmp_path)[0]) == {"1": "Misérables, Les", "2": "Amélie"}


def test_without_timestamps_the_order_is_the_file_s_and_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "user_artists.dat").write_text("userID\tartistID\tweight\n2\t9\t10\n3\t7\t500\n2\t7\t99\n")
    (tmp_path / "artists.dat").write_text('id\tname\turl\tpictureURL\n7\t"Weird\tu\tp\n9\tAir\tu\tp\n')
    corpus, _ = read(tmp_path)
    assert lists(corpus) == {"2": ["9", "7"], "3": ["7"]}
    assert corpus.playlists["ordered"].to_pylist() == [False, False]
    assert names(corpus) == {"9": "Air", "7": '"Weird'}
    assert lists(read(tmp_path, min_rating=50)[0]) == {"3": ["7"], "2": ["7"]}


def test_the_floor_leaves_no_trace_of_what_is_below(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text(lines("\t"))
    events: list[Event] = []
    corpus, _ = read(tmp_path, min_rating=4, on_event=events.append)
    assert lists(corpus) == {"a": ["1", "2"], "b": ["3"]}
    assert corpus.n_tracks == 3
    assert [e.text for e in events if e.kind == "message"] == [
        "left out 2 of 5 ratings, those below 4",
        "read 5 lines of u.data: 2 playlists, 3 tracks, 3 entries",
    ]
    assert lists(read(tmp_path, min_rating=4.5)[0]) == {"a": ["2"]}
    with pytest.raises(DataError, match=r"u\.data has no rating of at least 6"):
        read(tmp_path, min_rating=6)


def test_limit_takes_the_first_users(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text(lines("\t"))
    corpus, _ = read(tmp_path, limit=1)
    assert lists(corpus) == {"b": IN_TIME["b"]}


def test_train_and_test_are_a_given_split(tmp_path: Path) -> None:
    (tmp_path / "train.inter").write_text(RECBOLE + "u\ta\t1\t5\nu\tb\t1\t3\n")
    (tmp_path / "test.inter").write_text(RECBOLE + "u\tc\t1\t1\n")
    corpus, given_test = read(tmp_path)
    assert lists(corpus) == {"u": ["b", "a", "c"]}
    assert given_test is not None
    assert given_test.tolist() == [0, 0, 2]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("uvw"), st.sampled_from("abcd"), st.integers(1, 5), st.integers(0, 4)), min_size=1
    ),
    floor=st.none() | st.integers(0, 5),
)
def test_is_a_naive_reader(rows, floor, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("ratings") / "u.data"
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    kept = [row for row in rows if floor is None or row[2] >= floor]
    if not kept:
        with pytest.raises(DataError, match="no rating of at least"):
            read(path, min_rating=floor)
        return
    expected: dict[str, list[str]] = {user: [] for user, *_ in kept}
    for user, item, _, _ in sorted(kept, key=lambda row: row[3]):
        expected[user].append(item)
    assert lists(read(path, min_rating=floor)[0]) == expected


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.inter", RECBOLE + "1\t2\t3\t4\n1\t2\t3\n", r"x\.inter, line 3: 3 fields where the header has 4"),
        ("x.inter", RECBOLE + "1\t2\tgood\t4\n", r"x\.inter, line 2: rating:float must be a number \(got 'good'\)"),
        ("x.inter", RECBOLE + "1\t2\t3\t\n", r"x\.inter, line 2: timestamp:float must be a number"),
        ("x.inter", RECBOLE + "\t2\t3\t4\n", r"x\.inter, line 2: user_id:token is missing"),
        ("x.inter", RECBOLE, r"x\.inter has a header and no rows"),
        ("x.inter", "a:token\tb:token\n1\t2\n", r"x\.inter has no column user_id:token or"),
        ("u.data", "1\t2\t3\t4\n\n1\t2\n", r"u\.data, line 3: 2 fields where there are 4 \(user_id, item_id, rating, "),
        ("u.data", "1\t2\t3\t4\n1\t2\tx\t4\n", r"u\.data, line 2: rating must be a number"),
        ("u.data", "1 2 3 4\n", r"u\.data, line 1: 1 field where there are 4"),
        ("u.data", "", r"u\.data is empty"),
        ("ratings.dat", "1::2::3::4\n1::2::3\n", r"ratings\.dat, line 2: 3 fields where there are 4"),
        ("ratings.dat", "1::2::3::4\n1::2::x::4\n", r"ratings\.dat, line 2: rating must be a number"),
        ("ratings.csv", "userId,movieId,rating\n1,,3\n", r"ratings\.csv, line 2: movieId is missing"),
    ],
)
def test_says_which_line_is_wrong(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        read(tmp_path)


def test_what_is_wrong_with_a_table_of_items_or_an_option(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("1\t2\t3\t4\n")
    (tmp_path / "u.item").write_text("1|One|\n2\n")
    with pytest.raises(DataError, match=r"u\.item, line 2: 1 field where the name is field 2"):
        read(tmp_path)
    (tmp_path / "u.item").unlink()
    (tmp_path / "a.csv").write_text("pid,uri\n1,2\n")
    with pytest.raises(ConfigError, match=r"min_rating is for movielens, lastfm, triples, and .* is csv"):
        read(tmp_path / "a.csv", min_rating=3)
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\n1\t2\n")
    with pytest.raises(DataError, match=r"x\.inter has no column rating:float"):
        read(tmp_path / "x.inter", min_rating=3)
    assert read(tmp_path / "x.inter")[0].playlists["ordered"].to_pylist() == [False]
    with pytest.raises(DataError, match=r"several files of entries \(movielens; found u\.data, x\.inter\)"):
        read(tmp_path)


def test_a_data_folder_of_ratings_left_one_out(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text(lines("\t"))
    data = preprocess(tmp_path / "u.data", tmp_path / "out", min_rating=1, split="leave-one-out")
    options = data.manifest["options"]
    assert (options["split"], options["min_rating"], options["valid"], options["test"]) == (
        "leave-one-out",
        1,
        None,
        None,
    )
    uris = data.corpus.track_table["uri"].to_pylist()
    hidden = {
        part: [uris[track] for track in data.split.evaluation_set(data.corpus, part).truth]  # type: ignore[arg-type]
        for part in ("valid", "test")
    }
    assert hidden == {"valid": ["1"], "test": ["2"]}, "of b; a has too few"
