"""Addresses of tracks: the many ways to write one, as one uri."""

from __future__ import annotations

import re

__all__ = ["is_episode", "is_local", "is_other", "spellings", "spotify_id", "track_uri"]

WAYS = (
    (r"spotify:track:(\w+)", "spotify:track:"),
    (r"(?:https?://)?(?:open|play|embed)\.spotify\.com/(?:[\w-]+/)*track/(\w+)", "spotify:track:"),
    (r"(?:https?://)?(?:www\.)?deezer\.com/(?:[\w-]+/)*track/(\d+)", "deezer:track:"),
    (r"(?:https?://)?(?:listen\.)?(?:www\.)?tidal\.com/(?:[\w-]+/)*track/(\d+)", "tidal:track:"),
    (r"(?:https?://)?(?:www\.|music\.|m\.)?youtube\.com/watch\?(?:[^#]*&)?v=([\w-]+)", "youtube:video:"),
    (r"(?:https?://)?youtu\.be/([\w-]+)", "youtube:video:"),
    (r"(?:https?://)?music\.apple\.com/\S*[?&]i=(\d+)", "apple:track:"),
    (r"(?:https?://)?music\.apple\.com/(?:[\w-]+/)*song/(?:[^/?#]+/)?(\d+)", "apple:track:"),
    (r"(?:https?://)?(?:www\.)?musicbrainz\.org/recording/([0-9a-f-]{36})", "musicbrainz:recording:"),
)
PATTERNS = tuple((re.compile(pattern + r"(?![\w])", re.IGNORECASE), prefix) for pattern, prefix in WAYS)

KIND = r"(?:https?://)?(?:(?:open|play|embed)\.spotify\.com/(?:[\w-]+/)*|spotify:(?:user:[^:]+:)?)"
EPISODE = re.compile(KIND + r"(?:episode|show)[:/]", re.IGNORECASE)
LOCAL = re.compile(r"(?:https?://open\.spotify\.com/|spotify:)local[:/]", re.IGNORECASE)
OTHER = re.compile(KIND + r"(?:album|artist|playlist|user|audiobook|chapter|concert)[:/]", re.IGNORECASE)
BARE = re.compile("[0-9A-Za-z]{22}")
NO_WORD = re.compile("[0-9]|[a-z][A-Z]")
"""Characters that an id of Spotify has and a word has not: one in fifty ids has no digit, and none is written as a
word is."""


def track_uri(text: str) -> str | None:
    """The uri of a track that a text gives as a uri, an address or a bare id of Spotify; None where it gives none.

    >>> track_uri("open.spotify.com/intl-de/track/4uLU6hMCjMI75M1A2tKUQC?si=1")
    'spotify:track:4uLU6hMCjMI75M1A2tKUQC'
    >>> track_uri("SPOTIFY:TRACK:4uLU6hMCjMI75M1A2tKUQC") == track_uri(" 4uLU6hMCjMI75M1A2tKUQC ")
    True
    >>> track_uri("https://youtu.be/abc-_123"), track_uri("Golden Velvet")
    ('youtube:video:abc-_123', None)
    """
    text = text.strip()
    if ":" not in text and "/" not in text:  # as most fields of a table
        return f"spotify:track:{text}" if spotify_id(text) else None
    return next((prefix + found[1] for pattern, prefix in PATTERNS if (found := pattern.match(text))), None)


def spellings(text: str) -> tuple[str, ...]:
    """The other ways in which data may spell the uri that a text gives: with its scheme, and as a bare id.

    >>> spellings("open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC")
    ('spotify:track:4uLU6hMCjMI75M1A2tKUQC', '4uLU6hMCjMI75M1A2tKUQC')
    """
    uri = track_uri(text)
    return () if uri is None else (uri, uri.rpartition(":")[2])


def spotify_id(text: str) -> bool:
    """True for a bare id of Spotify: 22 letters and digits that are no word.

    >>> spotify_id("4uLU6hMCjMI75M1A2tKUQC"), spotify_id("Floccinaucinihilipilif")
    (True, False)
    """
    return bool(BARE.fullmatch(text) and NO_WORD.search(text))


def is_episode(text: str) -> bool:
    """True for the address of an episode or a show."""
    return bool(EPISODE.match(text.strip()))


def is_local(text: str) -> bool:
    """True for what Spotify calls a file on one's own disk: nobody else has it."""
    return bool(LOCAL.match(text.strip()))


def is_other(text: str) -> bool:
    """True for the address of an album, an artist, a playlist or a user."""
    return bool(OTHER.match(text.strip()))
