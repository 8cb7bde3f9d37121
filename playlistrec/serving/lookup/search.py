"""Finding the track a person names: by uri, by title, by artist and title, or by something spelt much like it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...corpus.corpus import Corpus
from ...corpus.songs import Songs
from ...corpus.track_names import artist_keys, title_keys
from ...errors import DataError
from .named import NamedTrack, find_named
from .names import NameIndex, name_keys
from .near import clearly, same_numbers
from .seeds import track_rows

__all__ = ["Match", "TrackIndex"]

SHOWN = 5
"""Tracks that an error message lists."""

NAMED = SHOWN + 1
"""Songs that are looked at for it."""

NEAREST = 60.0
"""Likeness of the titles that an error message lists."""

JOINT = re.compile(r"\s+[-\u2010-\u2015|]\s+|\s*:\s+|\s+by\s+")
"""Separators between an artist and a title, or a title and an artist."""

WORDS = 12
"""Words of a text that is tried as artist and title wherever it can be parted."""


@dataclass(frozen=True)
class Match:
    """The track that was found.

    Attributes:
        track: its row in the corpus.
        fuzzy: True if the text was only like its name, so that the match should be shown.
    """

    track: int
    fuzzy: bool = False


class TrackIndex:
    """Finds tracks by uri or name, blind to accents, case, punctuation, spaces, guests and versions.

    Tracks that are one song (see :class:`~playlistrec.corpus.songs.Songs`) are taken for one: the one that is called
    so in full, or else the most popular. An artist that the text names is never crossed.

    Args:
        corpus: only its tables are read when ``popularity`` is given.
        popularity: (n_tracks,) what makes one track more likely meant than another; None: its entries in
            ``corpus`` (hand in a corpus without the hidden ones where that matters).
        songs: the keys of its names; None: made when they are first needed.

    >>> table = pa.table({"uri": ["t:1", "t:2"], "name": ["Déjà Vu", "Vu"], "artist": pa.array([0, 0], pa.int32())})
    >>> artists = pa.table({"uri": ["a:1"], "name": ["Zoë"]})
    >>> playlists = pa.table({"pid": ["0"]})
    >>> corpus = Corpus(np.array([0, 1]), np.array([0], np.int32), playlists, table, artists)
    >>> TrackIndex(corpus).find("zoe - deja vu")
    Match(track=0, fuzzy=False)
    """

    def __init__(
        self, corpus: Corpus, popularity: npt.NDArray[np.generic] | None = None, songs: Songs | None = None
    ) -> None:
        self.corpus, self._songs = corpus, songs
        self.popularity = np.bincount(corpus.tracks, minlength=corpus.n_tracks) if popularity is None else popularity

    def find(self, text: str) -> Match:
        """The track called ``text``: its uri, title, "artist title" or "title artist", however joined.

        Raises:
            DataError: nothing has this name or is clearly the one meant, or tracks by several artists have it.
        """
        found = self.find_all([text])[0]
        if isinstance(found, DataError):
            raise found
        return found

    def find_all(self, texts: Sequence[str]) -> list[Match | DataError]:
        """:meth:`find` for many texts at once, with the errors in place of what is not found."""
        found: list[Match | DataError] = []
        rows = track_rows(self.corpus, [text.strip() for text in texts]).tolist()
        left = [text for text, row in zip(texts, rows) if row < 0 and text.strip()]
        called = iter(self._called(left) if self.has_names else ())
        for text, row in zip(texts, rows):
            if not text.strip():
                found.append(DataError("the name of a track must not be empty"))
            elif row >= 0:
                found.append(Match(row))
            elif not self.has_names:
                found.append(DataError(f"no track has the uri {text!r}, and this data has no names to look among"))
            else:
                found.append(self._one_of(text, next(called)))
        return found

    def _one_of(self, text: str, called: list[int]) -> Match | DataError:
        """The only track that is called so, or the one that is meant."""
        if len(called) == 1:
            return Match(called[0])
        if called:
            return DataError(
                f"{text!r} is the name of {len(called)} tracks: {self._listed(called)}; "
                "name the artist as well, or give the uri"
            )
        return self._guess(text)

    def describe(self, track: int) -> str:
        """``Artist - Title (uri)``, as much of it as is known."""
        return self._described([track])

    @cached_property
    def has_names(self) -> bool:
        """True if any track has a name."""
        table = self.corpus.track_table
        return "name" in table.column_names and table["name"].null_count < table.num_rows

    @cached_property
    def names(self) -> NameIndex:
        """The names by their keys."""
        return NameIndex(self.corpus, self._songs or Songs.of(self.corpus), self.popularity)

    def _called(self, texts: Sequence[str]) -> list[list[int]]:
        """For each text the tracks with this name, one a song, the most popular first."""
        names = self.names
        full, bare = name_keys(pa.array(texts)).to_pylist(), title_keys(pa.array(texts)).to_pylist()
        titled = names.titled(key for key in (*full, *bare) if key)
        parts = [list(_parted(text)) for text in texts]
        flat = [part for listed in parts for part in listed]
        artists = iter(artist_keys(pa.array([artist for artist, _ in flat], pa.string())).to_pylist())
        titles = iter(title_keys(pa.array([title for _, title in flat], pa.string())).to_pylist())
        by = [[(next(artists), next(titles)) for _ in listed] for listed in parts]
        known = names.artists(artist for listed in by for artist, title in listed if artist and title)
        called = []
        for text, key, other, listed in zip(texts, full, bare, by):
            tracks = [track for name in dict.fromkeys((key, other)) for track in titled.get(name, ())]
            for artist, title in listed:
                tracks += names.by(known[artist], title) if title and artist in known else []
            if len(set(names.songs.song[tracks].tolist())) > 1:
                tracks = [track for track in dict.fromkeys(tracks) if self._in_full(track, key)] or tracks
            called.append(self._things(tracks, text))
        return called

    def _in_full(self, track: int, key: str) -> bool:
        """True if the key is that of the title, artist and title, or title and artist, with all that they say."""
        row = self.corpus.describe(np.array([track]))[0]
        artist, title = name_keys(pa.array([row["artist_name"] or "", row["track_name"] or ""])).to_pylist()
        return key in (title, artist + title, title + artist)

    def _things(self, tracks: Sequence[int], text: str) -> list[int]:
        """One track for each song among some, the most popular first."""
        by_song: dict[int, list[int]] = {}
        for track in dict.fromkeys(tracks):
            by_song.setdefault(int(self.names.songs.song[track]), []).append(track)
        best = [self.names.best(rows, text) for rows in by_song.values()]
        return sorted(best, key=lambda track: (-float(self.popularity[track]), track))

    def _guess(self, text: str) -> Match | DataError:
        joint = JOINT.split(text.strip(), maxsplit=1)
        near = self._near_artist(text, joint)
        if near is not None:
            return Match(near, fuzzy=True)
        names, likeness = self.names, dict[int, float]()
        key = title_keys(pa.array([joint[-1]]))[0].as_py()
        tracks = names.like_titles(key, NEAREST)
        for track, score in tracks:
            likeness.setdefault(int(names.songs.song[track]), score)
        things = [names.best(t for t, _ in tracks if names.songs.song[t] == song) for song in islice(likeness, NAMED)]
        clear = len(joint) < 2 and clearly(list(likeness.values()))
        if clear and same_numbers(key, names.songs.titles[things[0]].as_py()):
            return Match(things[0], fuzzy=True)
        if not things:
            return DataError(f"no track has the uri or the name {text!r}, or one like it")
        return DataError(f"no track has the uri or the name {text!r}; nearest: {self._listed(things)}")

    def _near_artist(self, text: str, joint: list[str]) -> int | None:
        """The track that is much like a text, by an artist whom it names."""
        if len(joint) == 2:
            found = find_named(self.names, [NamedTrack(title, artist) for artist, title in (joint, joint[::-1])])
            return next((one.track for one in found if one.track >= 0), None)
        parts = list(_parted(text))
        artists, titles = zip(*parts) if parts else ((), ())
        keys = artist_keys(pa.array(artists, pa.string())).to_pylist()
        known = self.names.artists(key for key in keys if key)
        for key, title in zip(keys, title_keys(pa.array(titles, pa.string())).to_pylist()):
            if key in known and title and (track := self.names.like(known[key], title)) is not None:
                return track
        return None

    def _listed(self, things: list[int]) -> str:
        return self._described(things[:SHOWN]) + (", …" if len(things) > SHOWN else "")

    def _described(self, tracks: list[int]) -> str:
        rows = self.corpus.describe(np.array(tracks))
        names = [" - ".join(filter(None, (row["artist_name"], row["track_name"]))) for row in rows]
        return ", ".join(
            f"{name} ({row['track_uri']})" if name else str(row["track_uri"]) for name, row in zip(names, rows)
        )


def _parted(text: str) -> Iterator[tuple[str, str]]:
    """A text as artist and title, and as title and artist, wherever it can be parted: first where it is joined."""
    cuts = [match.span() for match in JOINT.finditer(text)]
    words = [match.span() for match in re.finditer(r"[\W_]+", text.strip())][:WORDS]
    for low, high in dict.fromkeys([*cuts, *words]):
        left, right = text[:low].strip(), text[high:].strip()
        if left and right:
            yield left, right
            yield right, left
