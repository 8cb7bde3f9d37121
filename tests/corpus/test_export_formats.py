"""A person's exports, one test a format, from files made on the spot, and odd variants of each."""

from __future__ import annotations

import json
import plistlib
from typing import Any

import pytest

from playlistrec.corpus.sources.decoding import Source
from playlistrec.corpus.sources.exports.entry import EPISODE, LOCAL, NOTHING, OTHER, PAGE, SHORT, Entry, ListedPlaylist
from playlistrec.corpus.sources.exports.not_playlists import NotPlaylists
from playlistrec.corpus.sources.exports.reading import read_playlists
from playlistrec.errors import DataError

IDS = [f"{i}kiZJvWgImR4VLlX087Bv{i}" for i in range(9)]
URIS = [f"spotify:track:{i}" for i in IDS]


def read(name: str, content: str | bytes | Any) -> list[ListedPlaylist]:
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    return read_playlists(Source.of_bytes(name, content if isinstance(content, bytes) else content.encode()))


def one(name: str, content: str | bytes | Any) -> ListedPlaylist:
    (playlist,) = read(name, content)
    return playlist


def brief(playlist: ListedPlaylist) -> list[tuple[str | None, ...]]:
    return [(entry.uri, entry.name, entry.artist) for entry in playlist.entries]


# Exportify ------------------------------------------------------------------------------------------------------------

