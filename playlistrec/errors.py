"""The errors a user can meet. Each message is one line that names the thing, the rule and the value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PlaylistrecError(Exception):
    """Base of every error that is about the user's data, run or options rather than about our code."""


class DataError(PlaylistrecError):
    """A source, a data folder, or an id that is not in it."""


class RunError(PlaylistrecError):
    """A run folder: missing, unfinished, or made from other data."""


class ConfigError(PlaylistrecError, ValueError):
    """An option that does not exist or has a value it cannot have."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known word most like ``word``, or ``""``.

    >>> nearest("layer", ["layers", "dim"])
    " (did you mean 'layers'?)"
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
