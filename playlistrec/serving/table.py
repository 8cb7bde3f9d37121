"""Recommendations as a small table: rows and scores for a program, names for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..corpus.corpus import Corpus

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RecommendationTable"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

SHOWN, WIDTH = 10, 80
"""Lines that a printed table has, and columns that it keeps to by shortening names."""


@dataclass(frozen=True, eq=False, repr=False)
class RecommendationTable:
    """The recommendations for one playlist, or a row of them for each of several. Unpacks as ``tracks, scores``.

    Attributes:
        corpus: whose tables have the names.
        tracks: (n,) rows of tracks, best first; for several playlists (n_playlists, k), -1 where there are fewer.
        scores: float32 of the same shape, ``-inf`` where there is no track.
        playlists: the pids asked for, where they were several; None for one.
        cold: True, or (n_playlists,) of which it is true, if nothing was known of the playlist: these are then the
            most popular tracks, scored by the number of playlists that hold them.
    """

    corpus: Corpus
    tracks: Rows
    scores: Floats
    playlists: tuple[str, ...] | None = None
    cold: bool | npt.NDArray[np.bool_] = False

    def __iter__(self) -> Iterator[Any]:
        return iter((self.tracks, self.scores))

    def __getitem__(self, index: int) -> Any:
        return (self.tracks, self.scores)[index]

    @property
    def uris(self) -> list[Any]:
        """The uris of the tracks; for several playlists a list for each."""
        if self.playlists is None:
            return [row["track_uri"] for row in self.corpus.describe(self.tracks)]
        return [[row["track_uri"] for row in self.corpus.describe(tracks[tracks >= 0])] for tracks in self.tracks]

    def records(self) -> list[dict[str, Any]]:
        """A dictionary a track: ``playlist`` (for several), ``rank``, ``track_uri``, names and ``score``."""
        pids = [None] if self.playlists is None else list(self.playlists)
        listed = []
        for pid, tracks, scores in zip(pids, np.atleast_2d(self.tracks), np.atleast_2d(self.scores)):
            n = int((tracks >= 0).sum())
            rows = zip(self.corpus.describe(tracks[:n]), scores[:n].tolist())
            about: dict[str, Any] = {} if pid is None else {"playlist": pid}
            listed += [{**about, "rank": rank, **row, "score": score} for rank, (row, score) in enumerate(rows, 1)]
        return listed

    def frame(self) -> pd.DataFrame:
        """The records as a pandas frame."""
        import pandas as pd

        columns = ["rank", "track_uri", "track_name", "artist_name", "score"]
        columns = columns if self.playlists is None else ["playlist", *columns]
        return pd.DataFrame(self.records(), columns=columns)

    def __repr__(self) -> str:
        records = self.records()
        if not records:
            return "no tracks"
        heading = ["rank", "track_uri", "track", "score"]
        heading = heading if self.playlists is None else ["playlist", *heading]
        lines = [heading, *(_line(record) for record in records[:SHOWN])]
        widths = [max(map(len, column)) for column in zip(*lines)]
        spare = WIDTH - sum(widths) - 2 * (len(widths) - 1)
        widths[-2] = max(widths[-2] + min(spare, 0), len("track"))
        text = ["  ".join(map(_fitted, line, widths)).rstrip() for line in lines]
        more = len(records) - SHOWN
        return "\n".join([*text, *([f"… {more} more: .frame() has them all"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        records = self.records()
        heading = "".join(f"<th>{name}</th>" for name in (records[0] if records else ["no tracks"]))
        rows = ("".join(f"<td>{escape(_cell(value))}</td>" for value in record.values()) for record in records)
        return f"<table><tr>{heading}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _line(record: dict[str, Any]) -> list[str]:
    name = " - ".join(filter(None, (record["artist_name"], record["track_name"])))
    cells = {**record, "track": name, "score": _cell(record["score"])}
    return [str(cells[key]) for key in ("playlist", "rank", "track_uri", "track", "score") if key in cells]


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _fitted(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