OLD = (
    "Spotify ID,Artist IDs,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,Added By,Added At"
)
LANGUAGES = {  # uri, name, uris of artists, their names, album, day of adding
    "en": ("Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album Name", "Added At"),
    "de": ("Track-URI", "Track-Name", "Künstler-URI(s)", "Künstlername(n)", "Album-Name", "Hinzugefügt am"),
    "fr": ("URI du titre", "Nom du titre", "URI(s) de l'artiste", "Nom(s) de l'artiste", "Nom de l'album", "Ajouté le"),
    "es": (
        *("URI de la canción", "Nombre de la canción", "URI(s) del artista", "Nombre(s) del artista"),
        *("Nombre del álbum", "Añadido en"),
    ),
    "it": (
        *("URI della traccia", "Nome della traccia", "URI dell'artista", "Nome dell'artista"),
        *("Nome dell'album", "Aggiunto il"),
    ),
    "pt": (
        "URI da faixa",
        "Nome da faixa",
        "URI(s) do artista",
        "Nome(s) do artista",
        "Nome do álbum",
        "Adicionado em",
    ),
    "nl": ("Nummer URI", "Nummernaam", "Artiest-URI", "Naam van artiest", "Naam van album", "Toegevoegd op"),
    "sv": ("Låtens URI", "Låtens namn", "Artistens URI", "Artistens namn", "Albumets namn", "Tillagd vid"),
    "tr": (
        "Parça URI",
        "Parça Ad\u0131",
        "Sanatç\u0131 URI",
        "Sanatç\u0131 Ad\u0131",
        "Albüm Ad\u0131",
        "Eklenme Tarihi",
    ),
    "el": (
        *("URI κομματιού", "Όνομα κομματιού", "URI καλλιτέχνη/ων", "Όνομα/τα καλλιτέχνη"),
        *("Όνομα άλμπουμ", "Προστέθηκε στις"),
    ),
    "ar": (
        *("رابط الأغنية (URI)", "اسم الأغنية", "روابط الفنانين (URI)", "أسماء الفنانين"),
        *("اسم الألبوم", "أضيف في"),
    ),
    "ja": ("トラックURI", "トラック名", "アーティストURI", "アーティスト名", "アルバム名", "追加日時"),
    "zh-Hans": ("曲目 URI", "曲目名称", "艺人 URI", "艺人名称", "专辑名称", "添加时间"),
    "zh-Hant": ("曲目 URI", "曲目名稱", "藝人 URI", "藝人名稱", "專輯名稱", "新增時間"),
    "yue": ("歌 Link", "歌名", "Artist Link", "Artist 名", "專輯名", "加入時間"),
    "none that is known": ("U", "V", "W", "X", "Y", "Z"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_exportify_in_all_its_languages(language: str) -> None:
    uri, name, artist_uris, artists, album, added = LANGUAGES[language]
    text = (
        f'"{uri}","{name}","{artist_uris}","{artists}","{album}","Popularity","ISRC","{added}"\r\n'
        f'"{URIS[0]}","Amber, Glass","spotify:artist:1,spotify:artist:2","Vela, Hex","Low","5","USAB12300001","1"\r\n'
        f'"{URIS[1]}","Echo","spotify:artist:3","Milo\\, The Potter","Low","50","","2024"\r\n'
    )
    playlist = one("road_trip.csv", "\ufeff" + text)
    first, second = playlist.entries
    assert (first.uri, first.name, first.artist, first.artist_uri) == (
        URIS[0],
        "Amber, Glass",
        "Vela, Hex",
        "spotify:artist:1",
    )
    assert (first.first_artist, first.isrc) == ("Vela", "USAB12300001")
    assert (second.artist, second.first_artist) == ("Milo, The Potter",) * 2
    if language != "none that is known":
        assert first.album == "Low"
        assert playlist.unread == ("Popularity", added)


def test_exportify_of_older_days() -> None:
    rows = [f'{IDS[0]},a1,Echo,Low,"Vela, Hex",2020,1000,5,me,2024', f"{IDS[1]},a1,Amber,Low,Vela;Hex,2020,x,5,me,2024"]
    first, second = one("gym.csv", "\n".join([OLD, *rows])).entries
    assert (first.uri, first.name, first.artist, first.duration_ms) == (URIS[0], "Echo", "Vela, Hex", 1000)
    assert (second.first_artist, second.duration_ms) == ("Vela", None)


def test_local_files_and_episodes_are_counted() -> None:
    rows = ["Track URI,Track Name,Artist Name(s)", f"{URIS[0]},Echo,Vela", "spotify:local:Vela:Low:Demo:200,Demo,Vela"]
    rows += ["spotify:episode:0abc,Talk,Host", ",,", "https://open.spotify.com/episode/1,Talk,Host"]
    rows += ["spotify:album:1,Low,Vela"]
    playlist = one("gym.csv", "\n".join(rows))
    assert [entry.name for entry in playlist.entries] == ["Echo"]
    assert playlist.left_out == {LOCAL: 1, EPISODE: 2, NOTHING: 1, OTHER: 1}


# Other tables ---------------------------------------------------------------------------------------------------------


def test_tunemymusic_holds_several_playlists() -> None:
    text = (
        "\ufeffTrack name,Artist name,Album,Playlist name,Type,ISRC,Spotify - id\n"
        f'"Echo",Vela,Low,rainy,Playlist,USAB12300001,{IDS[0]}\n'
        "Amber,Hex,Low,gym,Playlist,,\n"
        f"Glass,Hex,Low,rainy,Playlist,,{IDS[1]}\n"
        ",Hex,Low,,Album,,\n"
    )
    rainy, gym, rest = read("My library.csv", text)
    assert (rainy.title, brief(rainy)) == ("rainy", [(URIS[0], "Echo", "Vela"), (URIS[1], "Glass", "Hex")])
    assert (gym.title, brief(gym)) == ("gym", [(None, "Amber", "Hex")])
    assert (rest.title, rest.entries, rest.left_out) == (None, [], {OTHER: 1})


def test_tunemymusic_of_other_services() -> None:
    text = "Track name,Artist name,Deezer - id\nEcho,Vela,77\n"
    assert brief(one("a.csv", text)) == [("deezer:track:77", "Echo", "Vela")]


def test_soundiiz() -> None:
    text = (
        "title;artist;album;isrc;addedDate;addedBy;url\r\n"
        f"Echo;Vela;Low;US-AB1-23-00001;2024;me;https://open.spotify.com/intl-de/track/{IDS[0]}\r\n"
        "Amber;Vela, Hex;Low;;2024;me;https://www.deezer.com/en/track/123\r\n"
    )
    playlist = one("chill.csv", text)
    assert brief(playlist) == [(URIS[0], "Echo", "Vela"), ("deezer:track:123", "Amber", "Vela, Hex")]
    assert playlist.entries[0].isrc == "USAB12300001"


def test_deezer() -> None:
    text = 'Song,Artist,Album,Playlist,Deezer Track ID\n"Echo",Vela,Low,rainy,5\nAmber,Hex,Low,gym,6\n'
    assert [(found.title, brief(found)) for found in read("deezer.csv", text)] == [
        ("rainy", [("deezer:track:5", "Echo", "Vela")]),
        ("gym", [("deezer:track:6", "Amber", "Hex")]),
    ]


def test_takeout_of_youtube_music() -> None:
    library = (
        "Video ID,Song Title,Album Title,Artist Name 1,Artist Name 2\nabc_-1,Echo,Low,Vela,Hex\nabc_-2,Amber,Low,Hex,\n"
    )
    assert brief(one("music library songs.csv", library)) == [
        ("youtube:video:abc_-1", "Echo", "Vela; Hex"),
        ("youtube:video:abc_-2", "Amber", "Hex"),
    ]
    new = "Video ID,Playlist Video Creation Timestamp\nabc_-1,2024-01-01T00:00:00+00:00\n"
    assert brief(one("rainy-videos.csv", new)) == [("youtube:video:abc_-1", None, None)]
    old = (
        "Playlist Id,Channel Id,Time Created,Time Updated,Title,Description,Visibility\n"
        "PL1,UC1,2020,2021,Rainy Sunday,,Private\n\nVideo Id,Time Added\nabc_-1,2020\n"
    )
    playlist = one("rainy.csv", old)
    assert (playlist.title, brief(playlist)) == ("Rainy Sunday", [("youtube:video:abc_-1", None, None)])


def test_shazam_has_a_line_before_its_header() -> None:
    text = 'Shazam Library\nIndex,TagTime,Title,Artist,URL,TrackKey\n1,"2024-01-01","Echo","Vela",https://www.shazam.com/track/1,1\n'
    playlist = one("shazamlibrary.csv", text)
    assert [(entry.name, entry.artist) for entry in playlist.entries] == [("Echo", "Vela")]
    assert playlist.remarks == ("shazamlibrary.csv: passed over 1 line before the header (Shazam Library)",)


def test_serato_has_a_row_for_the_day() -> None:
    text = (
        'name,artist,start time,end time\n04.01.2024,,20:00,23:00\nEcho,Vela,20:01,20:05\n"1999",Prince,20:06,20:08\n'
    )
    playlist = one("history.csv", text)
    assert brief(playlist) == [(None, "Echo", "Vela"), (None, "1999", "Prince")]
    assert playlist.left_out == {NOTHING: 1}


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_in_any_dialect(codec: str, ends: str, separator: str) -> None:
    rows = [["TITLE", "Artist"], ["Café", " Zoë "], ["Écho…", "Río"]]
    text = ends.join(separator.join(row) for row in rows)
    assert brief(one("a.csv", text.encode(codec))) == [(None, "Café", "Zoë"), (None, "Écho…", "Río")]


def test_a_song_may_be_called_null() -> None:
    text = f"Title,Artist,Spotify ID,ISRC\nNull,Vela,nan,null\nNone,none,{IDS[0]},\nnan,nan,nan,nan\nEcho,NaN,,\n"
    playlist = one("a.csv", text)
    assert brief(playlist) == [(None, "Null", "Vela"), (URIS[0], None, None), (None, "Echo", "NaN")]
    assert playlist.left_out == {NOTHING: 1}
    assert brief(one("a.json", [{"name": "None", "artist": "Vela", "uri": "null"}])) == [(None, "None", "Vela")]


def test_a_column_of_positions_gives_the_order() -> None:
    text = "Position,Title,Playlist name\n10,Ten,a\n2,Two,a\n1,One,b\n1,First,a\n"
    assert [[entry.name for entry in found.entries] for found in read("a.csv", text)] == [
        ["First", "Two", "Ten"],
        ["One"],
    ]


def test_sep_of_excel() -> None:
    assert brief(one("a.csv", "sep=;\r\nTitle;Artist\r\nEcho;Vela\r\n")) == [(None, "Echo", "Vela")]


@pytest.mark.parametrize("name", ["names.csv", "names.txt", "names.tsv"])
def test_names_a_line_may_hold_commas(name: str) -> None:
    text = "Vela - Signal (with 10,000 Lanterns)\nHex - Echo\nMilo, The Potter - Glass, Part 2\n"
    assert [(entry.artist, entry.name) for entry in one(name, text).entries] == [
        ("Vela", "Signal (with 10,000 Lanterns)"),
        ("Hex", "Echo"),
        ("Milo, The Potter", "Glass, Part 2"),
    ]


@pytest.mark.parametrize("mark", ["- ", "* ", "\u2022 ", "{}. ", "0{}) "])
def test_bullets_and_numbers_of_lists_are_no_names(mark: str) -> None:
    lines = ["Vela - Echo", "Hex - 99 Nights", f"https://open.spotify.com/track/{IDS[1]}?si=x"]
    text = "".join(f"{mark.format(i)}{line}\n" for i, line in enumerate(lines, 1))
    entries = one("a.txt", text).entries
    assert [(e.artist, e.name) for e in entries[:2]] == [("Vela", "Echo"), ("Hex", "99 Nights")]
    assert entries[2].uri == URIS[1]
    assert [entry.artist for entry in one("a.txt", "99. Vela - Echo\nHex - Rain\n").entries] == ["99. Vela", "Hex"]


def test_quoted_fields_without_a_header_are_no_names() -> None:
    text = '"Vela","Blue","Echo - Live","31 May 2024 10:00"\n"Hex","Blue","Rain - Live","31 May 2024 10:04"\n'
    with pytest.raises(
        DataError, match=r"a.csv has no line that names its columns, such as Title,Artist \(it has 'Vela'"
    ):
        one("a.csv", text)
    assert [entry.name for entry in one("a.csv", '"Vela - Echo, Live"\n"Hex - Rain"\n').entries] == [
        "Echo, Live",
        "Rain",
    ]


def test_a_column_full_of_addresses_is_the_uri_whatever_it_is_called() -> None:
    text = f"Chanson,Interpret,Adresse\nEcho,Vela,{URIS[0]}\nGlass,Hex,https://open.spotify.com/track/{IDS[1]}\n"
    assert [entry.uri for entry in one("a.csv", text).entries] == URIS[:2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Title,Artist\n"Weird,Vela\nEcho,Hex\n', "line 2: a quote that opens here is not closed"),
        ("Title,Artist\nEcho,Vela\nStatic, Thunder,Vela\n", "line 3: 3 fields where the header has 2"),
        ("Artist,Album\nVela,Low\n", "no column track_uri or track_name (it has 'Artist', 'Album')"),
        ("a,b\n1,2\n", "no column track_uri or track_name (it has 'a', 'b')"),
        ("", "is empty"),
    ],
)
def test_tables_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read("a.csv", text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("a.csv")


# JSON -----------------------------------------------------------------------------------------------------------------


def account(name: str, *tracks: dict[str, Any] | None) -> dict[str, Any]:
    return {"name": name, "lastModifiedDate": "2024-01-01", "items": list(tracks)}


def account_item(number: int) -> dict[str, Any]:
    track = {"trackName": f"T{number}", "artistName": "Vela", "albumName": "Low", "trackUri": URIS[number]}
    return {"track": track, "episode": None, "localTrack": None, "addedDate": "2024-01-01"}


def test_account_data_of_spotify() -> None:
    episode = {"track": None, "episode": {"episodeName": "Talk"}, "localTrack": None}
    local = {"track": None, "episode": None, "localTrack": {"uri": "spotify:local:a:b:c:1"}}
    nothing = {"track": None, "episode": None, "localTrack": None}
    rainy = account("rainy", account_item(0), episode, local, nothing, None, account_item(1))
    found = read("Playlist1.json", {"playlists": [rainy, account("gym", account_item(2)), account("empty")]})
    assert [(playlist.title, [entry.uri for entry in playlist.entries]) for playlist in found] == [
        ("rainy", URIS[:2]),
        ("gym", [URIS[2]]),
        ("empty", []),
    ]
    assert found[0].left_out == {EPISODE: 1, LOCAL: 1, NOTHING: 2}
    assert found[0].entries[0] == Entry(URIS[0], "T0", "Vela", album="Low", first_artist="Vela")


def test_library_of_spotify() -> None:
    tracks = [{"artist": "Vela", "album": "Low", "track": "Echo", "uri": URIS[0]}]
    rest = {"albums": [{"artist": "Vela"}], "shows": [], "episodes": [{"name": "Talk"}], "bannedTracks": []}
    playlist = one("YourLibrary.json", {"tracks": tracks, **rest})
    assert (playlist.title, brief(playlist), playlist.left_out) == (None, [(URIS[0], "Echo", "Vela")], {EPISODE: 1})


def test_streaming_history_of_spotify() -> None:
    plays = [
        {"endTime": "2024-01-01 10:00", "artistName": "Vela", "trackName": "Echo", "msPlayed": 200_000},
        {"endTime": "2024-01-01 10:01", "artistName": "Hex", "trackName": "Glass", "msPlayed": 4_000},
        {"endTime": "2024-01-01 10:05", "podcastName": "Talk", "episodeName": "One", "msPlayed": 400_000},
    ]
    playlist = one("StreamingHistory_music_0.json", plays)
    assert (brief(playlist), playlist.left_out) == ([(None, "Echo", "Vela")], {SHORT: 1, EPISODE: 1})
    play = {
        "ts": "2024-01-01T10:00:00Z",
        "ms_played": 200_000,
        "master_metadata_track_name": "Echo",
        "master_metadata_album_artist_name": "Vela",
        "master_metadata_album_album_name": "Low",
        "spotify_track_uri": URIS[0],
        "episode_name": None,
        "spotify_episode_uri": None,
    }
    talk = {**play, "master_metadata_track_name": None, "spotify_track_uri": None, "episode_name": "One"}
    playlist = one("Streaming_History_Audio_2024_1.json", [play, talk])
    assert (brief(playlist), playlist.left_out) == ([(URIS[0], "Echo", "Vela")], {EPISODE: 1})


def test_history_of_youtube_music() -> None:
    heard = {
        "header": "YouTube Music",
        "title": "Watched Echo",
        "titleUrl": "https://music.youtube.com/watch?v=abc_-1",
        "subtitles": [{"name": "Vela - Topic", "url": "…"}],
        "time": "2024",
    }
    playlist = one("watch-history.json", [heard, {**heard, "header": "YouTube"}, {**heard, "subtitles": None}])
    assert brief(playlist) == [("youtube:video:abc_-1", "Echo", "Vela"), ("youtube:video:abc_-1", "Echo", None)]
    assert playlist.left_out == {OTHER: 1}


def api_item(number: int, **more: Any) -> dict[str, Any]:
    track = {
        "id": IDS[number],
        "uri": URIS[number],
        "type": "track",
        "name": f"T{number}",
        "artists": [{"name": "Vela", "uri": "spotify:artist:1"}, {"name": "Hex", "uri": "spotify:artist:2"}],
        "album": {"name": "Low", "uri": "spotify:album:1"},
        "duration_ms": 1000,
        "external_ids": {"isrc": f"USAB1230000{number}"},
    }
    return {"added_at": "2024", "is_local": False, "track": {**track, **more}}


def test_web_api_of_spotify() -> None:
    items = [api_item(0), {"track": None}, api_item(1, is_local=True), api_item(2, type="episode"), api_item(3)]
    tracks = {"href": "https://api.spotify.com/v1/x", "items": items, "total": 105, "next": "…"}
    entry = Entry(
        *(URIS[0], "T0", "Vela; Hex", "spotify:artist:1"),
        album="Low",
        album_uri="spotify:album:1",
        isrc="USAB12300000",
        duration_ms=1000,
        first_artist="Vela",
    )
    playlist = one("a.json", {"name": "rainy", "type": "playlist", "uri": "spotify:playlist:1", "tracks": tracks})
    assert (playlist.title, playlist.entries[0]) == ("rainy", entry)
    assert [entry.uri for entry in playlist.entries] == [URIS[0], URIS[3]]
    assert playlist.left_out == {NOTHING: 1, LOCAL: 1, EPISODE: 1, PAGE: 100}
    several = read("a.json", [{"name": n, "tracks": {"items": [api_item(i)]}} for i, n in enumerate("ab")])
    assert [(found.title, found.entries[0].uri) for found in several] == [("a", URIS[0]), ("b", URIS[1])]
    pages = [{"href": "h", "items": [api_item(i)], "offset": i, "total": 2, "next": None} for i in range(2)]
    assert [entry.uri for entry in one("saved.json", pages).entries] == URIS[:2]
    assert one("saved.json", pages).left_out == {}
    assert one("saved.json", pages[:1]).left_out == {PAGE: 1}
    newer = {"name": "rainy", "items": {"items": [{"item": api_item(0)["track"]}]}}
    assert one("a.json", newer).entries[0] == entry


def test_spotify_backup() -> None:
    backup = [
        {"name": "Liked Songs", "tracks": [api_item(0), {"track": None}]},
        {"name": "gym", "tracks": [api_item(1)]},
    ]
    liked, gym = read("backup.json", backup)
    assert (liked.title, len(liked.entries), liked.left_out) == ("Liked Songs", 1, {NOTHING: 1})
    assert (gym.title, gym.entries[0].uri) == ("gym", URIS[1])
    text = f"Liked Songs\r\nEcho\tVela, Hex\tLow\t{URIS[0]}\t2020\r\n\r\ngym\r\nGlass\tHex\tLow\t{URIS[1]}\t2020\r\n"
    text += "Demo\tVela\tLow\tspotify:local:Vela:Low:Demo:1\t\r\n\r\nempty\r\n\r\n"
    liked, gym, empty = read("backup.txt", text)
    assert (liked.title, brief(liked)) == ("Liked Songs", [(URIS[0], "Echo", "Vela, Hex")])
    assert (gym.title, brief(gym), gym.left_out) == ("gym", [(URIS[1], "Glass", "Hex")], {LOCAL: 1})
    assert (empty.title, empty.entries) == ("empty", [])


def test_spotdl() -> None:
    def song(number: int, name: str | None, position: int) -> dict[str, Any]:
        return {
            "name": f"T{number}",
            "artists": ["Vela", "Hex"],
            "artist": "Vela",
            "album_name": "Low",
            "song_id": IDS[number],
            "url": f"https://open.spotify.com/track/{IDS[number]}",
            "isrc": "USAB12300001",
            "list_name": name,
            "list_position": position,
        }

    rainy, gym = read("a.spotdl", [song(0, "rainy", 2), song(1, "gym", 1), song(2, "rainy", 1)])
    assert (rainy.title, [entry.uri for entry in rainy.entries]) == ("rainy", [URIS[2], URIS[0]])
    assert (gym.title, gym.entries[0].name, gym.entries[0].isrc) == ("gym", "T1", "USAB12300001")
    synced = {"type": "sync", "query": ["…"], "songs": [song(0, None, 1)]}
    assert [entry.uri for entry in one("a.spotdl", synced).entries] == [URIS[0]]


def test_jspf_of_listenbrainz() -> None:
    recording = "https://musicbrainz.org/recording/0b1e2a3c-0000-4000-8000-123456789abc"
    tracks = [
        {"title": "Echo", "creator": "Vela", "album": "Low", "identifier": [recording], "duration": 1000},
        {"title": "Glass", "creator": "Hex", "identifier": f"https://open.spotify.com/track/{IDS[1]}"},
        {"title": "Amber", "creator": "Hex", "location": ["file:///m/Amber.mp3"]},
    ]
    playlist = one("rainy.jspf", {"playlist": {"title": "rainy", "track": tracks}})
    assert playlist.title == "rainy"
    assert brief(playlist) == [
        (recording.replace("https://musicbrainz.org/recording/", "musicbrainz:recording:"), "Echo", "Vela"),
        (URIS[1], "Glass", "Hex"),
        ("file:///m/Amber.mp3", "Amber", "Hex"),
    ]
    several = {
        "playlists": [{"playlist": {"title": "a", "track": tracks[:1]}}, {"playlist": {"title": "b", "track": []}}]
    }
    assert [found.title for found in read("all.json", several)] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        *(URIS[0], IDS[0], f"SPOTIFY:TRACK:{IDS[0]}", f"open.spotify.com/track/{IDS[0]}"),
        *(f"https://open.spotify.com/intl-pt/track/{IDS[0]}?si=1", f"http://play.spotify.com/track/{IDS[0]}"),
        f"https://open.spotify.com/embed/track/{IDS[0]}",
    ],
)
def test_addresses_are_read_alike_everywhere(text: str) -> None:
    for name, content in {
        "a.json": json.dumps([text]),
        "b.json": json.dumps({"tracks": [{"id": text}]}),
        "a.csv": f"Spotify ID\n{text}\n",
        "b.csv": f"Title,Link\nEcho,{text}\n",
        "c.csv": f"{text}\n{text}\n",
        "a.txt": f"{text}\n",
        "a.m3u": f"#EXTM3U\n{text}\n",
        "a.pls": f"[playlist]\nFile1={text}\n",
        "a.xspf": f"<playlist><trackList><track><location>{text}</location></track></trackList></playlist>",
    }.items():
        assert one(name, content).entries[0].uri == URIS[0], name


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.csv", "a.m3u"])
def test_lists_of_addresses_without_their_episodes(name: str) -> None:
    texts = [URIS[0], "spotify:episode:1", "https://open.spotify.com/episode/2", "spotify:local:a:b:c:1"]
    playlist = one(name, json.dumps(texts) if name.endswith("json") else "\n".join(texts))
    assert (len(playlist.entries), playlist.left_out) == (1, {EPISODE: 2, LOCAL: 1})


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.json", {"username": "me"}, NotPlaylists),
        ("a.json", {"playlists": []}, NotPlaylists),
        ("a.json", [{"searchTime": "2024", "searchQuery": "echo"}], NotPlaylists),
        ("a.json", 7, NotPlaylists),
        ("a.json", "[1,", DataError),
        ("a.json", "[" * 100_000, DataError),
        ("a.mp3", b"", NotPlaylists),
    ],
)
def test_json_that_is_no_playlist(name: str, content: Any, error: type[Exception]) -> None:
    with pytest.raises(DataError, match=r"a\.(json|mp3)") as caught:
        read(name, content)
    assert type(caught.value) is error


