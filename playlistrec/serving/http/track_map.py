"""The map of tracks: a place for each, drawn beside the answering, in memory that all workers share."""

from __future__ import annotations

import mmap
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.sparse.linalg import svds
from scipy.spatial import KDTree
from starlette.requests import Request
from starlette.responses import Response

from ...config import require
from ...corpus.corpus import Corpus
from ..layout import layout
from .answers import as_json, body_of
from .engine import Engine
from .problems import busy
from .requests import Named, decoded, whole_number
from .settings import LIMITS

__all__ = ["MapAnswers", "TrackMap", "draw"]

SIDE = 65_535
"""The highest coordinate along each side."""

RANK = 32
"""Singular vectors that stand for tracks where the model has no vectors."""


class TrackMap:
    """Places of all tracks in memory that is shared with the processes forked after it was made."""

    def __init__(self, n_tracks: int) -> None:
        self._memory = mmap.mmap(-1, 4 * n_tracks + 1)
        self.places = np.frombuffer(self._memory, "<u2", 2 * n_tracks).reshape(n_tracks, 2)

    @property
    def drawn(self) -> bool:
        """True once the places are there."""
        return self._memory[-1:] == b"\1"

    def fill(self, places: npt.NDArray[np.floating]) -> None:
        """Write the (n_tracks, 2) places, brought to the square; outliers go to its edge."""
        low, high = np.percentile(places, [0.2, 99.8], axis=0)
        span = float(np.max(high - low)) or 1.0
        self.places[:] = np.clip(((places - (low + high) / 2) / span + 0.5) * SIDE, 0, SIDE).astype(np.uint16)
        self._memory[-1:] = b"\1"

    @cached_property
    def tree(self) -> KDTree:
        """Finds the track nearest to a place. Ask once the map is drawn."""
        return KDTree(self.places.astype(np.float32))


def draw(engine: Engine, track_map: TrackMap) -> None:
    """Lay the tracks out by the model's vectors, or else by those of the matrix of playlists and tracks."""
    history = engine.history
    has = engine.service.model.has_vectors
    vectors = engine.embeddings.directions["track"] if has else _singular(history)
    track_map.fill(layout(vectors, history.popularity))


def _singular(history: Corpus) -> torch.Tensor:
    """(n_tracks, r) right singular vectors of the matrix, each entry over the roots of both degrees."""
    matrix = history.matrix
    scale = [sparse.diags_array(np.maximum(matrix.sum(axis=axis), 1) ** -0.5) for axis in (1, 0)]
    rank = min(RANK, min(matrix.shape) - 1)
    if rank < 2:
        return torch.zeros(history.n_tracks, 2)
    start = np.ones(min(matrix.shape)) / np.sqrt(min(matrix.shape))
    _, values, right = svds((scale[0] @ matrix @ scale[1]).astype(np.float64), k=rank, v0=start)
    return torch.from_numpy(np.ascontiguousarray((right * values[:, None]).T, dtype=np.float32))


class MapAnswers:
    """Answers with places on the map."""

    def __init__(self, engine: Engine, track_map: TrackMap) -> None:
        self.engine, self.map = engine, track_map

    def _check(self) -> None:
        if not self.map.drawn:
            raise busy("the map is being drawn: ask again in a second")

    async def points(self, request: Request) -> Response:
        """``GET /map``: two little-endian 16-bit numbers a track, of all tracks; 202 while they are being drawn."""
        if not self.map.drawn:
            return Response(status_code=202, headers={"Retry-After": "1", "Cache-Control": "no-store"})
        return Response(
            self.map.places.tobytes(), media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
        )

    async def places(self, request: Request) -> Response:
        """``POST /map/places``: where some tracks are; null for one that the data does not have."""
        named = decoded(await body_of(request, "application/json"), Named)
        named.check()
        self._check()
        rows = self.engine.service.known.seeds(named.tracks).own.tolist()
        return as_json({"places": [self.map.places[row].tolist() if row >= 0 else None for row in rows]})

    async def near(self, request: Request) -> Response:
        """``GET /map/near``: the tracks nearest to a place."""
        params = request.query_params
        x, y, k = (whole_number(params, name, default) for name, default in (("x", -1), ("y", -1), ("k", 1)))
        for name, value in (("x", x), ("y", y)):
            require(0 <= value <= SIDE, name, f"between 0 and {SIDE}", value)
        require(1 <= k <= LIMITS.k, "k", f"between 1 and {LIMITS.k}", k)
        self._check()
        _, rows = self.map.tree.query([x, y], min(k, len(self.map.places)))
        rows = np.atleast_1d(rows)
        items = [
            {**record, "place": self.map.places[row].tolist()}
            for record, row in zip(self.engine.history.describe(rows), rows.tolist())
        ]
        return as_json({"items": items})
