"""Nearest neighbours among the vectors of a model: tracks, artists and playlists like one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..config import require
from ..corpus.corpus import Corpus
from ..errors import DataError
from ..rank.topk import top_k
from .lookup.artists import ArtistIndex
from .lookup.search import TrackIndex
from .vectors import KINDS, Embeddings, Kind

__all__ = ["KINDS", "Kind", "Neighbours", "find", "similar"]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The neighbours found, most alike first.

    Attributes:
        kind: what the neighbours are.
        rows: (n,) of the corpus' table of that kind.
        cosines: (n,) of the angle between their vectors and that of the one they are like.
        items: the neighbours with their ids and names.
        note: what should be known of how they were found, if anything.
    """

    kind: Kind
    rows: npt.NDArray[np.int64]
    cosines: npt.NDArray[np.float32]
    items: list[dict[str, Any]]
    note: str | None = None


def find(history: Corpus, kind: Kind, text: str) -> tuple[int, str | None]:
    """The row of what a person calls ``text``, and what was taken for it where that is not plain.

    Tracks as :class:`~.search.TrackIndex` finds them; artists by uri or name, of several the one with the most popular
    tracks; playlists by pid. Raises DataError where there is none.
    """
    if kind == "playlist":
        return history.playlist_index(text), None
    if kind == "track":
        index = TrackIndex(history, history.popularity)
        match = index.find(text)
        return match.track, f"took {index.describe(match.track)} for {text!r}" if match.fuzzy else None
    return ArtistIndex(history).one(text, history.popularity)


def similar(source: Embeddings, kind: Kind, row: int, *, to: Kind | None = None, k: int = 10) -> Neighbours:
    """The ``k`` tracks, artists or playlists whose vectors have the highest cosine with that of one of them.

    The vectors are those by which the test part is ranked. Where the model has none of artists, the mean of an
    artist's tracks stands for it, and the note says so. Playlists without a known track are left out.

    Args:
        source: as of :meth:`~playlistrec.experiment.runs.Run.embeddings`.
        kind, row: who the neighbours are of.
        to: what the neighbours are; None: the same kind, less the one itself.

    Raises:
        ConfigError: ``k`` is below 1, or an unknown kind. DataError: nothing is known of the one itself.
    """
    to = kind if to is None else to
    require(k >= 1, "k", "at least 1", k)
    for name, value in (("kind", kind), ("to", to)):
        require(value in KINDS, name, f"one of {', '.join(KINDS)}", value)
    vectors = source.directions
    direction = vectors[kind][row]
    if not direction.any():
        raise DataError(f"nothing is known of this {kind}: none of its tracks is in a known playlist")
    scores = vectors[to] @ direction
    scores[~vectors[to].any(1)] = -torch.inf
    if to == kind:
        scores[row] = -torch.inf
    cosines, rows = (found[0].numpy() for found in top_k(scores[None], k))
    cosines, rows = cosines[rows >= 0], rows[rows >= 0]
    note = None
    if "artist" in (kind, to) and source.artists is None:
        note = f"{source.model.name} has no vectors of artists: the mean of an artist's tracks stands for it"
    return Neighbours(to, rows, cosines, _items(source.history, to, rows), note)


def _items(corpus: Corpus, kind: Kind, rows: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    if kind == "track":
        return [dict(item) for item in corpus.describe(rows)]
    table, key = (corpus.artists, "uri") if kind == "artist" else (corpus.playlists, "pid")
    names = {key: "artist_uri" if kind == "artist" else "pid", "name": f"{kind}_name"}
    found = table.select([column for column in names if column in table.column_names]).take(rows).to_pylist()
    return [{label: item.get(column) for column, label in names.items()} for item in found]
