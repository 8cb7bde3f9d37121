"""Arguments of a recommendation as a person gives them: scalars and lists; tracks as rows, uris or names."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import require
from ..errors import ConfigError, DataError
from .lookup.locating import locate
from .lookup.playlist_file import Entry
from .recommender import RecommendationService

__all__ = ["GivenTracks", "given_tracks", "listed", "number", "playlist_ids", "texts"]

TRACK_RULE = "rows, uris or names of tracks"


def listed(name: str, value: Any, rule: str) -> list[Any]:
    """A scalar or a list of any kind (array, column of a table, set, …) as a list of Python's own values.

    >>> listed("tracks", np.array([3, 4]), "rows"), listed("tracks", "a", "rows"), listed("tracks", None, "rows")
    ([3, 4], ['a'], [])
    """
    if value is None:
        return []
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value.item()
    if isinstance(value, str | numbers.Number | np.generic):
        value = [value]
    elif isinstance(value, bytes | Mapping) or not isinstance(value, Iterable):
        raise ConfigError(f"{name} must be {rule} (got {value!r})")
    items = (item.as_py() if hasattr(item, "as_py") else item for item in value)
    return [item.item() if isinstance(item, np.generic) else item for item in items]


def texts(name: str, value: Any, rule: str) -> list[str]:
    """One text or several. Raises ConfigError where one is anything else."""
    items = listed(name, value, rule)
    for item in items:
        require(isinstance(item, str), name, rule, item)
    return items


def playlist_ids(value: Any) -> list[str | int]:
    """The pids of one playlist or several. Raises ConfigError where one is neither text nor a whole number."""
    rule = "the pid of a playlist, or several"
    items = listed("playlist", value, rule)
    for item in items:
        require(isinstance(item, str | int) and not isinstance(item, bool), "playlist", rule, item)
    return items


def number(name: str, value: Any, *, whole: bool) -> Any:
    """A number, NumPy's as Python's. Raises ConfigError for anything else."""
    kind: Any = numbers.Integral if whole else numbers.Real
    rule = "a whole number" if whole else "a number"
    require(isinstance(value, kind) and not isinstance(value, bool | np.bool_), name, rule, value)
    return int(value) if whole else float(value)


@dataclass(frozen=True, eq=False)
class GivenTracks:
    """Tracks as a model can use them.

    Attributes:
        rows: those to ask with, in order; a track that no playlist holds is replaced by its artist's most popular one,
            or left out where there is none.
        taken: those that were given, which are not to be recommended.
    """

    rows: list[int]
    taken: list[int]


def given_tracks(service: RecommendationService, name: str, value: Any) -> GivenTracks:
    """Find tracks that are given as rows, uris or names (``Artist - Title``), one or several, or a mix.

    Raises:
        ConfigError: a value of another kind, or a row that the data does not have. DataError: a uri or name of no
        track.
    """
    items = listed(name, value, TRACK_RULE)
    n_tracks = service.history.n_tracks
    for item in items:
        require(isinstance(item, str | int) and not isinstance(item, bool), name, TRACK_RULE, item)
        if isinstance(item, int):
            require(0 <= item < n_tracks, name, f"rows of tracks, from 0 and below {n_tracks}", item)
    numbered = [i for i, item in enumerate(items) if isinstance(item, int)]
    named = [i for i, item in enumerate(items) if isinstance(item, str)]
    found: dict[int, tuple[int, tuple[int, ...]]] = {}
    placed = service.placed(np.array([items[i] for i in numbered], dtype=np.int64))
    places, tracks = placed.taken()
    taken: dict[int, list[int]] = {}
    for place, track in zip(places.tolist(), tracks.tolist()):
        taken.setdefault(place, []).append(track)
    for place, (i, row) in enumerate(zip(numbered, placed.rows.tolist())):
        found[i] = row, tuple(taken.get(place, ()))
    for i, seed in zip(named, locate(service.index, [Entry.of(items[i]) for i in named]) if named else ()):
        if seed.track < 0 and not seed.taken:
            raise DataError(f"{name}: {seed.remark}")
        found[i] = seed.track, seed.taken
    ordered = [found[i] for i in range(len(items))]
    return GivenTracks([row for row, _ in ordered if row >= 0], [track for _, both in ordered for track in both])
