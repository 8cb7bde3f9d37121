"""Descriptions of figures, independent of how they are rendered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["INK", "PAPER", "SIZE", "Annotation", "Figure", "Panel"]

INK, PAPER = "#1b1b1b", "#fefefe"
"""Text and axes, and what lies behind names; in the report they become the colours of the page."""

SIZE = (4.8, 3.5)
"""Of a panel, in inches: narrow, so that its 9 pt are still to be read on a telephone."""


@dataclass(frozen=True)
class Annotation:
    """A point of a panel, in the coordinates of its axes, and the text shown when it is pointed at.

    Attributes:
        name: the label beside it, where there is room; the first annotations go first.
        radius: of its marker, in points of print, where names must not hide it.
        bold: how the name is written.
    """

    x: float
    y: float
    text: str
    name: str = ""
    radius: float = 2.5
    bold: bool = False


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Attributes:
        draw: draws on empty axes; returns the annotations that the report shows.
        alt: what it shows, for those who do not see it.
        size: in inches.
        numbers: columns and rows of the figures behind it, where they make a table.
    """

    title: str
    draw: Callable[[Axes], Sequence[Annotation]]
    alt: str
    size: tuple[float, float] = SIZE
    numbers: tuple[Sequence[str], Sequence[Sequence[object]]] | None = None

    def __post_init__(self) -> None:
        assert self.alt, "a panel has words for those who do not see it"


@dataclass(frozen=True)
class Figure:
    """A row of panels, which `plot` writes to one file and the report shows one by one.

    Attributes:
        caption: how to read it.
        columns: panels beside each other, where there is room.
        frame: panels of one frame, where the figure can move; 0 where it cannot.
    """

    name: str
    title: str
    caption: str
    panels: Sequence[Panel]
    columns: int = 3
    frame: int = 0
