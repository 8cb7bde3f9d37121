"""The whole graph, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...corpus.corpus import Corpus
from ..analysis.network import graph_layout, network
from .figure import INK, Annotation, Figure, Panel
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["network_figure"]

SQUARE = (8.0, 8.2)
KINDS = ("playlist", "track")


def network_figure(corpus: Corpus, k: int | None = None, sample: int = 7000, *, seed: int = 0) -> Figure:
    """The largest component of the training graph in two colours, the nodes of a k-core in front.

    Args: of :func:`~playlistrec.report.analysis.network.network`.
    """
    found = network(corpus, k, sample, seed=seed)
    n = len(found.playlists)
    places = graph_layout(found.edges, n, len(found.tracks), seed=seed)
    kind = np.repeat([0, 1], [n, len(found.tracks)])
    core = f"{found.k}-core"
    thin = min(1.0, 40 / np.sqrt(max(1, len(found.edges))))

    def draw(axes: Axes) -> Sequence[Annotation]:
        ends = np.stack([places[found.edges[:, 0]], places[n + found.edges[:, 1]]], axis=1)
        x, y = (np.insert(ends[:, :, axis], 2, np.nan, axis=1).ravel() for axis in (0, 1))
        axes.plot(x, y, color="#777777", linewidth=0.4, alpha=max(0.04, 0.35 * thin), zorder=1, rasterized=True)
        small = max(2.0, min(6.0, 150 / np.sqrt(found.n_nodes)))
        for inside in (False, True):
            for which, name in enumerate(KINDS):
                own = (kind == which) & (found.core == inside)
                look: dict[str, Any] = {"markersize": small * (1.5 if inside else 1.0), "color": COLOURS[which]}
                look |= {"markeredgecolor": INK, "markeredgewidth": 0.6} if inside else {"alpha": 0.4}
                look |= {"markeredgewidth": 0} if not inside else {}
                label = f"{name}, in the {core}" if inside else name
                axes.plot(*places[own].T, "s" if which == 0 else "o", label=label, zorder=2 + inside, **look)
        axes.set_axis_off()
        axes.set_aspect("equal", "datalim")
        return []

    shown = "" if found.n_nodes == found.whole else f" of {found.whole:,}, grown from a random playlist"
    counts = [
        (name, int((kind == which).sum()), int(((kind == which) & found.core).sum()))
        for which, name in enumerate(KINDS)
    ]
    return Figure(
        "network",
        "The graph of playlists and tracks",
        f"The largest component of the training graph: {found.n_nodes:,} nodes{shown}, {len(found.edges):,} edges. "
        f"In front are the nodes of the {core} of the whole. Neighbours are near each other; distances between clouds "
        "mean nothing.",
        [
            Panel(
                "Playlists and tracks",
                draw,
                f"Network of {n:,} playlists and {len(found.tracks):,} tracks; {int(found.core.sum()):,} of them are "
                f"in the {core}.",
                SQUARE,
                (("nodes", "shown", core), counts),
            )
        ],
    )