# Players --------------------------------------------------------------------------------------------------------------


def test_m3u_variants() -> None:
    text = (
        "#EXTM3U\n#PLAYLIST:Rainy Sunday\n#EXTINF:-1 Vela - Echo\n0.mp3\n"
        '#EXTINF:200 tvg-id="x" group-title="y",Hex - Glass, Part 2\nsome/path.flac\n'
        "#EXTINF:-1,Vela - Named Only\n#EXTINF:180.5,Hex - Last Named\n"
    )
    playlist = one("a.m3u8", text)
    assert playlist.title == "Rainy Sunday"
    assert [(entry.artist, entry.name) for entry in playlist.entries] == [
        *(("Vela", "Echo"), ("Hex", "Glass, Part 2"), ("Vela", "Named Only"), ("Hex", "Last Named"))
    ]
    paths = "../Zo%C3%AB%20%26%20The%20Kites%20-%20Don%27t.mp3\n01%20-%20Echo.flac\n100%25%20Amber.ogg\n"
    paths += "50% Glass.mp3\n7 Rings.mp3\n"
    assert [(entry.artist, entry.name) for entry in one("a.m3u", paths).entries] == [
        *(("Zoë & The Kites", "Don't"), (None, "Echo"), (None, "100% Amber"), (None, "50% Glass"), (None, "7 Rings"))
    ]
    assert one("a.m3u", "#EXTM3U\r\n").entries == []
    assert brief(one("a.txt", f"#EXTM3U\n{URIS[0]}\n")) == [(URIS[0], None, None)]


