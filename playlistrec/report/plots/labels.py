"""Names beside points, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .figure import PAPER, Annotation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["name_points", "places", "shortened"]

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Positions of a name, relative to its point: right, left, above, below, and between."""

FAR = (1.0, 2.2, 3.6)
"""The largest distance from a point to its name, in radii of the point; a name that needs more is left out."""


def places(
    points: npt.NDArray[np.float64], radii: Sequence[float], sizes: Sequence[tuple[float, float]], within: Box
) -> list[tuple[float, float] | None]:
    """For each point the lower left corner of its name, none where it has no room.

    A name overlaps no other name and no point, and stays ``within``. The first points choose first.

    Args:
        points: (n, 2). radii: of the points' markers. sizes: widths and heights of the names, 0 wide for none.

    >>> places(np.array([[0.0, 0.0]]), [1], [(5, 2)], (-9, -9, 9, 9))
    [(2.0, -1.0)]
    """
    taken: list[Box] = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(points.tolist(), radii)]
    found: list[tuple[float, float] | None] = []
    for index, ((x, y), radius, (width, height)) in enumerate(zip(points.tolist(), radii, sizes)):
        box_corner = None
        for far in FAR if width else ():
            gap = radius * far + 1
            for dx, dy in AROUND:
                left = x + dx * gap - (width if dx < 0 else 0 if dx > 0 else width / 2)
                bottom = y + dy * gap - (height if dy < 0 else 0 if dy > 0 else height / 2)
                box = (left, bottom, left + width, bottom + height)
                others = (other for at, other in enumerate(taken) if at != index)
                if _inside(box, within) and not any(_overlap(box, other) for other in others):
                    box_corner = (left, bottom)
                    taken.append(box)
                    break
            if box_corner:
                break
        found.append(box_corner)
    return found


def name_points(axes: Axes, annotations: Sequence[Annotation], *, size: float = 7, most: int = 24) -> None:
    """Write labels beside their points; the layout of the figure must be settled, at 72 dots an inch."""
    if not any(a.name for a in annotations):
        return
    points = axes.transData.transform([(a.x, a.y) for a in annotations])
    texts = [
        axes.annotate(
            shortened(a.name, most),
            (0, 0),
            xycoords="figure points",
            fontsize=size,
            fontweight="bold" if a.bold else "normal",
            annotation_clip=False,
            zorder=5,
            bbox={"facecolor": PAPER, "alpha": 0.8, "linewidth": 0, "pad": 0.4},
        )
        for a in annotations
    ]
    boxes = [text.get_window_extent() for text in texts]
    sizes = [(box.width, box.height) if a.name else (0.0, 0.0) for a, box in zip(annotations, boxes)]
    found = places(points, [a.radius for a in annotations], sizes, _box(axes))
    for text, place in zip(texts, found):
        if place is None:
            text.remove()
        else:
            text.set(x=0, y=0, verticalalignment="bottom")
            text.xy = text.xyann = place


def shortened(text: str, most: int = 34) -> str:
    """One line of at most so many signs.

    >>> shortened("a  long\\nname", 8)
    'a long…'
    """
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _box(axes: Axes) -> Box:
    frame = axes.get_window_extent()
    return frame.x0, frame.y0, frame.x1, frame.y1


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
