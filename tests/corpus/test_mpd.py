"""Slices of the Million Playlist Dataset: every shape of copy that must be taken, against a naive reader."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.read import read
from playlistrec.events import Event
from playlistrec.text import CONTROL


def track(uri: str, artist: str = "x", pos: int | None = None, **fields: Any) -> dict[str, Any]:
    full = {
        "artist_name": f"Artist {artist}",
        "track_uri": f"spotify:track:{uri}",
        "artist_uri": f"spotify:artist:{artist}",
        "track_name": f"Track {uri}",
        "album_uri": f"spotify:album:{uri}",
        "duration_ms": 1000 * len(uri),
        "album_name": f"Album {uri}",
        **fields,
    }
    return full if pos is None else {"pos": pos, **full}


def playlist(pid: int, *tracks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "name": f"Mix {pid}",
        "collaborative": "false",
        "pid": pid,
        "modified_at": 1493424000,
        "num_tracks": len(tracks),
        "num_albums": 2,
        "num_followers": 1,
        "num_edits": 3,
        "duration_ms": 0,
        "num_artists": 3,
        "tracks": list(tracks),
        **fields,
    }


def text(*playlists: dict[str, Any]) -> str:
    info = {"generated_on": "2017-12-03 08:41:42.057563", "slice": "0-999", "version": "v1"}
    return json.dumps({"info": info, "playlists": playlists}, indent=4)


def uris(corpus: Corpus) -> list[list[str]]:
    known = [uri.removeprefix("spotify:track:") for uri in corpus.track_table["uri"].to_pylist()]
    return [[known[i] for i in corpus.playlist(p)] for p in range(corpus.n_playlists)]


def test_all_fields(tmp_path: Path) -> None:
    described = playlist(8, track("cc"), collaborative="true", description="für Elise 🌴")
    (tmp_path / "mpd.slice.0-9.json").write_text(text(playlist(7, track("a"), track("b", "y")), described))
    corpus, mask = read(tmp_path)
    assert mask is None
    assert uris(corpus) == [["a", "b"], ["cc"]]
    assert corpus.playlists.to_pylist() == [
        {
            "pid": pid,
            "name": f"Mix {pid}",
            "description": description,
            "collaborative": collaborative,
            "modified_at": 1493424000,
            "num_followers": 1,
            "num_edits": 3,
            "ordered": True,
        }
        for pid, description, collaborative in (("7", None, False), ("8", "für Elise 🌴", True))
    ]
    assert corpus.track_table.to_pylist()[2] == {
        "uri": "spotify:track:cc",
        "name": "Track cc",
        "artist": 0,
        "album_uri": "spotify:album:cc",
        "album_name": "Album cc",
        "duration_ms": 2000,
    }
    assert corpus.artists.to_pylist() == [
        {"uri": "spotify:artist:x", "name": "Artist x"},
        {"uri": "spotify:artist:y", "name": "Artist y"},
    ]


def test_bare_tracks_get_their_artist_by_name(tmp_path: Path) -> None:
    """Subsets in the wild keep three fields of a track and none of a playlist but its pid and name."""
    names = ["Beyoncé", "  BEYONCÉ ", "Beyonce\u0301", "Sigur\u00a0 Rós", "", None, "Straße", "STRASSE"]
    tracks = [{"track_uri": f"t{i}", "track_name": f"T{i}", "artist_name": name} for i, name in enumerate(names)]
    (tmp_path / "subset.json").write_text(json.dumps({"playlists": [{"pid": 1, "name": "x", "tracks": tracks}]}))
    corpus, _ = read(tmp_path / "subset.json")
    assert corpus.track_table["artist"].to_pylist() == [0, 0, 0, 1, None, None, 2, 2]
    assert corpus.artists["uri"].to_pylist() == ["name:beyoncé", "name:sigur rós", "name:strasse"]
    assert corpus.artists["name"].to_pylist() == ["Beyoncé", "Sigur\u00a0 Rós", "Straße"]
    assert corpus.playlists.column_names == ["pid", "name", "ordered"]
    assert corpus.track_table.column_names == ["uri", "name", "artist"]


def test_artist_uri_goes_before_the_name(tmp_path: Path) -> None:
    tracks = [
        track("a", "x"),
        track("b", artist_uri="", artist_name="Y"),
        track("c", "x", artist_name="Late"),
    ]
    (tmp_path / "a.json").write_text(text(playlist(0, *tracks)))
    corpus, _ = read(tmp_path)
    assert corpus.track_artist.tolist() == [0, 1, 0]
    assert corpus.artists.to_pydict() == {"uri": ["spotify:artist:x", "name:y"], "name": ["Artist x", "Y"]}


def test_the_first_occurrence_of_a_track_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "mpd.slice.0-9.json").write_text(text(playlist(0, track("a", track_name="Old"))))
    (tmp_path / "mpd.slice.10-19.json").write_text(text(playlist(1, track("b"), track("a", track_name="New"))))
    corpus, _ = read(tmp_path)
    assert corpus.track_table["name"].to_pylist() == ["Old", "Track b"]


def test_pos_is_the_order_where_all_have_it(tmp_path: Path) -> None:
    shuffled = playlist(0, track("c", pos=2), track("a", pos=0), track("b", pos=0))
    partly = playlist(1, track("c", pos=2), track("a"), track("b", pos=0))
    (tmp_path / "a.json").write_text(text(shuffled, partly))
    assert uris(read(tmp_path)[0]) == [["a", "b", "c"], ["c", "a", "b"]]


def test_empty_playlists_and_duplicates_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text(playlist(0), playlist(1, track("a"), track("a")), playlist(2)))
    corpus, _ = read(tmp_path)
    assert uris(corpus) == [[], ["a", "a"], []]
    (tmp_path / "a.json").write_text(text(playlist(0)))
    corpus, _ = read(tmp_path)
    assert (corpus.n_playlists, corpus.n_tracks, corpus.n_artists) == (1, 0, 0)
    corpus.save(tmp_path)
    assert Corpus.load(tmp_path).n_playlists == 1


def write_three(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for start in (0, 10, 100):
        playlists = [playlist(pid, track(f"{pid}"), track("a")) for pid in range(start, start + 10)]
        (folder / f"mpd.slice.{start}-{start + 9}.json").write_text(text(*playlists))


def test_natural_order_and_other_files(tmp_path: Path) -> None:
    write_three(tmp_path)
    for name in ("README.md", "other.json", "._mpd.slice.0-9.json", "mpd.slice.0-9.json.part"):
        (tmp_path / name).write_text("nothing")
    events: list[Event] = []
    corpus, _ = read(tmp_path, on_event=events.append)
    assert corpus.playlists["pid"].to_pylist() == [str(pid) for pid in (*range(20), *range(100, 110))]
    messages = [event.text for event in events if event.kind == "message"]
    assert len(messages) == 1
    assert "skipped 4 other files" in messages[0]
    progress = [event.data for event in events if event.kind == "progress"]
    assert progress == [{"done": done, "total": 3} for done in (1, 2, 3)]


def same(one: Corpus, other: Corpus) -> bool:
    return (
        np.array_equal(one.offsets, other.offsets)
        and np.array_equal(one.tracks, other.tracks)
        and all(getattr(one, table).equals(getattr(other, table)) for table in ("playlists", "track_table", "artists"))
    )


def test_every_way_to_hold_it_gives_the_same(tmp_path: Path) -> None:
    write_three(tmp_path / "data")
    corpus, _ = read(tmp_path / "data")
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "mpd.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", "read me")
        archive.writestr("__MACOSX/data/._mpd.slice.0-9.json", b"\x00\x05")
        for path in sorted((tmp_path / "data").iterdir(), reverse=True):
            archive.write(path, f"spotify_million_playlist_dataset/data/{path.name}")
            (tmp_path / "packed" / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    slices = [json.loads(path.read_text()) for path in (tmp_path / "data").iterdir()]
    everything = sorted((p for part in slices for p in part["playlists"]), key=lambda p: p["pid"])
    (tmp_path / "one.json").write_bytes(b"\xef\xbb\xbf" + text(*everything).encode())
    for source in (tmp_path, tmp_path / "mpd.zip", tmp_path / "packed", tmp_path / "one.json"):
        assert same(read(source)[0], corpus), source


def test_workers_do_not_change_the_outcome(tmp_path: Path) -> None:
    write_three(tmp_path)
    one, _ = read(tmp_path, workers=1)
    two, _ = read(tmp_path, workers=2)
    assert same(one, two)
    limited, _ = read(tmp_path, workers=2, limit=13)
    assert same(limited, read(tmp_path, workers=1, limit=13)[0])


def test_limit_takes_nothing_of_later_playlists(tmp_path: Path) -> None:
    write_three(tmp_path)
    corpus, _ = read(tmp_path, limit=12)
    assert uris(corpus) == [[str(pid), "a"] for pid in range(12)]
    assert corpus.n_tracks == 13
    assert read(tmp_path, limit=999)[0].n_playlists == 30


def test_renumber(tmp_path: Path) -> None:
    for name in ("mpd.slice.0-9.json", "mpd.slice.10-19.json"):
        (tmp_path / name).write_text(text(playlist(3, track("a")), playlist(3, track("b"))))
    corpus, _ = read(tmp_path, renumber=True)
    assert corpus.playlists["pid"].to_pylist() == ["0", "1", "2", "3"]
    assert uris(corpus) == [["a"], ["b"], ["a"], ["b"]]


def test_a_file_of_many_playlists_is_read_in_pieces(tmp_path: Path) -> None:
    playlists = [{"pid": pid, "tracks": [{"track_uri": f"{pid % 7}"}]} for pid in range(2345)]
    (tmp_path / "a.json").write_text(json.dumps({"playlists": playlists}))
    corpus, _ = read(tmp_path)
    assert uris(corpus) == [[f"{pid % 7}"] for pid in range(2345)]
    assert read(tmp_path, limit=1001)[0].n_entries == 1001


SCHEMA = pa.schema({"pid": pa.string(), "ordered": pa.bool_()})


def test_no_column_lacks_a_type(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"playlists": [{"pid": 1, "tracks": [{"track_uri": "a"}]}]}))
    corpus, _ = read(tmp_path)
    assert corpus.playlists.schema == SCHEMA
    assert corpus.track_table.schema == pa.schema({"uri": pa.string(), "artist": pa.int32()})
    assert corpus.artists.schema == pa.schema({"uri": pa.string(), "name": pa.string()})


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
TRACKS = st.fixed_dictionaries(
    {"track_uri": st.sampled_from("abcdefg"), "track_name": NAMES},
    optional={"artist_uri": st.sampled_from("XYZ"), "artist_name": NAMES, "duration_ms": st.integers(0, 9)},
)


@settings(max_examples=40, deadline=None)
@given(
    playlists=st.lists(st.tuples(st.lists(TRACKS, max_size=6), NAMES), min_size=1, max_size=6),
    cut=st.integers(0, 6),
)
def test_against_a_naive_reader(
    tmp_path_factory: pytest.TempPathFactory, playlists: list[tuple[list[dict[str, Any]], str]], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("mpd")
    records = [{"pid": i, "name": name, "tracks": tracks} for i, (tracks, name) in enumerate(playlists)]
    (folder / "1.json").write_text(json.dumps({"playlists": records[:cut]}))
    (folder / "2.json").write_text(json.dumps({"playlists": records[cut:]}, ensure_ascii=False))
    corpus, _ = read(folder, workers=1)
    first: dict[str, dict[str, Any]] = {}
    for record in records:
        for entry in record["tracks"]:
            first.setdefault(entry["track_uri"], entry)
    assert uris(corpus) == [[entry["track_uri"] for entry in record["tracks"]] for record in records]
    assert corpus.playlists["name"].to_pylist() == [record["name"] for record in records]
    assert corpus.track_table["uri"].to_pylist() == list(first)
    if first:
        assert corpus.track_table["name"].to_pylist() == [entry["track_name"] for entry in first.values()]
    artists = [*corpus.artists["uri"].to_pylist(), None]
    for entry, row in zip(first.values(), corpus.track_artist):
        if "artist_uri" in entry:
            assert artists[row] == entry["artist_uri"]
        elif not CONTROL.sub(" ", entry.get("artist_name", "")).strip():
            assert artists[row] is None
        else:
            assert artists[row].startswith("name:")


def test_workers_do_not_import_what_they_do_not_need() -> None:
    code = (
        "import sys, playlistrec.corpus.sources.mpd_slice; print(sorted({'torch', 'dgl', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    write_three(tmp_path / "data")
    script = tmp_path / "script.py"
    script.write_text(
        "from playlistrec.corpus.sources.read import read\nfrom pathlib import Path\n"
        f"print('once', read(Path({str(tmp_path / 'data')!r}), workers=2)[0].n_playlists, __file__)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == f"once 30 {script}\n"


def test_null_tracks_are_left_out_and_counted(tmp_path: Path) -> None:
    tracks = [{"track_uri": "b", "pos": 2}, None, {"track_uri": None, "pos": 1}, {"track_uri": "", "pos": 3}]
    playlists = [{"pid": 1, "tracks": [*tracks, {"track_uri": "a", "pos": 0}]}, {"pid": 2, "tracks": [None]}]
    (tmp_path / "mpd.slice.0-9.json").write_text(json.dumps({"playlists": playlists}))
    events: list[Event] = []
    corpus, _ = read(tmp_path, on_event=events.append)
    assert [corpus.track_table["uri"][i].as_py() for i in corpus.tracks] == ["a", "b"]
    assert corpus.lengths.tolist() == [2, 0]
    assert [event.text for event in events if event.kind == "warning"] == [
        "left out 4 entries that name no track (null)"
    ]


@pytest.mark.parametrize("copy", ["mpd.slice.0-9 (1).json", "mpd.slice.0-9 - Copy.json", "mpd.slice.0-9 copy 2.json"])
def test_copies_and_incomplete_playlists_are_passed_over(copy: str, tmp_path: Path) -> None:
    whole = {"playlists": [{"pid": 1, "tracks": [{"track_uri": "a"}]}]}
    (tmp_path / "mpd.slice.0-9.json").write_text(json.dumps(whole))
    (tmp_path / copy).write_text(json.dumps(whole))
    for renumber in (False, True):
        events: list[Event] = []
        assert read(tmp_path, renumber=renumber, on_event=events.append)[0].n_playlists == 1
        warnings = [event.text for event in events if event.kind == "warning"]
        assert warnings == [f"passed over {copy}, a copy of mpd.slice.0-9.json"]
    (tmp_path / copy).write_text(json.dumps({"playlists": [{"pid": 2, "tracks": [{"track_uri": "b"}]}]}))
    assert read(tmp_path)[0].n_playlists == 2, "called a copy, but it is none"
    for path in tmp_path.iterdir():
        path.rename(path.with_name(path.name.replace("mpd.slice.", "part ")))
    challenge = {"playlists": [{"pid": 9, "num_holdouts": 5, "tracks": [{"track_uri": "a"}]}]}
    (tmp_path / "zz.json").write_text(json.dumps(challenge))
    events = []
    assert read(tmp_path, on_event=events.append)[0].n_playlists == 2
    assert [event.text[:19] for event in events if event.kind == "warning"] == ["passed over zz.json"]