def test_pls() -> None:
    text = "[playlist]\r\nFile2=b.mp3\r\nTitle2=Hex - Glass\r\nFile1=Vela%20-%20Echo.mp3\r\nLength1=-1\r\n"
    assert [(entry.artist, entry.name) for entry in one("a.pls", text).entries] == [("Vela", "Echo"), ("Hex", "Glass")]


XSPF = """<?xml version="1.0" encoding="{codec}"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Rainy &amp; grey</title><trackList>
<track><location>file:///m/Zoë.mp3</location><title>Écho</title><creator>Zoë</creator><duration>1000</duration></track>
<track><location>file:///m/x.mp3</location><identifier>{uri}</identifier><title>Glass</title></track>
<track><location>file:///m/Vela%20-%20Amber.mp3</location></track>
<track></track></trackList></playlist>"""


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1"])
def test_xspf(codec: str) -> None:
    playlist = one("a.xspf", XSPF.format(codec=codec, uri=URIS[0]).encode(codec))
    assert playlist.title == "Rainy & grey"
    assert brief(playlist) == [
        ("file:///m/Zoë.mp3", "Écho", "Zoë"),
        (URIS[0], "Glass", None),
        ("file:///m/Vela%20-%20Amber.mp3", "Amber", "Vela"),
    ]
    assert playlist.left_out == {NOTHING: 1}


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_library_of_itunes(form: plistlib.PlistFormat) -> None:
    tracks = {
        "11": {
            "Track ID": 11,
            "Name": "Echo",
            "Artist": "Vela",
            "Album": "Low",
            "Total Time": 1000,
            "Location": "file:///x",
        },
        "12": {"Track ID": 12, "Name": "Talk", "Podcast": True},
        "13": {"Track ID": 13, "Name": "Film", "Movie": True},
    }
    items = [{"Track ID": number} for number in (11, 12, 13, 14, 11)]
    playlists = [
        {"Name": "Library", "Master": True, "Playlist Items": items},
        {"Name": "Music", "Distinguished Kind": 4, "Playlist Items": items},
        {"Name": "A folder", "Folder": True, "Playlist Items": items},
        {"Name": "rainy", "Playlist Items": items},
        {"Name": "empty"},
    ]
    content = plistlib.dumps({"Major Version": 1, "Tracks": tracks, "Playlists": playlists}, fmt=form)
    rainy, empty = read("Library.xml", content)
    assert (rainy.title, brief(rainy)) == ("rainy", [(None, "Echo", "Vela")] * 2)
    assert (rainy.left_out, rainy.entries[0].duration_ms) == ({EPISODE: 1, OTHER: 1, NOTHING: 1}, 1000)
    assert (empty.title, empty.entries) == ("empty", [])


