"""The door through which every source comes in: what lies there decides who reads it."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from ...config import require
from ...errors import ConfigError, DataError
from ...events import OnEvent, ignore
from ..corpus import Corpus
from ..ids import check_ids
from .context_columns import check_contexts
from .formats import Each, Format, Given, Place, Request, part_of, some, suffix
from .registry import FALLBACKS, FORMATS, format_called

__all__ = ["FORMATS", "read"]

TABULAR = (".csv", ".tsv", ".txt", ".inter", ".parquet")


def read(
    source: Path | Sequence[Path],
    *,
    format: str = "auto",
    limit: int | None = None,
    min_rating: float | None = None,
    weights: bool = False,
    contexts: Sequence[str] = (),
    workers: int | None = None,
    renumber: bool = False,
    each: Each | None = None,
    on_event: OnEvent = ignore,
) -> tuple[Corpus, Given | None]:
    """Read playlists from files as people and collections have them: see ``docs/data.md`` for each format.

    Args:
        source: a file, a folder, a pattern such as ``exports/*.csv``, or several of them, of one format.
        format: one of ``FORMATS``; ``"auto"`` goes by what lies there.
        limit: take the first so many playlists.
        min_rating: of ratings, keep those of at least that as positives; None: all of them.
        weights: keep the rating or play count of each entry (csv, parquet, movielens, lastfm, triples).
        contexts: keep these of each entry (csv): see :mod:`~playlistrec.corpus.contexts`.
        workers: processes that read slices, by default one for each usable core.
        renumber: call the playlists of slices ``0, 1, …`` instead of by their pids, which then may repeat.
        each: applies a function to the files of slices or Parquet, perhaps on other machines; None: here.
        on_event: receives progress, of files skipped and of what had to be left out.

    Returns:
        The corpus, and for a source that comes in parts (``train.*``, ``valid.*``, ``test.*``) the (n_entries,) uint8
        part of each entry: 0 train, 1 valid, 2 test.

    Raises:
        ConfigError: when an option has a value it cannot have.
        DataError: when the source is not there, not of the format, or holds no playlists; names file and line.
    """
    if format not in FORMATS:
        raise ConfigError(f"format must be one of {', '.join(FORMATS)} (got {format!r})")
    require(limit is None or limit >= 1, "limit", "at least 1", limit)
    require(workers is None or workers >= 1, "workers", "at least 1", workers)
    place = Place(tuple(_found([source] if isinstance(source, (str, Path)) else source)))
    reader = _recognise(place) if format == "auto" else format_called(format)
    check_contexts(contexts)
    asked = {"min_rating": min_rating is not None, "weights": weights, "contexts": contexts, "each": each is not None}
    for name, value in asked.items():
        if value and name not in reader.options:
            able = [other for other in FORMATS[1:] if name in format_called(other).options]
            what = {"each": "reading by a cluster", "contexts": "context"}.get(name, name)
            raise ConfigError(f"{what} is for {', '.join(able)}, and {place.name} is {reader.name}")
    corpus, given = reader.read(
        Request(place, on_event, limit, min_rating, weights, tuple(contexts), workers, renumber, each)
    )
    if not corpus.n_playlists:
        raise DataError(f"{place.name} holds no playlists")
    check_ids(corpus, place.name)
    return corpus, given


def _found(sources: Sequence[Path | str]) -> list[Path]:
    """The files and folders, those of patterns in their order. Raises DataError for what is not there."""
    paths: list[Path] = []
    for source in sources:
        path = Path(source)
        matching = [] if path.exists() else [Path(name) for name in sorted(glob.glob(str(path)))]
        if not path.exists() and not matching:
            raise DataError(f"there is no file or folder {path}")
        paths += matching or [path]
    for path in paths:
        if not path.is_file() and not path.is_dir():
            raise DataError(f"{path} cannot be read: it is a pipe or a device, not a file or a folder")
        if not os.access(path, os.R_OK):
            raise DataError(f"{path} cannot be read: permission denied")
    return paths


def _recognise(place: Place) -> Format:
    """The format of what lies at the sources."""
    given = [path for path in place.files if part_of(path) in ("train", "test") and suffix(path) in TABULAR]
    if len({suffix(path) for path in given}) > 1:
        both = ", ".join(path.name for path in given)
        raise DataError(f"{place.name} holds {both}: keep one train and one test file, or give the format")
    for name in FORMATS[1:]:
        if (found := format_called(name)).recognises(place):
            return found
    for ending, name in FALLBACKS.items():
        if any(suffix(path) == ending for path in place.files):
            return format_called(name)
    raise DataError(
        f"cannot tell what {place.name} is (found {some([path.name for path in place.files])}); taken are slices "
        f"(.json, .zip), .csv, .tsv, .parquet, adjacency .txt, ratings (.inter, u.data, …), exports (.m3u, .xspf, …), "
        "or a folder of one of them"
    )
