"""The neighbourhood of a playlist, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...corpus.corpus import Corpus
from ..analysis.neighbourhood import neighbourhood, spring_layout
from .figure import INK, Annotation, Figure, Panel
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["graph"]

LOOKS = {
    "playlist": ("s", COLOURS[0], 9.0),
    "track": ("o", COLOURS[1], 7.0),
    "artist": ("^", COLOURS[2], 8.0),
}
"""Marker, colour and size of the node types."""


def graph(corpus: Corpus, playlist: int | None = None, *, seed: int = 0) -> Figure:
    """Playlists, tracks and artists around a playlist, and the core among them.

    Args:
        corpus: the training entries. playlist: its row; none for one that is easy to read.
    """
    found = neighbourhood(corpus, playlist, seed=seed)
    places = spring_layout(len(found.nodes), found.edges, seed=seed)
    names = [_name(corpus, kind, row) for kind, row in found.nodes]
    degree = np.bincount(found.edges.ravel(), minlength=len(names))
    inside = found.core[found.edges].all(1) if len(found.edges) else np.zeros(0, bool)
    kinds = [kind for kind, _ in found.nodes]
    core = f"{found.k}-core"

    def draw(axes: Axes) -> Sequence[Annotation]:
        for thick in (False, True):
            ends = places[found.edges[inside == thick]]
            x, y = (np.insert(ends[:, :, axis], 2, np.nan, axis=1).ravel() for axis in (0, 1))
            line = axes.plot(x, y, color=INK if thick else "#777777", zorder=1)[0]
            line.set(linewidth=1.3 if thick else 0.7, alpha=0.75 if thick else 0.45)
            line.set_label(f"edge of the {core}" if thick else "edge")
        for kind, (marker, colour, size) in LOOKS.items():
            of = np.array([k == kind for k in kinds])
            axes.plot(*places[of].T, marker, color=colour, markersize=size, label=kind, zorder=2)
        ring: dict[str, Any] = {
            "markersize": 14,
            "markerfacecolor": "none",
            "markeredgecolor": INK,
            "label": f"in the {core}",
        }
        axes.plot(*places[found.core].T, "o", **ring)
        axes.plot(*places[0], "s", markersize=11, color=LOOKS["playlist"][1], markeredgecolor=INK, zorder=3)
        axes.set_axis_off()
        axes.margins(0.13, 0.06)
        order = sorted(range(len(names)), key=lambda i: (i > 0, kinds[i] != "playlist", -int(degree[i])))
        return [
            Annotation(
                places[i, 0],
                places[i, 1],
                _told(names[i], kinds[i], int(degree[i]), bool(found.core[i]), core),
                names[i],
                8 if found.core[i] else 5,
                i == 0,
            )
            for i in order
        ]

    counted = ", ".join(f"{kinds.count(kind)} {kind}s" for kind in LOOKS)
    rows = [(name, kind, int(d), core if c else "") for name, kind, d, c in zip(names, kinds, degree, found.core)]
    return Figure(
        "graph",
        f"Around {names[0]}",
        "The playlists that share most with it, the tracks that most of these hold (its own, and some that it has "
        f"not), and their artists; training entries alone. Ringed is the {core} of what is shown: playlists and tracks "
        f"with at least {found.k} of each other. Names are left out where they would overlap.",
        [
            Panel(
                f"Around {names[0]}",
                draw,
                f"Graph of {counted} around {names[0]}; {int(found.core.sum())} of them are the {core}.",
                (5.4, 6.0),
                (("name", "type", "edges shown", "core"), rows),
            )
        ],
    )


def _name(corpus: Corpus, kind: str, row: int) -> str:
    if kind == "track":
        track = corpus.describe(np.array([row]))[0]
        return str(track["track_name"] or track["track_uri"])
    if kind == "artist":
        return str(corpus.artists["name"][row].as_py() or corpus.artists["uri"][row].as_py())
    title = (corpus.titles(np.array([row])) or ("",))[0]
    return f"“{title}”" if title.strip() else f"playlist {corpus.playlists['pid'][row].as_py()}"


def _told(name: str, kind: str, degree: int, core: bool, which: str) -> str:
    edges = "1 edge" if degree == 1 else f"{degree} edges"
    return f"{kind} {name}: {edges} shown" + (f", in the {which}" if core else "")
