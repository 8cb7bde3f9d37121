"""Events: how the library says what it is doing without drawing anything.

Long-running functions take ``on_event``, any callable of one :class:`Event`; the command line draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event", "OnEvent", "ignore"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: ``"message"`` (a remark worth a line), ``"warning"``, ``"progress"`` (``done`` of ``total`` in
            ``data``), ``"epoch"`` (``data`` is the epoch's record), or ``"begin"`` and ``"end"`` of a fit (``data`` is
            what ``run.json`` says then).
        text: one line for a person.
        data: the same for a program.
    """

    kind: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Drop the event; the default everywhere."""
