"""Embedding maps: PCA and t-SNE of each run, and the separation of artists over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...config import require
from ...corpus.corpus import Corpus
from ...errors import RunError
from ..analysis.embedding_map import (
    NEIGHBOURS,
    Chosen,
    Floats,
    chance,
    pca,
    purity,
    tsne,
    with_artists,
)
from .figure import INK, Annotation, Figure, Panel
from .labels import shortened
from .style import curve, look, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Names", "embedding_map", "epochs", "separation"]

Method = Literal["PCA", "t-SNE"]
Snapshots = Mapping[str, Mapping[int, Floats]]

SQUARE = (4.0, 4.2)


@dataclass(frozen=True)
class Names:
    """The names of a map's points: tracks first, then artists."""

    tracks: list[str]
    artists: list[str]

    @classmethod
    def of(cls, corpus: Corpus, chosen: Chosen) -> Names:
        described = corpus.describe(chosen.tracks)
        artists = [shortened(name or str(row), 40) for name, row in zip(chosen.names, chosen.artists)]
        tracks = [
            shortened(f"{row['track_name'] or row['track_uri']} ({artists[label]})", 80)
            for row, label in zip(described, chosen.labels.tolist())
        ]
        return cls(tracks, artists)


def embedding_map(vectors: Mapping[str, Floats], chosen: Chosen, names: Names, *, seed: int = 0) -> Figure:
    """Each run's vectors (n, d) of the chosen tracks in two dimensions, by PCA and by t-SNE."""
    methods: tuple[Method, ...] = ("PCA", "t-SNE")
    panels = [
        _map(f"{shortened(run, 24)}, {method}", theirs, chosen, names, method, seed)
        for run, theirs in vectors.items()
        for method in methods
    ]
    return Figure(
        "map",
        "Map of artists and their tracks",
        "Small marks are tracks, the large ones with an edge artists: the mean of their tracks. PCA keeps the two "
        "directions in which the vectors differ most, so distances mean something but much is left out; t-SNE keeps "
        "who is near whom, and its distances between clouds mean nothing. Purity is measured in all dimensions: of a "
        f"track's {NEIGHBOURS} nearest here, the share by its own artist ({chance(chosen.labels):.2f} by chance).",
        panels,
        columns=4 if len(vectors) > 1 else 2,
    )


def separation(snapshots: Snapshots, chosen: Chosen, runs: Sequence[str]) -> Figure:
    """The separation of artists by epoch, run beside run.

    Args:
        snapshots: the vectors (n, d) of the chosen tracks by run and epoch. runs: all that are drawn anywhere.
    """
    pure = {
        run: {epoch: purity(vectors, chosen.labels) for epoch, vectors in sorted(epochs.items())}
        for run, epochs in snapshots.items()
    }
    floor = chance(chosen.labels)

    def draw(axes: Axes) -> Sequence[Annotation]:
        for run, found in pure.items():
            curve(axes, list(found), list(found.values()), runs.index(run), label=run)
        axes.axhline(floor, color=INK, linewidth=1, linestyle=":", label="chance")
        axes.set(xlabel="epoch", ylabel=f"purity of the {NEIGHBOURS} nearest", ylim=(0, 1.03))
        whole_ticks(axes)
        return [
            Annotation(e, p, f"{run}, epoch {e}: purity {p:.3f}")
            for run, found in pure.items()
            for e, p in found.items()
        ]

    rows = [(run, epoch, value) for run, found in pure.items() for epoch, value in found.items()]
    summary = "; ".join(f"{run} at epoch {epoch} {value:.2f}" for run, epoch, value in rows)
    return Figure(
        "separation",
        "How the artists part over the epochs",
        f"Purity is the share of a track's {NEIGHBOURS} nearest, by cosine among the tracks shown, that are by its own "
        "artist. Epoch 0 is before training: where artists are nodes of the graph, tracks of one artist begin near "
        "each other, and training moves them to those they share playlists with; random vectors alone begin at chance.",
        [
            Panel(
                "Artists kept apart, by epoch",
                draw,
                f"Purity by epoch: {summary}; chance is {floor:.2f}.",
                numbers=(("run", "epoch", "purity"), rows),
            )
        ],
    )


