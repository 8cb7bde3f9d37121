"""The door through which every source comes in: what lies there decides who reads it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...config import require
from ...errors import ConfigError, DataError
from ...events import OnEvent, ignore
from ..corpus import Corpus
from .adjacency import read_adjacency
from .exports.read import read_exports
from .exports.recognise import holds_exports
from .mpd import find_slices, read_mpd
from .parquet import parquet_parts, read_parquet
from .ratings import NAMES as RATINGS
from .ratings import SUFFIXES as RATINGS_SUFFIXES
from .ratings import read_ratings
from .tables import SIDE_TABLES, read_csv

__all__ = ["FORMATS", "read"]

FORMATS = ("auto", "mpd", "csv", "adjacency", "movielens", "lastfm", "parquet", "exports")
SUFFIXES = {
    **RATINGS_SUFFIXES,
    "mpd": (".json", ".json.gz", ".zip"),
    "csv": (".csv", ".csv.gz"),
    "adjacency": (".txt", ".txt.gz"),
    "parquet": (".parquet",),
}


def read(
    source: Path,
    *,
    format: str = "auto",
    limit: int | None = None,
    min_rating: float | None = None,
    weights: bool = False,
    workers: int | None = None,
    renumber: bool = False,
    on_event: OnEvent = ignore,
) -> tuple[Corpus, npt.NDArray[np.bool_] | None]:
    """Read playlists from slices of the Million Playlist Dataset, CSV or Parquet tables, adjacency text or ratings.

    Args:
        source: a file, or a folder with slices (or a ``data`` folder of them), with one CSV of entries, with one
            file of ratings, or with a ``train`` and a ``test`` file.
        format: one of ``FORMATS``; ``"auto"`` goes by what lies there.
        limit: take the first so many playlists.
        min_rating: of ratings, keep those of at least that as positives; None: all of them.
        weights: keep the rating or play count of each entry (csv, parquet, movielens, lastfm).
        workers: processes that read slices, by default one for each usable core. A script that is read with
            more than one must have the ``if __name__ == "__main__":`` that Python's multiprocessing asks for.
        renumber: call the playlists of slices ``0, 1, …`` instead of by their pids, which then may repeat.
        on_event: receives progress, of files skipped and of what had to be left out.

    Returns:
        The corpus, and for a folder with a test file the (n_entries,) mask of the entries that are from it.

    Raises:
        ConfigError: when an option has a value it cannot have.
        DataError: when the source is not there, not of the format, or holds no playlists; names file and line.
    """
    if format not in FORMATS:
        raise ConfigError(f"format must be one of {', '.join(FORMATS)} (got {format!r})")
    require(limit is None or limit >= 1, "limit", "at least 1", limit)
    require(workers is None or workers >= 1, "workers", "at least 1", workers)
    source = Path(source)
    if not source.exists():
        raise DataError(f"there is no file or folder {source}")
    if not os.access(source, os.R_OK):
        raise DataError(f"{source} cannot be read: permission denied")
    if format == "auto":
        format = _recognise(source)
    if min_rating is not None and format not in RATINGS:
        raise ConfigError(f"min_rating is for {' and '.join(RATINGS)} ratings, and {source} is {format}")
    if weights and format not in ("csv", "parquet", *RATINGS):
        raise ConfigError(f"weights are read from csv, parquet, movielens and lastfm, and {source} is {format}")
    if format == "mpd":
        return read_mpd(source, limit=limit, workers=workers, renumber=renumber, on_event=on_event), None
    if format == "exports":
        return read_exports([source], limit=limit, on_event=on_event), None
    if format == "parquet":
        parts = parquet_parts(source)
        corpus, from_test = read_parquet(parts, limit=limit, weights=weights, on_event=on_event)
        return corpus, from_test if len(parts) == 2 else None
    files = _entry_files(source, format)
    if format in RATINGS:
        corpus, from_test = read_ratings(
            files, format=format, limit=limit, min_rating=min_rating, weights=weights, on_event=on_event
        )
    elif format == "csv":
        corpus, from_test = read_csv(files, limit=limit, weights=weights, on_event=on_event)
    else:
        corpus, from_test = read_adjacency(files, limit=limit, on_event=on_event)
    return corpus, from_test if len(files) == 2 else None


def _recognise(source: Path) -> str:
    """The format of what lies at ``source``."""
    if source.is_file():
        formats = {"exports"} if holds_exports(source) else {_format(source)} - {None}
    else:
        slices = find_slices(source)[0]
        given = [path for path in _files(source) if _stem(path) in ("train", "test") and _format(path)]
        given = [path for path in given if not holds_exports(path)]
        if any("mpd.slice." in file.path.name for file in slices):
            formats = {"mpd"}
        elif given:
            formats = {_format(path) for path in given}
            if len(formats) > 1:
                found = ", ".join(path.name for path in given)
                raise DataError(f"{source} holds {found}: keep one train and one test file, or give the format")
        elif ratings := {_format(path) for path in _files(source)} & set(RATINGS):
            formats = ratings
        elif holds_exports(source):
            formats = {"exports"}
        elif slices and not _tables(source, "csv"):
            formats = {"mpd"}
        else:
            formats = {_format(path) for path in _files(source)} & {"csv"}
            if not formats and any(source.rglob("*.parquet")):
                formats = {"parquet"}
    if not formats:
        names = [source.name] if source.is_file() else [path.name for path in sorted(source.iterdir())]
        raise DataError(
            f"cannot tell what {source} is (found {_some(names)}); taken are slices (.json, .json.gz, .zip, or a "
            f"folder of them), a .csv, .parquet, adjacency .txt, ratings (.inter, u.data, ratings.csv, …), or a "
            f"folder with train and test as .csv or .txt"
        )
    return str(formats.pop())


def _entry_files(source: Path, format: str) -> list[Path]:
    """The file of entries, or the training and the test file."""
    if source.is_file():
        return [source]
    tables = [path for path in _files(source) if _format(path) == format]
    parts = {stem: [path for path in tables if _stem(path) == stem] for stem in ("train", "test")}
    for found in parts.values():
        if len(found) > 1:
            raise DataError(f"{source} holds both {found[0].name} and {found[1].name}: keep one of them")
    given = [path for found in parts.values() for path in found]
    if len(given) == 1:
        other = "test" if parts["train"] else "train"
        raise DataError(
            f"{source} holds {given[0].name} but no {other} file of its format; give the file to read it alone"
        )
    if given:
        return given
    alone = _tables(source, format)
    if len(alone) == 1:
        return alone
    what = "several files" if alone else "no file"
    inside = [path.name for path in alone or sorted(source.iterdir())]
    raise DataError(f"{source} holds {what} of entries ({format}; found {_some(inside)}); give one file")


def _tables(folder: Path, format: str) -> list[Path]:
    """The files of a format, apart from those that only stand beside a file of entries."""
    return [path for path in _files(folder) if _format(path) == format and _stem(path) not in SIDE_TABLES]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _format(path: Path) -> str | None:
    name = path.name.removesuffix(".gz")
    known = next((format for format, names in RATINGS.items() if name in names), None)
    return known or next((format for format, ends in SUFFIXES.items() if path.name.endswith(ends)), None)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + ", …" * (len(names) > 3) if names else "nothing"
