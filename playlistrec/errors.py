"""The errors a user can meet. Each message is one line that names the thing, the rule and the value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FLAGS = {"trust": "allow"}
"""Arguments that the command line calls otherwise."""


@dataclass(frozen=True)
class Hint:
    """A remedy for an error, worded for a library and for a command line.

    Attributes:
        text: a clause in which ``{name}`` stands for an option.
        options: names and values of the options; ``True`` for a switch, ``None`` for a value that the user knows, a
            text or a tuple for one that the hint gives.
        settings: names and values of options of a model or its training.

    >>> hint = Hint("choose another folder, or replace it with {force}", {"force": True})
    >>> hint.in_python()
    'choose another folder, or replace it with force=True'
    >>> hint.on_command_line()
    'choose another folder, or replace it with --force'
    """

    text: str
    options: tuple[tuple[str, Any], ...] | dict[str, Any] = ()
    settings: tuple[tuple[str, Any], ...] | dict[str, Any] = ()

    def in_python(self) -> str:
        """The clause with keyword arguments."""
        words = {
            name: f"{name}=…" if value is None else f"{name}={value!r}" for name, value in dict(self.options).items()
        }
        words |= {name: f"options={{{name!r}: {value!r}}}" for name, value in dict(self.settings).items()}
        return self.text.format(**words)

    def on_command_line(self) -> str:
        """The clause with the options of the command line."""
        words = {name: f"--{FLAGS.get(name, name).replace('_', '-')}" for name in dict(self.options)}
        words |= {
            name: f"{words[name]} {v if isinstance(v, str) else ' '.join(v)}"
            for name, v in dict(self.options).items()
            if isinstance(v, tuple | str)
        }
        words |= {name: f"--set {name}={value}" for name, value in dict(self.settings).items()}
        return self.text.format(**words)


class PlaylistrecError(Exception):
    """Base of every error that is about the user's data, run or options rather than about our code.

    Args:
        message: the thing, the rule and the value.
        hint: what to do; ``str`` of the error words it for Python, the command line for a shell.
    """

    def __init__(self, message: str = "", hint: Hint | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}: {self.hint.in_python()}"

    def on_command_line(self) -> str:
        """The error in one line, its hint with the options of the command line."""
        return self.message if self.hint is None else f"{self.message}: {self.hint.on_command_line()}"


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
