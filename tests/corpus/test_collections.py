"""Research collections in the files in which they are published, with invented content, and the warnings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.read import read
from playlistrec.errors import DataError
from playlistrec.events import Event


def lists(corpus: Corpus) -> dict[str, list[str]]:
    uris, pids = corpus.track_table["uri"].to_pylist(), corpus.playlists["pid"].to_pylist()
    return {pid: [uris[i] for i in corpus.playlist(p)] for p, pid in enumerate(pids)}


def names(corpus: Corpus) -> dict[str, tuple[str | None, str | None]]:
    rows = corpus.describe(range(corpus.n_tracks))
    return {row["track_uri"]: (row["track_name"], row["artist_name"]) for row in rows}  # type: ignore[misc]


def warned(source: Path, **options: int) -> tuple[Corpus, list[str]]:
    events: list[Event] = []
    corpus, given = read(source, on_event=events.append, **options)  # type: ignore[arg-type]
    assert given is None
    return corpus, [event.text for event in events if event.kind == "warning"]


def test_melon(tmp_path: Path) -> None:
    playlists = [
        {
            "id": 61,
            "plylst_title": "비 오는 날",
            "tags": ["비", "밤"],
            "songs": [7, 9, 7],
            "like_cnt": 3,
            "updt_date": "x",
        },
        {"id": 8, "plylst_title": "", "tags": [], "songs": [9], "like_cnt": 0, "updt_date": "2013-12-19 18:36:19.000"},
    ]
    meta = [
        {"id": 0, "song_name": "None of these", "artist_id_basket": [], "artist_name_basket": []},
        {"id": 7, "song_name": "Seven", "artist_id_basket": [4, 5], "artist_name_basket": ["Ann", "Bo"], "album_id": 1},
        {"id": 9, "song_name": "Nine", "artist_id_basket": [5], "artist_name_basket": ["Bo"], "album_name": "Album"},
    ]
    (tmp_path / "train.json").write_text(json.dumps(playlists, ensure_ascii=False))
    (tmp_path / "val.json").write_text(json.dumps(playlists[:1]))
    (tmp_path / "song_meta.json").write_text(json.dumps(meta))
    (tmp_path / "genre_gn_all.json").write_text('{"GN0100": "genre"}')
    corpus, warnings = warned(tmp_path)
    assert lists(corpus) == {"61": ["7", "9", "7"], "8": ["9"]}
    assert names(corpus) == {"7": ("Seven", "Ann, Bo"), "9": ("Nine", "Bo")}
    assert corpus.playlists.to_pylist() == [
        {"pid": "61", "name": "비 오는 날", "description": "비, 밤", "num_followers": 3, "ordered": False},
        {"pid": "8", "name": None, "description": None, "num_followers": 0, "ordered": False},
    ]
    assert warnings == ["left out 1 files of incomplete playlists (val.json)"]
    assert lists(warned(tmp_path / "train.json", limit=1)[0]) == {"61": ["7", "9", "7"]}
    (tmp_path / "train.json").write_text(json.dumps([{**playlists[0], "songs": ["7"]}]))
    with pytest.raises(DataError, match=r"train\.json: .*song.* must be a whole number"):
        read(tmp_path / "train.json")
    (tmp_path / "train.json").write_text(json.dumps(playlists)[:-9])
    with pytest.raises(DataError, match=r"train\.json is not JSON: it is cut off"):
        read(tmp_path / "train.json")


@pytest.mark.parametrize("name", ["aotm2011_playlists.json", "aotm2011_playlists.json.gz"])
def test_aotm(name: str, tmp_path: Path) -> None:
    mixes = [
        {
            "mix_id": 3,
            "category": "Mixed Genre",
            "timestamp": "2005-05-04T00:00:00",
            "user": {"name": "ann", "mixes_posted": "2"},
            "filtered_lists": [["SOA"], ["SOB"]],
            "playlist": [
                [["Vela", "Thunder"], "SOA"],
                [["Zoë", "Déjà Vu"], None],
                [["hex", "rain"], "SOB"],
                [[], None],
            ],
        },
        {"mix_id": 4, "category": "Rock", "playlist": [[["ZOE", "deja vu (live)"], None]], "filtered_lists": []},
    ]
    content = json.dumps(mixes).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    corpus, warnings = warned(tmp_path)
    assert lists(corpus) == {"3": ["SOA", "name:zoe:dejavu", "SOB"], "4": ["name:zoe:dejavu"]}
    assert names(corpus)["name:zoe:dejavu"] == ("Déjà Vu", "Zoë")
    assert corpus.playlists["description"].to_pylist() == ["Mixed Genre", "Rock"]
    assert corpus.playlists["modified_at"].to_pylist() == [1115164800, None]
    assert warnings == ["left out 1 entries without a song"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ([["Vela", "Thunder"]], "field playlist 2 must be a list of at least 2"),
        ([["Vela", "Thunder"], "SOA", 1], "a list in it must be a list of at most 2"),
        ([["Vela", "Thunder"], 7], "field playlist 2 must be text or null"),
    ],
)
def test_an_entry_of_aotm_that_is_none(entry: list[object], words: str, tmp_path: Path) -> None:
    mix = {"mix_id": 3, "playlist": [[["Vela", "Thunder"], "SOA"], entry]}
    (tmp_path / "aotm2011_playlists.json").write_text(json.dumps([mix]))
    with pytest.raises(DataError, match=words):
        read(tmp_path)


def idomaar(*rows: tuple[object, ...]) -> str:
    return "".join("\t".join(one if isinstance(one, str) else json.dumps(one) for one in row) + "\n" for row in rows)


def test_30music(tmp_path: Path) -> None:
    folder = tmp_path / "entities"
    folder.mkdir()
    user = [{"type": "user", "id": 1}]
    links = {
        "subjects": user,
        "objects": [{"type": "track", "id": 5}, {"type": "track", "id": 7}, {"type": "x", "id": 1}],
    }
    (folder / "playlist.idomaar").write_text(
        idomaar(
            ("playlist", "11", "1216926925", {"ID": 11, "Title": "gym {1}", "numtracks": 2}, links),
            ("playlist", "12", "-1", {"ID": 12}, {"subjects": user, "objects": []}),
        )
    )
    (folder / "tracks.idomaar").write_text(
        idomaar(
            ("track", "4", "-1", {"name": "Not/_/Used"}, {"artists": []}),
            ("track", "7", "-1", {"playcount": 2, "name": "Zo%C3%AB+%26+Hex/_/D%C3%A9j%C3%A0+Vu"}, {"artists": []}),
        )
    )
    (folder / "users.idomaar").write_text("user\t1\t-1\t{}\t{}\n")
    for source in (tmp_path, folder, folder / "playlist.idomaar"):
        corpus, warnings = warned(source)
        assert lists(corpus) == {"11": ["5", "7"], "12": []}
        assert corpus.playlists["name"].to_pylist() == ["gym {1}", None]
        assert names(corpus) == {"5": (None, None), "7": ("Déjà Vu", "Zoë & Hex")}
        assert warnings == ["left out 1 entries that are no tracks"]
    (folder / "playlist.idomaar").write_text("playlist\t11\t-1\t{}\t{}\nplaylist\t12\t{}\n")
    with pytest.raises(DataError, match=r"playlist\.idomaar, line 2: no playlist"):
        read(folder)


def test_links_of_30music_to_lists_of_tracks(tmp_path: Path) -> None:
    nested = [[{"type": "track", "id": 5}, {"id": 6}], {"type": "track", "id": 7}, {"type": "x", "id": 8}]
    rows = [("playlist", "11", "-1", {}, {"objects": nested}), ("playlist", "12", "-1", {}, {"objects": nested[1:2]})]
    (tmp_path / "playlist.idomaar").write_text(idomaar(*rows))
    corpus, warnings = warned(tmp_path)
    assert lists(corpus) == {"11": ["5", "6", "7"], "12": ["7"]}
    assert warnings == ["left out 1 entries that are no tracks"]


def test_yes(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("40 50 60 \n2 1 1 \n0 2 0 \n\n1 \n")
    (tmp_path / "test.txt").write_text("40 50 60 \n1 0 1 \n2 0 \n")
    (tmp_path / "song_hash.txt").write_text("40\tForty\tAnn\n50 \tFifty\tBo \n60\tSixty\tAnn\n")
    (tmp_path / "tag_hash.txt").write_text("0, rock\n")
    corpus, warnings = warned(tmp_path)
    assert lists(corpus) == {"test:0": ["60", "40"], "train:0": ["40", "60", "40"], "train:1": ["50"]}
    assert names(corpus) == {"40": ("Forty", "Ann"), "50": ("Fifty", "Bo"), "60": ("Sixty", "Ann")}
    assert corpus.playlists["ordered"].to_pylist() == [True] * 3
    assert warnings == ["left out 1 playlists without a song"]
    assert lists(warned(tmp_path / "train.txt")[0]) == {"0": ["40", "60", "40"], "1": ["50"]}
    (tmp_path / "train.txt").write_text("40 50 60 \n2 1 1 \n0 2\n3\n")
    with pytest.raises(DataError, match=r"train\.txt, line 4: 3 is no place among 3 songs"):
        read(tmp_path / "train.txt")
    (tmp_path / "train.txt").write_text("40 50 60 \n2 1 1 \n0 x2\n")
    with pytest.raises(DataError, match=r"train\.txt, from line 3: a word that is no number \('x2'\)"):
        read(tmp_path / "train.txt")
    (tmp_path / "train.txt").write_text("40 50 60 \n2 1 1 \n")
    with pytest.raises(DataError, match=r"train\.txt: no playlist stands below the songs and their counts"):
        read(tmp_path / "train.txt")


NOWPLAYING = '"user_id", "artistname", "trackname", "playlistname"\n'


def test_nowplaying(tmp_path: Path) -> None:
    rows = [
        '"9cc", "Elvis \\"E\\", King", "Alison", "HARD ROCK 2010"',
        '"9cc", "Crosby, Stills & Nash", "Déjà Vu - Live", "HARD ROCK 2010"',
        '"07f", "Crosby, Stills & Nash", "deja vu", "Starred"',
        '"07f", "Broken", "one field", "too", "many"',
        '"07f", "Open, "quote", "Starred"',
        '"07f", "", "No artist", "Starred"',
        '"07f", "A", "B", "HARD ROCK 2010"',
    ]
    (tmp_path / "spotify_dataset.csv").write_text(NOWPLAYING + "\n".join(rows) + "\n")
    corpus, warnings = warned(tmp_path)
    vu = "name:crosbystillsandnash:dejavu"
    assert lists(corpus) == {
        "9cc/HARD ROCK 2010": ["name:elviseking:alison", vu],
        "07f/Starred": [vu],
        "07f/HARD ROCK 2010": ["name:a:b"],
    }
    assert corpus.playlists["name"].to_pylist() == ["HARD ROCK 2010", "Starred", "HARD ROCK 2010"]
    assert names(corpus)["name:elviseking:alison"] == ("Alison", 'Elvis "E", King')
    assert [text.partition(" (the first: spotify_dataset.csv, line 5")[0] for text in warnings] == [
        "left out 1 rows of spotify_dataset.csv without an artist or a title",
        "left out 2 broken lines",
    ]


def test_sessions_of_the_sequential_skip_prediction(tmp_path: Path) -> None:
    (tmp_path / "log_0.csv").write_text(
        "session_id,session_position,session_length,track_id_clean,skip_1,skip_2,not_skipped,hour_of_day,date,premium\n"
        "0_a,2,2,t_y,false,false,true,16,2018-07-15,true\n"
        "0_a,1,2,t_x,true,true,false,16,2018-07-15,true\n"
        "0_b,1,1,t_y,true,true,false,0,2018-07-15,false\n"
    )
    corpus, warnings = warned(tmp_path)
    assert lists(corpus) == {"0_a": ["t_x", "t_y"], "0_b": ["t_y"]}
    assert corpus.playlists["ordered"].to_pylist() == [True, True]
    assert warnings[0].startswith(
        "log_0.csv: columns not read: session_length, skip_1, skip_2, not_skipped, hour_of_day"
    )


@pytest.mark.parametrize("end", ["inter", "tsv", "csv", "txt"])
def test_parts_that_came_with_the_data(end: str, tmp_path: Path) -> None:
    heads = {
        "inter": "user_id:token\titem_id:token\ttime:float\n",
        "tsv": "user_procid\titem_procid\n",
        "csv": "playlist_id,track_id\n",
        "txt": "",
    }
    rows = {
        "train": [("u", "a"), ("u", "b"), ("v", "a")],
        "valid": [("u", "c"), ("v", "a")],
        "test": [("u", "c"), ("v", "d")],
    }
    prefix = "ml." if end == "inter" else ""
    separator = {"csv": ",", "txt": " "}.get(end, "\t")
    for part, pairs in rows.items():
        lines = [separator.join((*pair, *(["1"] if end == "inter" else []))) for pair in pairs]
        (tmp_path / f"{prefix}{part}.{end}").write_text(heads[end] + "\n".join(lines) + "\n")
    (tmp_path / "README.md").write_text("x")
    if end == "tsv":
        (tmp_path / "user_list.tsv").write_text("user_id\tuser_procid\nann\tu\n")
    events: list[Event] = []
    corpus, given = read(tmp_path, on_event=events.append)
    assert lists(corpus) == {"u": ["a", "b", "c"], "v": ["a", "d"]}
    assert given is not None
    assert given.tolist() == [0, 0, 1, 0, 2]
    passed_over = "passed over what is no table of entries: user_list.tsv"
    assert (passed_over in [event.text for event in events]) == (end == "tsv")
    assert [event.text for event in events if event.kind == "warning"][-2:] == [
        "left out 1 valid entry that also stands in train",
        "left out 1 test entry that also stands in train or valid",
    ]
