"""A list of recommendations as records, and as text that other programs read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..corpus.corpus import Corpus
from ..text import csv_cell, shown
from .explain import Reason
from .recommender import Recommendations

__all__ = ["Record", "as_csv", "as_m3u", "cells", "records"]

Record = dict[str, Any]


def records(
    corpus: Corpus,
    recommendations: Recommendations,
    reasons: Sequence[Reason] | None = None,
    described: Sequence[Record] | None = None,
) -> list[Record]:
    """A record a track: rank, ``track_uri``, ``track_name``, ``artist_name``, score and, with reasons, ``because``.

    Args:
        described: what ``corpus.describe`` says of the tracks, where that is known already.
    """
    found = corpus.describe(recommendations.tracks) if described is None else described
    listed: list[Record] = [
        {"rank": rank, **row, "score": round(float(score), 6)}
        for rank, (row, score) in enumerate(zip(found, recommendations.scores), start=1)
    ]
    for record, reason in zip(listed, reasons or ()):
        record["because"] = _because(corpus, reason)
    return listed


def cells(record: Record) -> list[Any]:
    """The values of a record, its reason in words."""
    *values, last = record.values()
    if not isinstance(last, dict):
        return [*values, last]
    seeds = ", ".join(f"{seed['track_name'] or seed['track_uri']} ({seed['n_playlists']})" for seed in last["seeds"])
    playlists = ", ".join(playlist["title"] or playlist["pid"] for playlist in last["playlists"])
    return [*values, f"{seeds}; as in {playlists}" if seeds else ""]


def as_csv(listed: Sequence[Record]) -> str:
    """A header and a line a record."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(listed[0] if listed else ("rank", "track_uri", "track_name", "artist_name", "score"))
    writer.writerows(map(csv_cell, cells(record)) for record in listed)
    return text.getvalue().rstrip("\n")


def as_m3u(listed: Sequence[Record]) -> str:
    """An extended m3u of uris, no lengths.

    >>> print(as_m3u([{"track_uri": "t:1", "track_name": "Vu", "artist_name": "Zoë"}]))
    #EXTM3U
    #EXTINF:-1,Zoë - Vu
    t:1
    """
    lines = ["#EXTM3U"]
    for record in listed:
        name = " - ".join(filter(None, (record["artist_name"], record["track_name"])))
        lines += [f"#EXTINF:-1,{shown(' '.join(name.split()))}"] * bool(name) + [shown(record["track_uri"])]
    return "\n".join(lines)


def _because(corpus: Corpus, reason: Reason) -> Record:
    rows = np.array([row for row, _ in reason.seeds], dtype=np.int64)
    playlists = np.array(reason.playlists, dtype=np.int64)
    pids = corpus.playlists["pid"].take(playlists).to_pylist()
    titles = corpus.titles(playlists) or [""] * len(pids)
    return {
        "n_playlists": reason.n_playlists,
        "seeds": [{**row, "n_playlists": n} for row, (_, n) in zip(corpus.describe(rows), reason.seeds)],
        "playlists": [{"pid": pid, "title": title or None} for pid, title in zip(pids, titles)],
    }
