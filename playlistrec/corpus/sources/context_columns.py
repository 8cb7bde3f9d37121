"""Columns of contexts: whether a track was skipped, and when it was played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...config import require
from ..contexts import CONTEXTS, Codes
from .csv_file import Batch, CsvFile, Names, is_missing

__all__ = ["COLUMNS", "check_contexts", "context_codes", "sources_of"]

COLUMNS: Names = {
    "skip": ("skip", "skipped", "skip_2"),
    "hour": ("hour", "hour_of_day"),
    "day": ("day", "day_of_week", "weekday"),
}
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
SECONDS = (1e8, 1e11)
"""The least and the greatest number that is a time: seconds since 1970."""


def check_contexts(names: Sequence[str]) -> None:
    """Raise ConfigError for a name that is no context, or stands twice."""
    for name in names:
        require(name in CONTEXTS and names.count(name) == 1, "context", f"one or more of {', '.join(CONTEXTS)}", name)


def sources_of(name: str) -> tuple[str, ...]:
    """Our names of the columns that tell a context, the preferred one first."""
    return (name,) if name == "skip" else (name, "time")


def context_codes(file: CsvFile, batch: Batch, names: Sequence[str]) -> Codes:
    """(n, n_names) the codes of some contexts. Raises DataError, with the line, for what is no value of one."""
    codes = np.zeros((len(batch), len(names)), dtype=np.uint8)
    for column, name in enumerate(names):
        values = _skips(file, batch) if name == "skip" else _times(file, batch, name)
        known = np.isfinite(values)
        codes[:, column] = np.where(known, np.where(known, values, 0), CONTEXTS[name])
    return codes


def _skips(file: CsvFile, batch: Batch) -> npt.NDArray[np.float64]:
    text = pc.utf8_lower(batch.columns["skip"])
    yes, no = pc.is_in(text, pa.array(TRUE)), pc.is_in(text, pa.array(FALSE))
    file.require(pc.or_(pc.or_(yes, no), is_missing(text)), "skip", batch, "true or false")
    values = pc.if_else(yes, 1.0, pc.if_else(no, 0.0, np.nan))
    return np.asarray(values)


def _times(file: CsvFile, batch: Batch, name: str) -> npt.NDArray[np.float64]:
    """The hour of the day or the day of the week, NaN where it is not known: by its column, or else by the time."""
    if name in file.columns:
        values = np.asarray(pc.fill_null(file.numbers(name, batch), np.nan))
        good = np.isnan(values) | (np.isin(values, np.arange(CONTEXTS[name])))
        file.require(pa.array(good), name, batch, f"a whole number from 0 to {CONTEXTS[name] - 1}")
        return values
    seconds = file.moments("time", batch)
    good = np.isnan(seconds) | ((seconds >= SECONDS[0]) & (seconds < SECONDS[1]))
    file.require(pa.array(good), "time", batch, f"a date or seconds since 1970 to tell the {name}")
    return seconds // 3600 % 24 if name == "hour" else (seconds // 86400 + 3) % 7  # 1970 began on a Thursday
