"""Playlists as JSON: account data and Web API of Spotify, spotify-backup, spotDL, JSPF, and plain lists of tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ....errors import DataError
from ..decoding import Source
from .addresses import track_uri
from .columns import our_name
from .entry import EPISODE, LOCAL, NOTHING, OTHER, PAGE, SHORT, Entry, ListedPlaylist, as_text, gathered
from .media_names import entry_of
from .not_playlists import NotPlaylists

__all__ = ["read_json"]

Object = Mapping[str, Any]

LISTS = ("tracks", "items", "songs", "track", "trackList", "entries")
"""Where a playlist may keep its tracks."""
TITLES = ("name", "title", "playlist_name", "playlistName")
WRAPPED = ("track", "item")
"""Where an item may keep its track."""
KINDS = {"episode": EPISODE, "show": EPISODE, "album": OTHER, "artist": OTHER, "playlist": OTHER}
LEAST_PLAYED = 30_000
"""Milliseconds from which Spotify counts a play."""


def read_json(source: Source) -> list[ListedPlaylist]:
    """The playlists of a JSON file, in any of these shapes.

    - account data: ``{"playlists": [{"name", "items": [{"track": {"trackName", …} or null, …}]}]}``,
      ``{"tracks": [{"artist", "track", "uri"}]}``, ``[{"endTime", "artistName", "trackName", "msPlayed"}]``;
    - Web API: a playlist, a list of them, a page (``items``) or a list of pages, which is one playlist;
    - spotify-backup: a list of playlists whose ``tracks`` are a list;
    - history of YouTube Music: ``[{"header", "title", "titleUrl", "subtitles": [{"name"}]}]``;
    - spotDL: songs with a ``list_name``; JSPF: ``{"playlist": {"title", "track": […]}}``;
    - an object with a list called ``tracks``, or a list of uris, names or objects.

    Raises DataError where the file is no JSON, NotPlaylists where it has none of these shapes.
    """
    try:
        content = msgspec.json.decode(source.text())
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"{source.name} is not JSON: {str(error).rpartition(': ')[2]}") from None
    found = _playlists(content)
    if found is None or (content and all(_is_nothing(playlist) for playlist in found)):
        raise NotPlaylists(f"{source.name} must be a list of tracks or an object that has one called tracks")
    return found


def _is_nothing(playlist: ListedPlaylist) -> bool:
    """True where nothing tells that these are playlists at all."""
    return not playlist.entries and playlist.title is None and set(playlist.left_out) <= {NOTHING}


def _playlists(content: Any) -> list[ListedPlaylist] | None:
    if isinstance(content, list):
        return _of_list(content)
    if not isinstance(content, dict):
        return None
    inside = content.get("playlists")
    if isinstance(inside, dict):
        inside = inside.get("items")
    if isinstance(inside, list):
        return [_playlist(_unwrapped(one)) for one in inside if isinstance(one, dict)]
    content = _unwrapped(content)
    if _tracks(content) is None:
        return None
    songs = content.get("songs")
    if isinstance(songs, list) and (lists := _by_list_name(songs)):
        return lists
    return [_playlist(content)]


def _of_list(content: list[Any]) -> list[ListedPlaylist]:
    objects = [_unwrapped(one) for one in content if isinstance(one, dict)]
    holders = [one for one in objects if _tracks(one) is not None]
    if not holders:
        return _by_list_name(content) or [gathered(map(_entry, content))]
    if all(_title(one) is None for one in holders):
        return [_pages(holders)]
    return [_playlist(one) for one in holders]


def _unwrapped(content: Object) -> Object:
    inside = content.get("playlist")
    return inside if isinstance(inside, dict) and _tracks(inside) is not None else content


def _tracks(playlist: Object) -> list[Any] | None:
    """The items of a playlist; those that it only counts are none."""
    for name in LISTS:
        inside = playlist.get(name)
        if isinstance(inside, list):
            return inside
        if isinstance(inside, dict) and isinstance(listed := inside.get("items"), list):
            return listed
        if name == "tracks" and isinstance(inside, dict) and "total" in inside:
            return []
    return None


def _playlist(playlist: Object) -> ListedPlaylist:
    found = gathered(map(_entry, _tracks(playlist) or []), _title(playlist))
    inside = playlist.get("tracks")
    page = inside if isinstance(inside, dict) else playlist
    _count_missing(found.left_out, [page], len(_tracks(playlist) or []))
    if isinstance(episodes := playlist.get("episodes"), list):
        found.left_out[EPISODE] += len(episodes)
    return ListedPlaylist(found.entries, found.title, +found.left_out)


def _pages(pages: Sequence[Object]) -> ListedPlaylist:
    items = [item for page in pages for item in _tracks(page) or []]
    found = gathered(map(_entry, items))
    _count_missing(found.left_out, pages, len(items))
    return found


def _count_missing(left_out: Counter[str], pages: Sequence[Object], n: int) -> None:
    """Count the items that pages of the Web API speak of and do not hold."""
    totals = [page["total"] for page in pages if isinstance(page.get("total"), int) and "href" in page]
    if totals and max(totals) > n:
        left_out[PAGE] += max(totals) - n


def _title(playlist: Object) -> str | None:
    return next((text for name in TITLES if (text := as_text(playlist.get(name)))), None)


def _by_list_name(songs: Sequence[Any]) -> list[ListedPlaylist]:
    """One playlist for each ``list_name`` of songs, in the order of their ``list_position``; none without names."""
    lists: dict[str, list[Object]] = {}
    for song in songs:
        if isinstance(song, dict):
            lists.setdefault(as_text(song.get("list_name") or song.get("playlist_name")), []).append(song)
    if not any(lists):
        return []
    for listed in lists.values():
        places = [song.get("list_position") for song in listed]
        if all(isinstance(place, int) for place in places):
            listed.sort(key=lambda song: int(song["list_position"]))
    return [gathered(map(_entry, listed), name or None) for name, listed in lists.items()]


def _entry(item: Any) -> Entry | str:
    if isinstance(item, str) and item.strip():
        return entry_of(item.strip())
    if not isinstance(item, dict):
        return NOTHING
    inside: Object = item
    for name in WRAPPED:
        if isinstance(wrapped := item.get(name), dict):
            inside = wrapped
        elif name in item and wrapped is None:
            return _why_none(item)
    if "titleUrl" in item:
        return _watched(item)
    played = item.get("msPlayed", item.get("ms_played", LEAST_PLAYED))
    if not isinstance(played, int) or played < LEAST_PLAYED:
        return SHORT
    if item.get("is_local") is True or inside.get("is_local") is True:
        return LOCAL
    if isinstance(kind := inside.get("type"), str) and kind in KINDS:
        return KINDS[kind]
    entry = Entry.from_fields(_flat(inside))
    return _why_none(item) if entry == NOTHING else entry


def _watched(item: Object) -> Entry | str:
    """An entry of the history of YouTube Music, which Google Takeout mixes with that of YouTube."""
    if item.get("header") != "YouTube Music":
        return OTHER
    channels = item.get("subtitles")
    channel = (
        channels[0].get("name") if isinstance(channels, list) and channels and isinstance(channels[0], dict) else None
    )
    found = {
        "uri": as_text(item.get("titleUrl")),
        "name": as_text(item.get("title")).removeprefix("Watched "),
        "artist": as_text(channel).removesuffix(" - Topic"),
    }
    return Entry.from_known({ours: text for ours, text in found.items() if text})


def _why_none(item: Object) -> str:
    """Why an item without a track has none."""
    episode = ("episode", "episode_name", "episodeName", "spotify_episode_uri")
    if any(item.get(name) for name in episode):
        return EPISODE
    return LOCAL if item.get("localTrack") else NOTHING


def _flat(track: Object) -> dict[str, object]:
    """The fields of a track as texts: names in place of objects, the best of several addresses."""
    fields = dict(track)
    if isinstance(codes := track.get("external_ids"), dict):
        fields.setdefault("isrc", codes.get("isrc"))
    if isinstance(urls := track.get("external_urls"), dict):
        fields.setdefault("spotify_url", urls.get("spotify"))
    for name, value in track.items():
        if isinstance(value, dict):
            fields[name] = value.get("name") or value.get("title")
            if (ours := our_name(name)) in ("artist", "album"):
                fields.setdefault(f"{ours}_uri", value.get("uri") or value.get("id"))
        elif isinstance(value, list) and our_name(name) == "artist":
            named = [one if isinstance(one, dict) else {"name": one} for one in value]
            fields[name] = "; ".join(filter(None, (as_text(one.get("name")) for one in named)))
            uris = [as_text(one.get("uri")) for one in named]
            if all(uris):
                fields.setdefault("artist_uri", ";".join(uris))
        elif isinstance(value, list):
            texts = [one for one in value if isinstance(one, str)]
            fields[name] = next((one for one in texts if track_uri(one)), texts[0] if texts else None)
    return fields
