"""The fields of a request, and reading them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from ...config import require
from ...errors import ConfigError
from .problems import Problem
from .settings import LIMITS

__all__ = ["Named", "RecommendRequest", "decoded", "real_number", "whole_number"]

T = TypeVar("T")

WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def _bounds(**schema: Any) -> msgspec.Meta:
    """Bounds that the schema names; they are checked where the command line's are, in its words."""
    return msgspec.Meta(extra_json_schema=schema)


Text = Annotated[str, _bounds(maxLength=LIMITS.text)]
Names = Annotated[list[Text], _bounds(maxItems=LIMITS.tracks)]


class RecommendRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A query for one playlist: one of the data (`playlist`), or a new one (`tracks`, `title` or both).

    Tracks are uris, ids or names ("Artist - Title").
    """

    playlist: Annotated[str | int | None, msgspec.Meta(description="A playlist of the data.")] = None
    title: Annotated[Text | None, msgspec.Meta(description="What a new playlist is called.")] = None
    tracks: Annotated[Names | None, msgspec.Meta(description="Seed tracks, in order.")] = None
    k: Annotated[int, _bounds(minimum=1, maximum=LIMITS.k), msgspec.Meta(description="How many to recommend.")] = 10
    exclude_artists: Annotated[Names, msgspec.Meta(description="None of their tracks.")] = []
    exclude_tracks: Annotated[Names, msgspec.Meta(description="Not these tracks.")] = []
    max_per_artist: Annotated[
        int | None, _bounds(minimum=1), msgspec.Meta(description="At most so many tracks of an artist.")
    ] = None
    diversity: Annotated[
        float, _bounds(minimum=0, maximum=1), msgspec.Meta(description="0: the best; 1: the least alike.")
    ] = 0.0
    popularity: Annotated[
        float, _bounds(minimum=-1, maximum=1), msgspec.Meta(description="-1: the rarest first; 1: the most popular.")
    ] = 0.0
    dislike: Annotated[Names, msgspec.Meta(description="Not these tracks, and those like them later.")] = []
    explain: Annotated[bool, msgspec.Meta(description="Which seeds and playlists speak for each track.")] = False

    def check(self) -> None:
        """Raise ConfigError for what is too long or too much."""
        require(1 <= self.k <= LIMITS.k, "k", f"between 1 and {LIMITS.k}", self.k)
        if (self.playlist is None) == (self.tracks is None and self.title is None):
            raise ConfigError("give either playlist, or tracks, title or both")
        check_text("title", self.title or "")
        check_text("playlist", str(self.playlist))
        for name in ("tracks", "exclude_artists", "exclude_tracks", "dislike"):
            check_names(name, getattr(self, name) or [])


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """Tracks by uri."""

    tracks: Names

    def check(self) -> None:
        """Raise ConfigError for what is too long or too much."""
        check_names("tracks", self.tracks)


def check_text(name: str, text: str) -> None:
    """Raise ConfigError for a text that is too long."""
    require(len(text) <= LIMITS.text, name, f"at most {LIMITS.text} characters", len(text))


def check_names(name: str, values: list[str]) -> None:
    """Raise ConfigError for too many names, or one that is too long."""
    require(len(values) <= LIMITS.tracks, name, f"at most {LIMITS.tracks:,}", len(values))
    for value in values:
        check_text(f"each of {name}", value)


def decoded(content: bytes, kind: type[T]) -> T:
    """A body of JSON as one of the kinds above. Raises Problem: 400 for what is no JSON, 422 for other fields."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from None


def whole_number(params: Mapping[str, str], name: str, default: int) -> int:
    """A whole number of the address' query. Raises ConfigError where it is none."""
    text = params.get(name)
    if text is None:
        return default
    require(WHOLE.fullmatch(text) is not None, name, "a whole number", text[:40])
    return int(text)


def real_number(params: Mapping[str, str], name: str, default: float) -> float:
    """A number of the address' query. Raises ConfigError where it is none."""
    try:
        return float(params.get(name, default))
    except ValueError:
        raise ConfigError(f"{name} must be a number (got {params[name][:40]!r})") from None
