"""The data of a server: tracks, playlists, files that name tracks, and neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import DataError
from ...models.base import Query
from ..lookup.locating import locate, locate_all
from ..lookup.playlist_file import sent_playlist
from ..lookup.search import TrackIndex
from ..lookup.seeds import NAME
from ..recommender import RecommendationService
from ..similar import Kind, find, similar
from ..vectors import Embeddings
from .settings import LIMITS

__all__ = ["Catalogue"]

REMARKS = 20
"""Remarks about single tracks of a file; the rest are counted."""


class Catalogue:
    """Looks things up in the data of a service.

    Args:
        playlists: gives a query for each playlist of the data.
        embeddings: gives the vectors by which things are alike; raises ConfigError where there are none.
    """

    def __init__(
        self,
        service: RecommendationService,
        index: TrackIndex,
        playlists: Callable[[], Query],
        embeddings: Callable[[], Embeddings],
    ) -> None:
        self.service, self.history, self.index = service, service.history, index
        self._playlists, self._embeddings = playlists, embeddings

    def knows(self, uris: Sequence[str]) -> bool:
        """True if all are uris of tracks that need no stand-in."""
        return bool((self.service.known.seeds(uris).by <= NAME).all())

    def find(self, texts: Sequence[str], warnings: list[str]) -> list[tuple[int, tuple[int, ...]]]:
        """For each track that is named the row to ask with, and those not to be recommended.

        Raises DataError for one that is not in the data; ``warnings`` gets what is not as it was named.
        """
        seeds = self.service.known.seeds(texts)
        if (seeds.by <= NAME).all():
            return [(row, (own, row)) for row, own in zip(seeds.rows.tolist(), seeds.own.tolist())]
        return [(seed.track, seed.taken) for seed in locate_all(self.index, texts, warnings.append)]

    def similar(self, kind: Kind, text: str, to: Kind | None, k: int) -> dict[str, Any]:
        """The answer of ``similar``, as the command line has it."""
        embeddings = self._embeddings()
        row, remark = find(self.history, kind, text)
        found = similar(embeddings, kind, row, to=to, k=k)
        items = [
            {"rank": rank, **item, "cosine": round(float(cosine), 6)}
            for rank, (item, cosine) in enumerate(zip(found.items, found.cosines), start=1)
        ]
        tables = {"track": self.history.track_table, "artist": self.history.artists, "playlist": self.history.playlists}
        key = tables[kind]["pid" if kind == "playlist" else "uri"][row].as_py()
        warnings = [] if remark is None else [remark]
        return {"query": {kind: key}, "to": found.kind, "note": found.note, "items": items, "warnings": warnings}

    def playlist(self, pid: str) -> dict[str, Any]:
        """A playlist of the data, with what is known of it: nothing that is hidden for a test."""
        row = self.history.playlist_index(pid)
        query = self._playlists().take(row, row + 1)
        title = (query.titles or ("",))[0]
        return {
            "pid": pid,
            "title": title or None,
            "n_tracks": len(query.tracks),
            "items": self._described(query.tracks),
        }

    def tracks(self, uris: Sequence[str]) -> dict[str, Any]:
        """The names of some tracks by uri; tracks that the data does not have are left out."""
        own = self.service.known.seeds(uris).own
        return {
            "items": self._described(own[own >= 0]),
            "unknown": [u for u, row in zip(uris, own.tolist()) if row < 0],
        }

    def read(self, name: str, content: bytes, title: str | None) -> dict[str, Any]:
        """The tracks of a file that are in the data, its title, and what is not as the file has it.

        Args:
            name: its ending tells what the file is.
            title: which playlist, where the file has several.
        """
        playlist = sent_playlist(name, content, title)
        if len(playlist.entries) > LIMITS.tracks:
            raise DataError(f"{name} names {len(playlist.entries):,} tracks; at most {LIMITS.tracks:,} are read")
        found = locate(self.index, playlist.entries)
        rows = [seed.taken[0] if seed.taken else -1 for seed in found]
        remarks = [seed.remark for seed in found if seed.remark is not None]
        missing = sum(row < 0 for row in rows)
        if len(remarks) > REMARKS:
            remarks[REMARKS:] = [f"and so on: {len(remarks)} of the {len(found)} tracks are not as the file has them"]
        if playlist.left_out:
            reasons = ", ".join(f"{reason} ({n:,})" for reason, n in playlist.left_out.items())
            remarks.insert(0, f"left out of {name}: {reasons}")
        if missing:
            remarks.append(f"{missing} of the {len(found)} tracks of {name} are not in the data and were left out")
        kept = np.array([row for row in rows if row >= 0], dtype=np.int64)
        return {
            "title": playlist.title,
            "n_entries": len(rows),
            "items": self._described(kept),
            "warnings": [*playlist.remarks, *remarks],
        }

    def _described(self, rows: Any) -> list[dict[str, Any]]:
        counts = self.history.popularity[rows].tolist()
        return [{**record, "n_playlists": n} for record, n in zip(self.history.describe(rows), counts)]
