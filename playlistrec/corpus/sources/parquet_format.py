"""Parquet as one of the formats."""

from __future__ import annotations

import numpy as np

from ...errors import DataError
from ..corpus import Corpus
from .entries import CODES
from .formats import Format, Given, Place, Request
from .parquet import parquet_parts, read_parquet

__all__ = ["FORMAT"]


def _recognises(place: Place) -> bool:
    return any(source.suffix == ".parquet" or any(source.rglob("*.parquet")) for source in place.sources)


def _read(request: Request) -> tuple[Corpus, Given | None]:
    if len(request.place.sources) > 1:
        raise DataError(f"several sources of Parquet ({request.place.name}): put the files into one folder and give it")
    parts = parquet_parts(request.place.sources[0])
    corpus, part = read_parquet(
        parts, limit=request.limit, weights=request.weights, on_event=request.on_event, each=request.each
    )
    codes = [CODES[files[0].stem] for files in parts] if len(parts) > 1 else []
    return corpus, np.array(codes, dtype=np.uint8)[part] if codes else None


FORMAT = Format("parquet", _recognises, _read, frozenset({"weights", "each"}))
