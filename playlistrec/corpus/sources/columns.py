"""The names that columns of tables have, ours first: of entries, of tracks, of playlists."""

from __future__ import annotations

from .csv_file import Names
from .mpd_slice import PLAYLIST_SCHEMA

__all__ = ["ENTRIES", "OF_A_USER", "PID", "PLAYLISTS", "TRACKS", "URI", "WEIGHT"]

OF_A_LIST = ("playlist_id", "pid", "playlist", "list_id", "mix_id")
OF_A_USER = ("session_id", "user_id", "userid", "uid", "user", "user_procid")
PID = (*OF_A_LIST, *OF_A_USER)
WEIGHT = ("weight", "rating", "count", "play_count", "playcount", "plays", "listens")
URI = (
    *("track_id", "track_uri", "track", "uri", "track_id_clean", "spotify_id"),
    *("song_id", "song_uri", "song", "item_id", "item", "item_procid"),
)
OF_A_TRACK: Names = {
    "artist_uri": ("artist_id", "artist_uri"),
    "artist_name": ("artist_name", "artist"),
    "album_uri": ("album_id", "album_uri"),
    "album_name": ("album_name", "album"),
    "isrc": ("isrc",),
    "duration_ms": ("duration_ms", "track_duration_ms"),
    "duration_sec": ("duration_sec",),
}
ENTRIES: Names = {
    "pid": PID,
    "uri": URI,
    "pos": (
        "pos",
        "position",
        "track_position",
        "track_pos",
        "session_position",
        "playlist_position",
        "order",
        "index",
    ),
    "time": ("timestamp", "time", "added_at", "date_added", "added_date", "played_at", "datetime", "date", "ts"),
    "weight": WEIGHT,
    "playlist_name": ("playlist_name", "playlist_title", "name", "title"),
    "name": ("track_name", "track_title", "song_name", "song_title"),
    **OF_A_TRACK,
}
TRACKS: Names = {"uri": URI, "name": ("track_name", "name", "title"), **OF_A_TRACK}
PLAYLISTS: Names = {
    "pid": PID,
    **{name: (name,) for name in PLAYLIST_SCHEMA.names},
    "name": ("playlist_name", "name", "title"),
}
