"""Numbers and dates as numbers by which rows are ordered."""

from __future__ import annotations

from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["moments"]

NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"


def moments(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(n,) float64 values, null where the text is neither; and (n,) true where it is a number or a date.

    A date (ISO 8601, with or without a time and a zone) is seconds since 1970 in UTC; one without a zone counts as UTC.

    >>> moments(pa.array(["7", "1970-01-02", "1970-01-01T01:00:00+01:00", "x"]))[0].to_pylist()
    [7.0, 86400.0, 0.0, None]
    """
    numbers = pc.if_else(pc.match_substring_regex(text, NUMBER), text, pa.scalar(None, pa.string())).cast(pa.float64())
    if numbers.null_count:
        numbers = pc.coalesce(numbers, _seconds(text))
    return numbers, numbers.is_valid()


def _seconds(text: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(text, r" ?(Z|UTC|\+00:?00)$", "")
    try:  # all of one kind, as a program writes them
        stamps = pc.if_else(pc.equal(plain, ""), pa.scalar(None, pa.string()), plain).cast(pa.timestamp("us"))
        return pc.divide(stamps.cast(pa.int64()).cast(pa.float64()), 1e6)
    except pa.ArrowInvalid:
        encoded = plain.dictionary_encode()
        return pa.array(map(_second, encoded.dictionary.to_pylist()), pa.float64()).take(encoded.indices)


def _second(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
