"""Delimited text in every encoding and dialect, against Python's csv module; errors name their line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.sources import decoding
from playlistrec.corpus.sources.decoding import Source
from playlistrec.corpus.sources.delimited import Delimited
from playlistrec.corpus.sources.dialects import names_among
from playlistrec.errors import DataError

KNOWN = names_among(["Track URI", "title", "artist"])
FIELD = st.text(st.sampled_from(["a", "b", " ", '"', ",", "\n", "ü", "\\", ";", "\x85", "\u2028"]), max_size=4)


def opened(content: bytes | str, **options: bool) -> Delimited:
    content = content if isinstance(content, bytes) else content.encode()
    return Delimited.open(Source.of_bytes("a.csv", content), KNOWN, **options)


def fields(content: bytes | str, **options: bool) -> list[list[str]]:
    return [row for _, row in opened(content, **options).rows()]


def plain(row: tuple[str, ...]) -> bool:
    """True unless the row is empty, or holds a backslash, which other writers mean as an escape."""
    return bool("".join(row).strip()) and "\\" not in "".join(row)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(FIELD, FIELD, FIELD).filter(plain), min_size=1, max_size=6),
    separator=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    block=st.sampled_from([8, 64, 1 << 20]),
)
def test_what_csv_writes_is_read(rows, separator, quoting, end, encoding, block) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting, lineterminator=end, delimiter=separator)
    writer.writerows([("title", "artist", "track_uri"), *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK", block)
        assert fields(file.getvalue().encode(encoding)) == [[text.strip() for text in row] for row in rows]


@settings(max_examples=120, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(["a", " ", '"', '""', ",", "\n", "\\", '"a"', '"b, c"', ', "d"', '"x"\n', '"\n"']), max_size=14
    ),
    block=st.sampled_from([8, 64, 1 << 20]),
)
def test_any_text_is_read_as_the_strict_csv_reader_does(pieces: list[str], block: int) -> None:
    text = "title,artist\nq,r\n" + "".join(pieces)
    expected: list[tuple[int, list[str]]] | int = []
    line = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        for row in reader:
            if len(row) == 2 or (len(row) > 2 and not any(row[2:])):
                expected.append((line, [field.strip() for field in row[:2]]))
            elif any(row):
                expected = line
                break
            line = reader.line_num + 1
    except csv.Error:
        expected = line
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK", block)
        try:
            table = opened(text)
            got: object = [*table.rows()]
        except DataError as error:
            got = int(str(error).split("line ")[1].split(":")[0])
    if table.layout.escape or '" ' in text:  # what is read beyond the strict reader: see the tests below
        return
    assert got == (expected if isinstance(expected, int) else expected[1:])


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("Title,Artist\nCaf\xe9 \x85,B".encode("latin-1"), ["Café …", "B"]),
        (b"sep=;\r\ntitle;artist\r\na,b;c", ["a,b", "c"]),
        (b"Shazam Library\nIndex,Title,Artist\n0,a,b", ["0", "a", "b"]),
        (b"Playlist ID,Made\nx,2024\n\n TRACK-URI , Made\na,b", ["a", "b"]),
        (b'"title", "artist"\n"a, b",  "c"\n', ["a, b", "c"]),
        (b'"title" ,"artist"\n"a" ,\t"c"  \n', ["a", "c"]),
        (b'title,artist\n"say \\"a, b\\"",c\n', ['say "a, b"', "c"]),
        (b'title,artist\n"C:\\music\\",c\n', ["C:\\music\\", "c"]),
        (b'title\tartist\n12" mix\tc\n', ['12" mix', "c"]),
        (b"title,artist\na,b,,\n", ["a", "b"]),
        (b"title,artist\ra,b\r", ["a", "b"]),
        ("﻿title,artist\na,b\n", ["a", "b"]),
    ],
)
def test_dialects(content: bytes, row: list[str]) -> None:
    assert fields(content) == [row]


def test_remarks() -> None:
    assert opened(b"Shazam Library\n\ntitle,artist\na,\xe9\n").remarks == [
        "a.csv: read as Windows-1252",
        "a.csv: passed over 1 line before the header (Shazam Library)",
    ]
    assert opened(b"title,artist\na,b\n").remarks == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a.csv is empty"),
        (b"\xff\xfe", "a.csv is empty"),
        (b'title,artist\na,b\n"c,d\ne,f\n', "a.csv, line 3: a quote that opens here is not closed"),
        (b'title,artist\na,b\n"c,d\ne,"f"\n', "a.csv, line 3: text after a closing quote"),
        (b"title,artist\na,b\n\nc,d,e\n", "a.csv, line 4: 3 fields where the header has 2"),
        (b"x\n\ntitle,artist\na\n", "a.csv, line 4: 1 field where the header has 2"),
        ("title,artist\nü,ü\n".encode() + b"\xfc,b\n", "a.csv, line 3: bytes that are not UTF-8 text"),
        (b"title,artist\na,b\n\x81,b\n", "a.csv, line 3: bytes that are not Windows-1252 text"),
        ("title,artist\na,b".encode("utf-16") + b"\xd8", "a.csv, line 2: bytes that are not UTF-16 text"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(content: bytes, words: str) -> None:
    with pytest.raises(DataError) as caught:
        fields(content)
    assert words in str(caught.value)


def test_broken_lines_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    good = [f'"a{i}", "b"\n' for i in range(900)]
    broken = ['"open, "b"\n', "one\n", '"x", "y", "z"\n', '"x\n"\n']
    lines = [*good[:500], *broken, *good[500:]]
    for block in (4096, 1 << 20):
        monkeypatch.setattr(decoding, "BLOCK", block)
        table = opened("title,artist\n" + "".join(lines), skip_broken=True)
        assert [row[0] for _, row in table.rows()] == [f"a{i}" for i in range(900)]
        assert table.left.count == 5
        assert table.left.first.startswith("a.csv, line 502: text after a closing quote")
