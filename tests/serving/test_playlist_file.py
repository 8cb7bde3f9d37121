"""Playlists in files, written by hand as players and exporters write them, and odd ones."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from playlistrec.corpus.sources.exports.entry import NOTHING
from playlistrec.errors import ConfigError, DataError
from playlistrec.serving.lookup.playlist_file import Entry, ListedPlaylist, read_playlist

ID = "4uLU6hMCjMI75M1A2tKUQC"


def read(folder: Path, name: str, content: str | bytes) -> ListedPlaylist:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_playlist(path)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_m3u(tmp_path: Path, ends: str, mark: str) -> None:
    lines = [
        "#EXTM3U",
        "#PLAYLIST:Rainy Sunday",
        "#EXTINF:340,Bon Iver - Holocene",
        "Music/Bon Iver/03 Holocene.mp3",
        "",
        "# a comment",
        f"spotify:track:{ID}",
        "#EXTINF:-1,Towers",
        f"https://open.spotify.com/intl-de/track/{ID}?si=abc",
        r"C:\Music\Zoë - Déjà.Vu.flac",
        "file:///home/x/Low%20-%20Lies.ogg",
    ]
    found = read(tmp_path, "a.m3u8", mark + ends.join(lines))
    assert found.title == "Rainy Sunday"
    assert found.entries == [
        Entry("Music/Bon Iver/03 Holocene.mp3", "Holocene", "Bon Iver"),
        Entry(f"spotify:track:{ID}"),
        Entry(f"spotify:track:{ID}", "Towers"),
        Entry(r"C:\Music\Zoë - Déjà.Vu.flac", "Déjà.Vu", "Zoë"),
        Entry("file:///home/x/Low%20-%20Lies.ogg", "Lies", "Low"),
    ]


def test_m3u_in_latin_1(tmp_path: Path) -> None:
    found = read(tmp_path, "a.M3U", "#EXTINF:1,Sigur Rós - Hoppípolla\nx.mp3\n".encode("latin-1"))
    assert found.entries == [Entry("x.mp3", "Hoppípolla", "Sigur Rós")]


def brief(playlist: ListedPlaylist) -> list[tuple[str | None, ...]]:
    return [(entry.uri, entry.name, entry.artist) for entry in playlist.entries]


def test_csv_of_an_exporter(tmp_path: Path) -> None:
    text = (
        '"Track URI","Track Name","Artist URI(s)","Artist Name(s)","Album Name","Duration (ms)"\r\n'
        f'"spotify:track:{ID}","Hell, Yes","spotify:artist:1","Tyler, The Creator","X","1"\r\n'
        "\r\n"
        '"","Duet","","Drake;21 Savage","X","2"\r\n'
    )
    found = read(tmp_path, "a.csv", "\ufeff" + text)
    assert brief(found) == [
        (f"spotify:track:{ID}", "Hell, Yes", "Tyler, The Creator"),
        (None, "Duet", "Drake;21 Savage"),
    ]
    assert found.entries[0].artist_uri == "spotify:artist:1"
    assert found.entries[0].names == ["Tyler, The Creator - Hell, Yes", "Tyler - Hell, Yes"]
    assert found.entries[1].names == ["Drake;21 Savage - Duet", "Drake - Duet"]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("track_uri\nt:1\nt:2", [("t:1", None, None), ("t:2", None, None)]),
        ("name;artist\nVu;Zoë\n", [(None, "Vu", "Zoë")]),
        ("pos\ttrack_name\tartist_name\n1\tVu\tZoë", [(None, "Vu", "Zoë")]),
        (
            "Zoë - Vu\nspotify:track:9\nLies",
            [("Zoë - Vu", "Vu", "Zoë"), ("spotify:track:9", None, None), ("Lies", "Lies", None)],
        ),
        ("rank,track_uri,track_name,artist_name,score\n1,t:1,Vu,,0.5\n", [("t:1", "Vu", None)]),
    ],
)
def test_other_csv(tmp_path: Path, text: str, entries: list[tuple[str | None, ...]]) -> None:
    assert brief(read(tmp_path, "a.csv", text)) == entries


def test_what_is_no_track_is_left_out_and_counted(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "track_uri,pos\nt:1,0\n,1\n").left_out == {NOTHING: 1}
    assert read(tmp_path, "a.json", '{"tracks": ["t:1", 5, null]}').left_out == {NOTHING: 2}


def test_one_of_several_playlists(tmp_path: Path) -> None:
    text = "Title,Artist,Playlist name\nVu,Zoë,Rainy Day\nLies,Low,gym\nTowers,Bon Iver,Gym!\n"
    path = tmp_path / "all.csv"
    path.write_text(text)
    assert brief(read_playlist(path, "rainy-day")) == [(None, "Vu", "Zoë")]
    for title in (None, "chill", "GYM"):  # none, no such, two such
        with pytest.raises(DataError, match=r"holds 3 playlists \('Rainy Day', 'gym', 'Gym!'\): choose one by title="):
            read_playlist(path, title)
    path.write_text(text.partition("Lies")[0])
    assert read_playlist(path).title == "Rainy Day"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("x/gym.csv", "Title\nVu\n")
        archive.writestr("x/rainy.m3u", "Lies.mp3\n")
        archive.writestr("x/cover.jpg", "")
    assert brief(read_playlist(tmp_path / "all.zip", "gym")) == [(None, "Vu", None)]


def test_csv_in_latin_1(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "track_name\nHoppípolla\n".encode("latin-1")).entries[0].name == "Hoppípolla"


def test_json(tmp_path: Path) -> None:
    track = {"pos": 0, "track_uri": "t:1", "track_name": "Vu", "artist_name": "Zoë", "artist_uri": "a:1"}
    playlist = {"pid": 7, "name": "rainy", "num_tracks": 1, "tracks": [track]}
    found = read(tmp_path, "a.json", "\ufeff" + json.dumps(playlist))
    assert (found.title, brief(found), found.entries[0].artist_uri) == ("rainy", [("t:1", "Vu", "Zoë")], "a:1")
    assert read(tmp_path, "b.json", '["spotify:track:1", "Zoë - Vu"]').entries == [
        Entry("spotify:track:1"),
        Entry("Zoë - Vu", "Vu", "Zoë"),
    ]
    assert read(tmp_path, "c.json", '{"tracks": ["spotify:track:1", {"name": "Vu"}]}').entries == [
        Entry("spotify:track:1"),
        Entry(None, "Vu"),
    ]
    assert read(tmp_path, "d.json", '{"name": "only a title", "tracks": []}') == ListedPlaylist([], "only a title")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.m3u", b"", "a.m3u names no track"),
        ("a.m3u", b"#EXTM3U\r\n# nothing\r\n", "a.m3u names no track"),
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"\xef\xbb\xbf\r\n", "a.csv is empty"),
        ("a.csv", b"track_uri\n", "a.csv names no track"),
        ("a.csv", b"artist_name,album\nX,Y\n", "no column track_uri or track_name (it has 'artist_name', 'album')"),
        ("a.csv", b'track_uri\n"' + b"x" * 200_000, "line 2"),
        ("a.json", b"", "a.json is not JSON"),
        ("a.json", b'{"tracks": [', "a.json is not JSON"),
        ("a.json", b"[" * 200_000, "a.json is not JSON"),
        ("a.json", b"7", "must be a list of tracks"),
        ("a.json", b'{"name": "x"}', "must be a list of tracks"),
        ("a.json", b'[{"artist_name": "X"}]', "must be a list of tracks"),
        ("a.json", b"[]", "a.json names no track"),
        ("a.json", b'{"playlists": [1, 2]}', "must be a list of tracks"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, name, content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"one of \*\.m3u, \*\.m3u8, \*\.pls, "):
        read_playlist(tmp_path / "a.mp3")
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_playlist(tmp_path / "none.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="names no track"):
        read_playlist(tmp_path / "d.csv")