def epochs(snapshots: Snapshots, chosen: Chosen, names: Names, *, method: str = "tsne", seed: int = 0) -> Figure:
    """A map of each run at each epoch that all of them kept; those of one epoch beside each other, and one frame.

    Args:
        method: ``tsne``, each map on its own, or ``pca``, where all epochs of a run have one projection and one scale.
    """
    require(method in ("tsne", "pca"), "method", "tsne or pca", method)
    shared = set.intersection(*(set(kept) for kept in snapshots.values()))
    fixed = {run: _projected([kept[e] for e in sorted(shared)], chosen) for run, kept in snapshots.items() if shared}
    panels = [
        _map(f"{shortened(run, 20)}, epoch {epoch}", kept[epoch], chosen, names, "t-SNE", seed)
        if method == "tsne"
        else _map(f"{shortened(run, 20)}, epoch {epoch}", kept[epoch], chosen, names, "PCA", seed, fixed[run][at])
        for at, epoch in enumerate(sorted(shared))
        for run, kept in snapshots.items()
    ]
    if not panels:
        raise RunError(f"{', '.join(snapshots)}: no epoch is kept in all of these runs")
    each = "t-SNE, each begun from the principal components of its own vectors, so that places do not compare between "
    one = "The two directions in which the vectors of all epochs of a run differ most, so that places compare between "
    return Figure(
        "epochs",
        "The map, epoch by epoch",
        f"{each}maps, and nearness does." if method == "tsne" else f"{one}its epochs.",
        panels,
        min(len(snapshots), 4),
        frame=len(snapshots),
    )


def _projected(vectors: Sequence[Floats], chosen: Chosen) -> list[tuple[Floats, float]]:
    """The points (n + artists, 2) of each epoch in one projection, and half the width that holds all of them."""
    points = [with_artists(epoch, chosen.labels) for epoch in vectors]
    places, _ = pca(np.concatenate(points))
    half = 1.1 * float(np.abs(places).max())
    return [(part, half) for part in np.split(places, len(points))]


def _map(
    title: str,
    vectors: Floats,
    chosen: Chosen,
    names: Names,
    method: Method,
    seed: int,
    fixed: tuple[Floats, float] | None = None,
) -> Panel:
    """A map; ``fixed`` are its places and half the width of its axes, where they are given."""
    points = with_artists(vectors, chosen.labels)
    if fixed is not None:
        found, share = fixed[0], 0.0
    else:
        found, share = pca(points) if method == "PCA" else (tsne(points, seed), 0.0)
    places = np.round(found, 4)
    pure, n = purity(vectors, chosen.labels), len(chosen.tracks)

    def draw(axes: Axes) -> Sequence[Annotation]:
        for label, artist in enumerate(names.artists):
            style, own = look(label), np.flatnonzero(chosen.labels == label)
            axes.plot(*places[own].T, style.marker, color=style.colour, markersize=4, alpha=0.8, markeredgewidth=0)
            axes.plot(
                *places[n + label], style.marker, color=style.colour, markersize=9, markeredgecolor=INK, label=artist
            )
        axes.set(
            xticks=[], yticks=[], xlabel=f"purity {pure:.2f}" + (f", {share:.0%} of the variance" if share else "")
        )
        axes.spines[:].set(visible=True, color="#8a8a8a")
        axes.set_aspect("equal", "datalim")
        axes.margins(0.12)
        if fixed is not None:
            axes.set(xlim=(-fixed[1], fixed[1]), ylim=(-fixed[1], fixed[1]))
        artists = [
            Annotation(
                places[n + i, 0],
                places[n + i, 1],
                f"{artist}: {int((chosen.labels == i).sum())} tracks",
                artist,
                5,
                True,
            )
            for i, artist in enumerate(names.artists)
        ]
        return artists + [Annotation(x, y, name) for (x, y), name in zip(places[:n].tolist(), names.tracks)]

    return Panel(
        title,
        draw,
        f"{method} map of {n} tracks by {len(names.artists)} artists: {', '.join(names.artists)}. "
        f"Purity {pure:.2f}, by chance {chance(chosen.labels):.2f}.",
        SQUARE,
    )