def test_collection_of_rekordbox() -> None:
    text = f"""<?xml version="1.0" encoding="UTF-8"?><DJ_PLAYLISTS Version="1.0.0"><COLLECTION Entries="2">
    <TRACK TrackID="1" Name="Echo" Artist="Vela" Album="Low" TotalTime="200" Location="file://localhost/C:/m/Echo.mp3"/>
    <TRACK TrackID="2" Name="Glass" Artist="Hex" Location="file://localhost{URIS[0]}"/></COLLECTION>
    <PLAYLISTS><NODE Type="0" Name="ROOT" Count="1"><NODE Type="0" Name="sets">
    <NODE Name="rainy" Type="1" KeyType="0" Entries="3"><TRACK Key="2"/><TRACK Key="1"/><TRACK Key="9"/></NODE></NODE>
    <NODE Name="by place" Type="1" KeyType="1"><TRACK Key="file://localhost/C:/m/Echo.mp3"/></NODE></NODE></PLAYLISTS>
    </DJ_PLAYLISTS>"""
    rainy, by_place = read("rekordbox.xml", text)
    assert (rainy.title, brief(rainy)) == ("rainy", [(URIS[0], "Glass", "Hex"), (None, "Echo", "Vela")])
    assert (rainy.left_out, rainy.entries[1].duration_ms) == ({NOTHING: 1}, 200_000)
    assert (by_place.title, brief(by_place)) == ("by place", [(None, "Echo", "Vela")])


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.xspf", f"<?xml version='1.0'?>{BOMB}<playlist><title>&b;</title></playlist>", "declares XML entities"),
        ("a.xml", f"<?xml version='1.0'?>{BOMB}<plist><dict/></plist>", "declares XML entities"),
        ("a.xml", f"<?xml version='1.0'?>{BOMB}<DJ_PLAYLISTS/>", "declares XML entities"),
        ("a.xspf", "<playlist>\n<track>", "line 2: it is not XML"),
        ("a.xml", "<plist><dict>\n<key>", "line 2: it is not XML"),
        ("a.xml", "<plist><dict><key>Tracks</key></dict></plist>", "a.xml is"),
        ("a.xml", "<plist><dict/></plist>", "not a library of music"),
        ("a.xml", "<rss/>", "neither XSPF nor a library"),
        ("a.xml", "", "a.xml, line 1"),
        ("a.xspf", "<?xml version='1.0' encoding='klingon'?><playlist/>", "a.xspf"),
    ],
)
def test_xml_that_is_not_read(name: str, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(name, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
