"""The files of a challenge: ``challenge_set.json`` in the official format, and the withheld tracks beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ..errors import DataError
from ..storage import open_file

__all__ = [
    "SCENARIOS",
    "ChallengeSet",
    "Entry",
    "Incomplete",
    "Scenario",
    "Truth",
    "Withheld",
    "challenge_file",
    "read_challenge",
    "read_truth",
]

CHALLENGE, TRUTH, DATA = "challenge_set.json", "truth.json", "data"
"""The names in the folder that `challenge make` writes."""

T = TypeVar("T")


@dataclass(frozen=True)
class Scenario:
    """One playlist of a challenge, without its withheld tracks.

    Attributes:
        name: what tables call it.
        n_seeds: tracks shown.
        titled: whether the title is shown.
        at_random: whether the tracks are random ones of the playlist, rather than its first.
    """

    name: str
    n_seeds: int
    titled: bool = True
    at_random: bool = False


SCENARIOS = (
    Scenario("title only", 0),
    Scenario("title, first 1", 1),
    Scenario("title, first 5", 5),
    Scenario("first 5", 5, titled=False),
    Scenario("title, first 10", 10),
    Scenario("first 10", 10, titled=False),
    Scenario("title, first 25", 25),
    Scenario("title, random 25", 25, at_random=True),
    Scenario("title, first 100", 100),
    Scenario("title, random 100", 100, at_random=True),
)
"""The ten of 2018, in the order of the challenge set's own description."""


class Entry(msgspec.Struct, omit_defaults=True):
    """A track of a playlist; ``pos`` is its place in the whole playlist, from 0."""

    track_uri: str
    pos: int | None = None
    track_name: str | None = None
    artist_uri: str | None = None
    artist_name: str | None = None
    album_uri: str | None = None
    album_name: str | None = None
    duration_ms: int | None = None


class Incomplete(msgspec.Struct, omit_defaults=True):
    """A playlist to be continued: its seeds, and its title where that is shown."""

    pid: int | str
    tracks: list[Entry]
    num_holdouts: int | None = None
    num_samples: int | None = None
    num_tracks: int | None = None
    name: str | None = None

    @property
    def scenario(self) -> Scenario | None:
        """The one of :data:`SCENARIOS` that it looks like; random seeds have gaps between their places."""
        at_random = any(track.pos not in (None, place) for place, track in enumerate(self.tracks))
        looks = (len(self.tracks), self.name is not None, at_random)
        return next((s for s in SCENARIOS if (s.n_seeds, s.titled, s.at_random) == looks), None)


class ChallengeSet(msgspec.Struct):
    """``challenge_set.json``."""

    playlists: list[Incomplete]
    date: str = ""
    version: str = "v1"

    def by_pid(self) -> dict[str, Incomplete]:
        """The playlists by pid, as text."""
        return {str(playlist.pid): playlist for playlist in self.playlists}


class Withheld(msgspec.Struct, omit_defaults=True):
    """The withheld tracks of a playlist, and the name of its scenario where that is known."""

    pid: int | str
    tracks: list[Entry]
    scenario: str | None = None


class Truth(msgspec.Struct):
    """``truth.json``: the challenge set's playlists with the tracks that it lacks."""

    playlists: list[Withheld]
    version: str = "v1"


def challenge_file(where: str | Path) -> Path:
    """``challenge_set.json`` in a folder, or the file itself."""
    path = Path(where)
    return path / CHALLENGE if path.is_dir() else path


def read_challenge(where: str | Path) -> ChallengeSet:
    """Read a challenge set, from its folder or file. Raises DataError where it is missing or not in the format."""
    path = challenge_file(where)
    found = _read(path, ChallengeSet)
    if not found.playlists:
        raise DataError(f"{path} holds no playlists")
    _refuse_repeats(path, found.playlists)
    return found


def read_truth(path: Path) -> Truth:
    """Read withheld tracks: ``truth.json``, or anything with ``playlists`` of ``pid`` and ``tracks`` as in the MPD.

    Raises DataError where it is missing or not in the format.
    """
    found = _read(path, Truth)
    _refuse_repeats(path, found.playlists)
    return found


def _read(path: Path, kind: type[T]) -> T:
    try:
        with open_file(path) as file:
            content = file.read()
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = re.sub(r"`?\$\.?(\S*?)`?$", r"\1", str(error)) if isinstance(error, msgspec.DecodeError) else str(error)
        raise DataError(f"{path} is not in the format: {what}") from None


def _refuse_repeats(path: Path, playlists: list[Incomplete] | list[Withheld]) -> None:
    seen: set[str] = set()
    for playlist in playlists:
        if (pid := str(playlist.pid)) in seen:
            raise DataError(f"{path} holds playlist {pid} twice")
        seen.add(pid)
