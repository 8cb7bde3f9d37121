"""Synthetic playlists in the format and in the likeness of the Million Playlist Dataset."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ...config import check_seed, require
from ...errors import DataError
from ...events import Event, OnEvent, ignore
from ...storage import add_files, write_file
from . import names
from .taste import (
    Drawn,
    Keys,
    album_of,
    artist_of,
    draw,
    draw_followers,
    draw_lengths,
)

__all__ = ["synthesize"]

PER_SLICE = 1000
MOST_PLAYLISTS, BYTES = 10**9, 33_000
"""How many at most, and what one takes on the disk."""
DAY = 86_400
FIRST_DAY, LAST_DAY = 14_610, 17_470
"""2010-01-01 and 2017-10-31, in days since 1970."""


def synthesize(out: Path, playlists: int, seed: int = 0, on_event: OnEvent = ignore) -> Path:
    """Write invented playlists as slices of the Million Playlist Dataset, and return the folder.

    Behind them stand hidden tastes, so that models differ. Any playlist depends on the seed and on
    its pid alone: the first thousand are the same however many follow, and the more there are, the more distinct
    tracks and artists, at the pace of the genuine dataset.

    Args:
        out: folder for ``mpd.slice.0-999.json``, …; made when missing. About 33 MB a thousand playlists.
        playlists: how many; the last slice is shorter when they are not whole thousands.
        on_event: receives ``"progress"`` after each slice.

    Raises ConfigError for fewer than one playlist or a negative seed, and DataError when the folder already holds
    slices or cannot be written; then nothing is left in it.
    """
    require(playlists >= 1, "playlists", "at least 1", playlists)
    require(playlists <= MOST_PLAYLISTS, "playlists", f"at most {MOST_PLAYLISTS:,}", playlists)
    require(seed >= 0, "seed", "at least 0", seed)
    check_seed(seed)
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    free, needed = shutil.disk_usage(place).free, playlists * BYTES
    if needed > free:
        raise DataError(f"{out} has room for {free / 1e9:,.1f} GB: {playlists:,} playlists take {needed / 1e9:,.1f} GB")
    _check_empty(out)

    def write(folder: Path) -> None:
        _check_empty(out)  # nobody else has been here meanwhile
        for first in range(0, playlists, PER_SLICE):
            last = min(first + PER_SLICE, playlists) - 1
            write_file(folder / f"mpd.slice.{first}-{last}.json", _slice(first, last, seed), DataError)
            on_event(Event("progress", data={"done": last + 1, "total": playlists}))

    add_files(out, write)
    return out


def _check_empty(out: Path) -> None:
    if next(out.glob("mpd.slice.*"), None):
        raise DataError(f"{out} already holds slices; choose another folder")


def _slice(first: int, last: int, seed: int) -> bytes:
    """The file with playlists ``first`` to ``last`` (inclusive); drawn whole even where it is cut short."""
    random = np.random.Generator(np.random.PCG64([seed, first]))
    followers = draw_followers(PER_SLICE, random)
    drawn = draw(draw_lengths(followers, random), random)
    playlists = _playlists(first, drawn, followers, seed, random)
    content = {
        "info": {"generated_on": "2017-11-01 00:00:00", "slice": f"{first}-{last}", "version": "v1"},
        "playlists": playlists[: last - first + 1],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=4)


def _playlists(
    first: int, drawn: Drawn, followers: Keys, seed: int, random: np.random.Generator
) -> list[dict[str, Any]]:
    ends = np.cumsum(drawn.lengths)
    tracks, of_entry = np.unique(drawn.track, return_inverse=True)
    table = _tracks(tracks, seed)
    rows = of_entry.tolist()
    entries = [
        [_Entry(pos, *table[row]) for pos, row in enumerate(rows[end - length : end])]
        for end, length in zip(ends.tolist(), drawn.lengths.tolist())
    ]
    titles = names.playlist_titles(drawn.genre, [own[0].artist_name for own in entries], random)
    dice = random.random((4, len(entries)))
    days = FIRST_DAY + (LAST_DAY - FIRST_DAY) * (1 - dice[0] ** 3)  # half of them in the last year
    edits = 1 + (drawn.lengths * dice[1] ** 2).astype(np.int64)
    playlists = []
    for i, own in enumerate(entries):
        description = {"description": f"{titles[i].strip()}, from {own[0].artist_name} on"}
        playlists.append(
            {
                "name": titles[i],
                "collaborative": "true" if dice[2, i] < 0.023 else "false",
                "pid": first + i,
                "modified_at": int(days[i]) * DAY,
                **(description if dice[3, i] < 0.02 else {}),
                "num_tracks": len(own),
                "num_albums": len({entry.album_uri for entry in own}),
                "num_followers": int(followers[i]),
                "tracks": own,
                "num_edits": int(edits[i]),
                "duration_ms": sum(entry.duration_ms for entry in own),
                "num_artists": len({entry.artist_uri for entry in own}),
            }
        )
    return playlists


class _Entry(msgspec.Struct, gc=False):
    pos: int
    artist_name: str
    track_uri: str
    artist_uri: str
    track_name: str
    album_uri: str
    duration_ms: int
    album_name: str


def _tracks(tracks: Keys, seed: int) -> list[tuple[Any, ...]]:
    """The fields of an entry after its position, for each of the distinct tracks (n,)."""
    artists, of_track = np.unique(artist_of(tracks), return_inverse=True)
    albums = album_of(tracks)
    artist_names, artist_uris = names.artist_names(artists, seed), names.uris("artist", artists, seed)
    return list(
        zip(
            [artist_names[row] for row in of_track.tolist()],
            names.uris("track", tracks, seed),
            [artist_uris[row] for row in of_track.tolist()],
            names.track_names(tracks, seed),
            names.uris("album", albums, seed),
            names.durations_ms(tracks, seed),
            names.album_names(albums, seed),
        )
    )
