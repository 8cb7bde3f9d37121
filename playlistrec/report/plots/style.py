"""The style of all figures: colours for the colour-blind, each with a marker and a dash of its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from ...storage import write_file
from .figure import INK, Annotation, Figure, Panel
from .labels import name_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

__all__ = ["Look", "band", "curve", "form_of", "look", "plain_ticks", "rendered", "save", "whole_ticks"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#B05C92", "#C98500", "#3A9AD1", "#6B6B6B")
"""Okabe & Ito 2008, "Color universal design", the lighter ones darkened for thin lines on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))

RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.parse_math": False,  # names of tracks may hold dollar signs
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#8a8a8a",
    "grid.alpha": 0.28,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "playlistrec",  # the same figure, the same file
    "pdf.fonttype": 42,
}


FRAME = 800
"""Milliseconds of a frame."""


@dataclass(frozen=True)
class Look:
    """The colour, marker and dash of one series."""

    colour: str
    marker: str
    dash: Any


def look(index: int) -> Look:
    """The look of the ``index``-th series; 280 go by before one comes again.

    >>> look(0).colour, look(7).marker
    ('#0072B2', '*')
    """
    return Look(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], DASHES[index % len(DASHES)])


def curve(
    axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, index: int, *, label: str = "_", marks: npt.ArrayLike | None = None
) -> None:
    """The ``index``-th series as a line, with markers at all points or where ``marks`` is true."""
    style = look(index)
    every = None if marks is None else np.flatnonzero(marks).tolist()
    axes.plot(
        np.asarray(x),
        np.asarray(y),
        color=style.colour,
        linestyle=style.dash,
        marker=style.marker,
        markevery=every,
        label=label,
    )


def band(axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, deviations: npt.ArrayLike, index: int) -> None:
    """One standard deviation about the ``index``-th series."""
    middle, half = np.asarray(y), np.asarray(deviations)
    axes.fill_between(np.asarray(x), middle - half, middle + half, color=look(index).colour, alpha=0.18, linewidth=0)


def plain_ticks(axes: Axes, x: bool = True, y: bool = True) -> None:
    """On log axes numbers such as 1,000 in place of powers of ten; 2 and 5 too where there are few tens."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis, integers in ((axes.xaxis, x), (axes.yaxis, y)):
        if axis.get_scale() == "log":
            low, high = axis.get_minpos(), axis.get_data_interval()[1]
            if low < high < 50 * low:
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            form = FuncFormatter(
                lambda value, _, whole=integers: f"{value:,.0f}" if whole and value >= 1 else f"{value:g}"
            )
            axis.set_major_formatter(form)
            axis.set_minor_formatter(NullFormatter())


def whole_ticks(axes: Axes) -> None:
    """Only whole numbers along the x axis."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


@contextmanager
def rendered(
    panels: Sequence[Panel], columns: int = 3
) -> Iterator[tuple[MplFigure, list[tuple[Axes, Sequence[Annotation]]]]]:
    """A figure of the panels, each with its axes and annotations. Its settings end with this context.

    Raises ConfigError where matplotlib is missing.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure as MplFigure
    except ImportError:
        raise ConfigError("figures need the package matplotlib: pip install 'playlistrec[plots]'") from None
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    width, height = max(p.size[0] for p in panels), max(p.size[1] for p in panels)
    settings: Any = RC
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the font has no emoji; the names are elsewhere
        canvas = MplFigure(figsize=(columns * width, rows * height), dpi=72, layout="constrained")
        places = []
        labels: dict[str, Any] = {}
        for index, panel in enumerate(panels):
            axes = canvas.add_subplot(rows, columns, index + 1)
            axes.set_title(panel.title)
            annotations = panel.draw(axes)
            handles, names = axes.get_legend_handles_labels()
            labels |= dict(zip(names, handles))
            places.append((axes, annotations))
        if labels:
            wide = max(map(len, labels)) > 18
            canvas.legend(
                labels.values(),
                labels.keys(),
                loc="outside lower left",
                ncols=max(1, columns * (1 if wide else 2 if max(map(len, labels)) > 11 else 3)),
                fontsize=8,
            )
        canvas.draw_without_rendering()  # settles where the axes are
        canvas.set_layout_engine("none")
        for axes, annotations in places:
            name_points(axes, annotations)
        yield canvas, places


def save(figure: Figure, path: Path) -> None:
    """Write a figure as ``.png``, ``.svg`` or ``.pdf``, or as a ``.gif`` that moves from frame to frame.

    Raises ConfigError for another suffix, or a figure that cannot move; RunError where the file cannot be written.
    """
    form = form_of(path)
    if form == "gif":
        write_file(path, _animated(figure).getbuffer())
        return
    made: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    write_file(path, _printed(figure.panels, figure.columns, form, metadata=made[form]).getbuffer())


def _printed(panels: Sequence[Panel], columns: int, form: str, **options: Any) -> BytesIO:
    with rendered(panels, columns) as (canvas, _):
        buffer = BytesIO()
        canvas.savefig(buffer, format=form, **{"dpi": 200, **options})
    buffer.seek(0)
    return buffer


def _animated(figure: Figure) -> BytesIO:
    """A GIF of the frames, the last of which stays longer."""
    if not figure.frame:
        raise ConfigError(f"a .gif moves, and {figure.name} does not: -o must end in .png, .svg or .pdf")
    from PIL import Image  # of matplotlib's own needs

    starts = range(0, len(figure.panels), figure.frame)
    parts = [figure.panels[start : start + figure.frame] for start in starts]
    frames = [Image.open(_printed(part, figure.columns, "png", dpi=120)).convert("RGB") for part in parts]
    sizes = [frame.size for frame in frames]
    size = max(width for width, _ in sizes), max(height for _, height in sizes)
    frames = [frame.resize(size) if frame.size != size else frame for frame in frames]
    buffer = BytesIO()
    pauses = [FRAME] * (len(frames) - 1) + [3 * FRAME]
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0)
    return buffer


def form_of(path: Path) -> Literal["png", "svg", "pdf", "gif"]:
    """The format of a file, by its suffix. Raises ConfigError for another suffix."""
    form = path.suffix.lower().removeprefix(".")
    if form not in ("png", "svg", "pdf", "gif"):
        raise ConfigError(f"-o must end in .png, .svg or .pdf, or for epochs in .gif (got {path.name!r})")
    return form  # type: ignore[return-value]
