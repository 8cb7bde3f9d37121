"""A person's exports as one of the formats."""

from __future__ import annotations

from ...corpus import Corpus
from ..formats import Format, Place, Request
from .read import read_exports
from .recognise import holds_exports

__all__ = ["FORMAT"]


def _recognises(place: Place) -> bool:
    return holds_exports(place.sources)


def _read(request: Request) -> tuple[Corpus, None]:
    return read_exports(request.place.sources, limit=request.limit, on_event=request.on_event), None


FORMAT = Format("exports", _recognises, _read)
