"""A person's library as one corpus: folders and archives of mixed exports, one id a track, its warnings."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.exports import files
from playlistrec.corpus.sources.exports.entry import Entry, ListedPlaylist
from playlistrec.corpus.sources.exports.library import corpus_of
from playlistrec.corpus.sources.exports.read import read_exports
from playlistrec.corpus.sources.exports.recognise import holds_exports
from playlistrec.corpus.sources.read import read as read_source
from playlistrec.errors import DataError
from playlistrec.events import Event

IDS = [f"{i}kiZJvWgImR4VLlX087Bv{i}" for i in range(9)]
URIS = [f"spotify:track:{i}" for i in IDS]


def names(corpus: Corpus) -> list[tuple[str | None, list[str]]]:
    """Each playlist's title and the uris of its tracks."""
    uris = corpus.track_table["uri"].to_pylist()
    titles = corpus.playlists["name"].to_pylist()
    return [(title, [uris[track] for track in corpus.playlist(p)]) for p, title in enumerate(titles)]


def read(*paths: Path) -> tuple[Corpus, list[str]]:
    messages: list[Event] = []
    corpus = read_exports(paths, limit=None, on_event=messages.append)
    return corpus, [event.text for event in messages if event.kind != "progress"]


def archive(members: dict[str, bytes | str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return content.getvalue()


MEMBERS: dict[str, bytes | str] = {
    "Exportify/road_trip.csv": f"Track URI,Track Name,Artist Name(s)\n{URIS[0]},Echo - Remastered 2011,Vela\n",
    "Exportify/gym 10.csv": f"Track URI\n{URIS[1]}\n",
    "Exportify/gym 2.csv": f"Track URI\n{URIS[1]}\n{URIS[0]}\n",
    "deep/er/rainy.m3u8": "#EXTM3U\n#EXTINF:1,VELA - echo\n/m/01 Echo.mp3\n",
    "account/Playlist1.json": json.dumps({"playlists": [{"name": "rainy", "items": []}]}),
    "account/Userdata.json": '{"username": "me"}',
    "ReadMeFirst.pdf": b"%PDF",
    "read me.txt": "These are your playlists.\nHave fun!\n",
    "__MACOSX/Exportify/._road_trip.csv": b"\x00\x05",
    ".DS_Store": b"\x00",
}
EXPECTED = [("rainy", [URIS[0]]), ("gym 2", [URIS[1], URIS[0]]), ("gym 10", [URIS[1]]), ("road trip", [URIS[0]])]


def as_folder(folder: Path) -> Path:
    for name, data in MEMBERS.items():
        path = folder / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / "mine"


def as_zip(folder: Path) -> Path:
    (folder / "mine.zip").write_bytes(archive(MEMBERS))
    return folder / "mine.zip"


def as_zip_in_a_folder(folder: Path) -> Path:
    (folder / "mine").mkdir()
    (folder / "mine" / "all.zip").write_bytes(archive({"inner.zip": archive(MEMBERS)}))
    return folder / "mine"


@pytest.mark.parametrize("place", [as_folder, as_zip, as_zip_in_a_folder])
def test_folders_and_archives_of_mixed_exports(tmp_path: Path, place: object) -> None:
    path = place(tmp_path)  # type: ignore[operator]
    assert holds_exports([path])
    corpus, messages = read(path)
    assert names(corpus) == EXPECTED
    assert corpus.playlists["pid"].to_pylist() == ["0", "1", "2", "3"]
    assert messages[0] == "read 5 files: 5 playlists with 5 entries"
    assert messages[1].startswith("passed over 3 other files: ")
    assert messages[2:] == ["left out 1 playlist without a track: rainy"]


def test_several_files(tmp_path: Path) -> None:
    folder = as_folder(tmp_path)
    corpus, _ = read(folder / "Exportify" / "gym 10.csv", folder / "deep" / "er" / "rainy.m3u8")
    assert names(corpus) == [("gym 10", [URIS[1]]), ("rainy", ["name:vela:echo"])]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        f"Track URI,Track Name,Popularity,Tempo\n{URIS[0]},Echo,1,2\nspotify:local:a:b:c:1,x,1,2\n"
        ",,,\nspotify:episode:1,,,\n"
    )
    (tmp_path / "b.csv").write_text("Shazam Library\nTitle,Artist\nEcho,Vela\n")
    _, messages = read(tmp_path)
    assert messages == [
        "read 2 files: 2 playlists with 2 entries",
        "b.csv: passed over 1 line before the header (Shazam Library)",
        "2 columns not read: Popularity, Tempo",
        "left out 3 entries: local file (1), without a track (1), episode (1)",
    ]


def corpus_with(*entries: Entry) -> Corpus:
    return corpus_of([ListedPlaylist(list(entries), "all")])


def uris(*entries: Entry) -> list[str]:
    return names(corpus_with(*entries))[0][1]


def test_an_id_that_would_break_lines_is_none(tmp_path: Path) -> None:
    tracks = [{"uri": "a\nb", "name": "Echo", "artists": [{"name": "Vela", "uri": "x\u001by"}]}, {"uri": "c\u202ed"}]
    (tmp_path / "a.json").write_text(json.dumps({"name": "odd", "tracks": tracks}))
    (tmp_path / "b.m3u").write_text("spotify:track\u202e\nx\u007fy\n")
    corpus, _ = read_source(tmp_path)
    assert names(corpus) == [("odd", ["name:vela:echo"]), ("b", ["name::xy"])]
    assert corpus.artists["uri"].to_pylist() == ["name:vela"]


def test_a_name_may_hold_what_an_id_must_not(tmp_path: Path) -> None:
    tracks = [{"name": "Ec\u001bho", "artist": "Ve\u001bla"}, {"name": "Glass", "artist": "\u001b"}]
    (tmp_path / "a.json").write_text(json.dumps(tracks))
    corpus, _ = read_source(tmp_path)
    assert corpus.artists["uri"].to_pylist() == ["name:ve la"]
    assert names(corpus) == [("a", ["name:vela:echo", "name::glass"])]


def test_a_track_without_an_id_gets_one_from_artist_and_title() -> None:
    spellings = [
        Entry(None, "Don't Echo", "Zoë & The Kites"),
        Entry("m/x.mp3", "don’t echo (Live)", "Zoe and the Kites"),
        Entry("Zoë & The Kites - Dont Echo", "Dont Echo - Remastered 2011", "ZOË & THE KITES"),
    ]
    assert uris(*spellings) == ["name:zoe+kites:dontecho"] * 3
    assert uris(Entry(None, "Echo", "Vela"), Entry(None, "Echo", "Hex")) == ["name:vela:echo", "name:hex:echo"]
    assert uris(Entry(None, "Echo"), Entry(None, "Echo (Kite Remix)")) == ["name::echo", "name::echokiteremix"]


@pytest.mark.parametrize(
    "joined", ["Vela, Hex", "Hex; Vela", "Hex & Vela", "Vela / Hex", "Hex x Vela", "vela feat. HEX"]
)
def test_artists_in_any_order_are_one_song(joined: str) -> None:
    assert uris(Entry(URIS[0], "Echo", "Vela, Hex"), Entry(None, "Echo", joined)) == [URIS[0]] * 2
    assert uris(Entry(URIS[0], "Echo (feat. Hex)", "Vela"), Entry(None, "Echo", joined)) == [URIS[0]] * 2


def test_an_artist_is_never_crossed() -> None:
    found = uris(
        Entry(URIS[0], "Echo", "Vela"), Entry(None, "Echo", "Zed"), Entry(URIS[1], "Echo", "Hex"), Entry(None, "Echo")
    )
    assert found == [URIS[0], "name:zed:echo", URIS[1], "name::echo"]
    assert uris(Entry(URIS[0], "Echo", "Vela"), Entry(None, "Echo")) == [URIS[0]] * 2


def test_an_isrc_joins_what_names_do_not() -> None:
    corpus = corpus_with(
        Entry(None, "Écho!", "V.", isrc="USAB12300001"),
        Entry(URIS[0], "Something else", "Hex", isrc="USAB12300001"),
        Entry(None, isrc="USAB12300002"),
        Entry(None, "Glass", "Hex", isrc="USAB12300002"),
        Entry(None, "Amber", "Hex", isrc="USAB12300003"),
        Entry(URIS[1], "Amber (Live)", "Hex"),
    )
    isrc = "isrc:USAB12300002"
    assert names(corpus)[0][1] == [URIS[0], URIS[0], isrc, isrc, URIS[1], URIS[1]]
    assert corpus.track_table["isrc"].to_pylist() == [f"USAB1230000{i}" for i in (1, 2, 3)]


def test_what_is_known_of_a_track_is_put_together() -> None:
    corpus = corpus_with(
        Entry(URIS[0]),
        Entry(URIS[0], "Echo", "Vela, Hex", "spotify:artist:1", album="Low", duration_ms=9, first_artist="Vela"),
        Entry(None, "Glass", "Vela"),
        Entry(None, "Amber", "Vela & Hex"),
        Entry(None, "Sand", "Salt & Ember"),
    )
    assert corpus.track_table["name"].to_pylist() == ["Echo", "Glass", "Amber", "Sand"]
    assert corpus.track_table["duration_ms"].to_pylist()[0] == 9
    assert corpus.artist_names().to_pylist() == ["Vela", "Vela", "Vela", "Salt & Ember"]
    assert corpus.artists["uri"].to_pylist()[0] == "spotify:artist:1"


@pytest.mark.parametrize(
    ("name", "content", "export"),
    [
        ("a.csv", "Track URI,Track Name\n", True),
        ("a.csv", "Track name,Artist name,Playlist name,Type\n", True),
        ("a.csv", "playlist_id,track_id,track_name\n0,a,b\n", False),
        ("a.csv", '"user_id", "artistname", "trackname", "playlistname"\n', False),
        ("a.csv", "playlist;track\n0;1\n", False),
        ("a.csv", "playlist,track,pos\n0,1,5\n", False),
        ("a.csv", "Playlist,Track,Artist\nrainy,Echo,Vela\n", True),
        ("a.csv", "Song,Artist,Album,Playlist,Deezer Track ID\nEcho,Vela,Low,rainy,5\n", True),
        ("a.csv", "Title,Playlist,Spotify ID\nEcho,rainy,1kiZJvWgImR4VLlX087BvV\n", True),
        ("a.csv", "session_id,session_position,track_id_clean\n0,1,t_a\n", False),
        ("a.csv", "userId,movieId,rating,timestamp\n1,2,3,4\n", False),
        ("a.csv", "Vela - Echo\nHex - Glass\n", True),
        ("a.txt", "Vela - Echo\nHex - Glass\n", True),
        ("a.txt", "0 5 7\n1 2\n", False),
        ("a.txt", "spotify:track:1\n", True),
        ("a.json", '{"playlists": [{"pid": 0, "name": "x", "tracks": []}]}', False),
        ("a.json", '{"playlists": [{"name": "x", "items": []}]}', True),
        ("a.json", '[{"plylst_title": "x", "songs": [1], "id": 5}]', False),
        ("a.json", '["spotify:track:1"]', True),
        ("a.json", "{}", False),
        ("a.inter", "user_id:token\titem_id:token\n", False),
    ],
)
def test_what_is_an_export(tmp_path: Path, name: str, content: str, export: bool) -> None:
    (tmp_path / name).write_text(content)
    assert holds_exports([tmp_path / name]) is export
    assert holds_exports([tmp_path]) is export


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text('{"username": "me"}')
    with pytest.raises(DataError, match=r"a\.json must be a list of tracks"):
        read(tmp_path)
    (tmp_path / "b.csv").write_text("Track URI\n")
    with pytest.raises(DataError, match="holds no playlist with a track"):
        read(tmp_path)
    (tmp_path / "c.zip").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(DataError, match=r"c\.zip is not a readable \.zip"):
        read(tmp_path)
    monkeypatch.setattr(files, "SMALL", 1000)
    (tmp_path / "c.zip").write_bytes(archive({"bomb.csv": b"0" * 500_000}))
    with pytest.raises(DataError, match=r"c\.zip/bomb\.csv unpacks to"):
        read(tmp_path)
    (tmp_path / "c.zip").write_bytes(archive({"bomb.csv.gz": gzip.compress(b"0" * 5000)}))
    with pytest.raises(DataError, match=r"c\.zip/bomb\.csv\.gz unpacks to"):
        read(tmp_path)
    nested = archive({"a.csv": "Track URI\n"})
    for _ in range(4):
        nested = archive({"in.zip": nested})
    (tmp_path / "c.zip").write_bytes(nested)
    with pytest.raises(DataError, match="archives deep"):
        read(tmp_path)


def test_a_damaged_archive_matters_to_exports_alone(tmp_path: Path) -> None:
    (tmp_path / "old.zip").write_bytes(b"PK\x03\x04 damaged")
    (tmp_path / "entries.csv").write_text("playlist_id,track_id\n0,a\n0,b\n")
    assert read_source(tmp_path)[0].n_entries == 2
    (tmp_path / "entries.csv").write_text(f"Track URI\n{URIS[0]}\n")
    with pytest.raises(DataError, match=r"old\.zip is not a readable \.zip"):
        read_source(tmp_path)


def test_a_damaged_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(archive({"x/gym.csv": 'Title,Artist\nEcho,Vela\n"Open,Hex\n'}))
    with pytest.raises(DataError, match=r"a\.zip/x/gym\.csv, line 3: a quote"):
        read(tmp_path / "a.zip")


def test_files_and_patterns_of_any_formats(tmp_path: Path) -> None:
    folder = as_folder(tmp_path)
    (folder / "deezer.csv").write_text("Song,Artist,Playlist\nGlass,Hex,a\nAmber,Hex,b\n")
    for sources in (
        [folder / "*.csv", folder / "deep"],
        [folder / "deezer.csv", folder / "deep" / "er" / "*", folder / "*.txt"],
    ):
        corpus, given = read_source(sources)
        assert given is None
        assert names(corpus) == [("a", ["name:hex:glass"]), ("b", ["name:hex:amber"]), ("rainy", ["name:vela:echo"])]
    corpus, _ = read_source(folder / "Exportify" / "gym*.csv")
    assert sorted(title or "" for title, _ in names(corpus)) == ["gym 10", "gym 2"]


def test_a_table_keeps_its_isrc(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("playlist_id,track_id,track_name,ISRC\n0,a,Echo,USAB12300001\n0,b,Glass,\n")
    corpus, _ = read_source(tmp_path / "a.csv")
    assert corpus.track_table["isrc"].to_pylist() == ["USAB12300001", None]
