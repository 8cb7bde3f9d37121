"""Contexts of entries: read when asked for, kept through filters, splits and folders; those of hidden entries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.corpus.contexts import pair_contexts, query_contexts
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.growth import grown
from playlistrec.corpus.sources import decoding
from playlistrec.corpus.sources.read import read
from playlistrec.errors import ConfigError, DataError
from playlistrec.events import Event
from playlistrec.storage import write_npz

SESSIONS = (
    "session_id,session_position,track_id_clean,skip_2,hour_of_day,date\n"
    "b,2,t2,false,16,2018-07-15\n"
    "b,1,t1,true,15,2018-07-15\n"
    "a,1,t3,True,0,2018-07-16\n"
    "b,3,t1,false,17,2018-07-15\n"
)


def written(folder: Path, text: str = SESSIONS) -> Path:
    (folder / "log_0.csv").write_text(text)
    return folder / "log_0.csv"


@pytest.mark.parametrize("block", [30, 1 << 20])
def test_sessions(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK", block)
    events: list[Event] = []
    corpus, _ = read(written(tmp_path), contexts=("hour", "skip", "day"), on_event=events.append)
    assert corpus.playlists["pid"].to_pylist() == ["b", "a"]
    assert {name: codes.tolist() for name, codes in corpus.contexts.items()} == {
        "hour": [15, 16, 17, 0],
        "skip": [1, 0, 0, 1],
        "day": [6, 6, 6, 0],  # a Sunday and a Monday
    }
    assert not [event.text for event in events if "not read" in event.text]
    limited, _ = read(written(tmp_path), contexts=("hour",), limit=1)
    assert limited.contexts["hour"].tolist() == [15, 16, 17]
    assert read(written(tmp_path))[0].contexts == {}


def test_times_tell_the_hour_and_the_day(tmp_path: Path) -> None:
    rows = ["2024-05-31T10:59:00Z", "2024-05-31T23:30:00-02:00", "", "1717150000"]
    text = "pid,uri,added_at\n" + "".join(f"p,t{i},{row}\n" for i, row in enumerate(rows))
    corpus, _ = read(written(tmp_path, text), contexts=("hour", "day"))
    tracks = corpus.track_table["uri"].take(corpus.tracks).to_pylist()
    assert dict(zip(tracks, zip(*(codes.tolist() for codes in corpus.contexts.values())))) == {
        "t0": (10, 4),
        "t1": (1, 5),
        "t2": (24, 7),
        "t3": (10, 4),
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,5,maybe,3", r"log_0.csv, line 3: skip must be true or false \(got 'maybe'\)"),
        ("x,5,true,24", r"log_0.csv, line 3: hour must be a whole number from 0 to 23 \(got '24'\)"),
        ("x,5,true,7.5", r"log_0.csv, line 3: hour must be a whole number from 0 to 23 \(got '7.5'\)"),
        ("x,5,true,noon", r"log_0.csv, line 3: hour must be a number \(got 'noon'\)"),
    ],
)
def test_what_is_no_value(row: str, words: str, tmp_path: Path) -> None:
    file = written(tmp_path, f"pid,uri,skip,hour\nx,5,,\n{row}\n")
    with pytest.raises(DataError, match=words):
        read(file, contexts=("skip", "hour"))


def test_what_is_not_there(tmp_path: Path) -> None:
    file = written(tmp_path, "pid,uri,pos\nx,5,1\n")
    with pytest.raises(
        DataError, match=r"log_0.csv has no column hour or hour_of_day or timestamp or time or added_at"
    ):
        read(file, contexts=("hour",))
    with pytest.raises(DataError, match=r"log_0.csv has no column skip or skipped or skip_2"):
        read(file, contexts=("skip",))
    with pytest.raises(ConfigError, match=r"context must be one or more of skip, hour, day .got 'mood'"):
        read(file, contexts=("mood",))
    with pytest.raises(DataError, match=r"time must be a date or seconds since 1970 to tell the hour .got '17'"):
        read(written(tmp_path, "pid,uri,time\nx,5,17\n"), contexts=("hour",))
    (tmp_path / "a.txt").write_text("1 2 3 4\n")
    with pytest.raises(ConfigError, match=r"context is for csv, and .* is adjacency"):
        read(tmp_path / "a.txt", contexts=("hour",))


def with_hours(lists: list[list[str]]) -> Corpus:
    corpus = Corpus.from_lists(lists)
    hours = np.arange(corpus.n_entries, dtype=np.uint8)
    return Corpus(
        corpus.offsets,
        corpus.tracks,
        corpus.playlists,
        corpus.track_table,
        corpus.artists,
        contexts={"hour": hours, "skip": (hours % 2).astype(np.uint8)},
    )


def test_contexts_follow_their_entries(tmp_path: Path) -> None:
    corpus = with_hours([["a", "b"], ["c", "a", "c"], ["d"]])
    assert corpus.where(corpus.tracks != 0).contexts["hour"].tolist() == [1, 2, 4, 5]
    smaller, _ = corpus.subset(np.array([False, True, True]), np.array([True, False, True, True]))
    assert smaller.contexts["hour"].tolist() == [2, 3, 4, 5]
    assert pair_contexts(corpus, "hour").tolist() == [0, 1, 3, 2, 5], "where each pair stands first"
    corpus.save(tmp_path)
    assert {n: c.tolist() for n, c in Corpus.load(tmp_path).contexts.items()} == {
        n: c.tolist() for n, c in corpus.contexts.items()
    }
    larger, entries = grown(corpus, with_hours([["x", "a"], ["c"], ["d", "y"]]))
    assert larger.contexts["hour"].tolist() == entries.tolist()


def test_damaged_contexts_are_refused(tmp_path: Path) -> None:
    corpus = with_hours([["a", "b"]])
    arrays = {"offsets": corpus.offsets, "tracks": corpus.tracks}
    corpus.save(tmp_path)
    for name, codes in {
        "context_hour": np.array([25, 0], np.uint8),
        "context_skip": np.array([0], np.uint8),
        "context_mood": np.array([0, 0], np.uint8),
        "context_day": np.array([0.0, 0.0]),
    }.items():
        write_npz(tmp_path / "entries.npz", {**arrays, name: codes})
        with pytest.raises(DataError, match="damaged: context"):
            Corpus.load(tmp_path)


@pytest.mark.parametrize("part", ["valid", "test"])
def test_of_hidden_entries_only_the_time_is_given(part: str, tmp_path: Path) -> None:
    rows = [f"p{p},t{(p * 5 + i * 3) % 17},{i},{i % 2},{(p + i) % 24}" for p in range(20) for i in range(8)]
    file = written(tmp_path, "pid,uri,pos,skip,hour\n" + "\n".join(rows))
    data = pr.preprocess(file, tmp_path / "data", context="hour, skip", split="leave-one-out")
    assert data.manifest["options"]["context"] == ["hour", "skip"]
    corpus, split = data.corpus, data.split
    evaluation = split.evaluation_set(corpus, part)
    hidden = np.flatnonzero(split.part == {"valid": 1, "test": 2}[part])
    assert evaluation.contexts["hour"].tolist() == corpus.contexts["hour"][hidden].tolist()
    assert evaluation.contexts["skip"].tolist() == [0] * 20, "whether it is skipped is not known before"
    assert evaluation.at(np.array([3, 5])).contexts["hour"].tolist() == corpus.contexts["hour"][hidden[[3, 5]]].tolist()
    training = split.training(corpus)
    assert len(training.contexts["hour"]) == training.n_entries == corpus.n_entries - 40


def test_the_first_hidden_entry_is_the_time_of_asking() -> None:
    corpus = with_hours([["a", "b", "c"], [], ["d", "e"]])
    hidden = corpus.where(np.array([False, True, True, False, True]))
    assert {n: c.tolist() for n, c in query_contexts(hidden, np.array([0, 2])).items()} == {
        "hour": [1, 4],
        "skip": [0, 0],
    }
