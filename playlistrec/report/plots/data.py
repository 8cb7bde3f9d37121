"""Plots of a data folder: lengths, degrees, popularity, cores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...corpus.corpus import Corpus
from ..analysis.data_facts import (
    at_least,
    core_curve,
    degrees,
    histogram,
    popularity_curve,
    thinned,
)
from .figure import INK, Annotation, Figure, Panel
from .style import curve, look, plain_ticks, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["core_sizes", "degree_distributions", "lengths", "popularity"]

WHAT = {
    "playlist": "tracks of a playlist",
    "track": "playlists of a track",
    "artist": "tracks of an artist",
}


def lengths(corpus: Corpus) -> Figure:
    """The distribution of playlist lengths."""
    edges, counts = histogram(corpus.lengths)
    spans = [f"{a:,}" if b == a + 1 else f"{a:,} to {b - 1:,}" for a, b in zip(edges.tolist(), edges[1:].tolist())]
    middle = float(np.median(corpus.lengths[corpus.lengths > 0])) if counts.sum() else 0.0

    def draw(axes: Axes) -> Sequence[Annotation]:
        axes.bar(
            edges[:-1], counts, np.diff(edges), align="edge", color=look(0).colour, edgecolor="white", linewidth=0.5
        )
        axes.set(xscale="log", yscale="log", xlabel="entries in a playlist", ylabel="playlists")
        axes.set_xlim(left=edges[:-1][counts > 0].min(initial=edges[-2]) / 1.15)
        axes.axvline(middle, color=INK, linestyle="--", linewidth=1.2, label=f"median, {middle:,.0f}")
        plain_ticks(axes)
        centres = np.sqrt(edges[:-1] * edges[1:])
        return [
            Annotation(float(x), float(n), f"{span} entries: {n:,} playlists")
            for x, n, span in zip(centres, counts.tolist(), spans)
            if n
        ]

    return Figure(
        "lengths",
        "Lengths of the playlists",
        "How many playlists have how many entries, repeats included. Both axes are logarithmic, and so are the bins.",
        [
            Panel(
                "Playlists by length",
                draw,
                f"Histogram of {int(counts.sum()):,} playlists by number of entries; the median is {middle:,.0f}.",
                numbers=(("entries", "playlists"), list(zip(spans, counts.tolist()))),
            )
        ],
    )


def degree_distributions(corpus: Corpus) -> Figure:
    """The share of the nodes of each type that have at least so many neighbours."""
    curves = {kind: (at_least(values), values) for kind, values in degrees(corpus).items() if values.any()}

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for index, (kind, ((values, share), _)) in enumerate(curves.items()):
            few = thinned(len(values), 12)
            kept = np.union1d(thinned(len(values)), few)
            curve(axes, values[kept], share[kept], index, label=WHAT[kind], marks=np.isin(kept, few))
            annotations += [
                Annotation(float(v), float(s), f"{s:.3%} have at least {v:,} {WHAT[kind].split()[0]}: {kind}s")
                for v, s in zip(values[few], share[few])
            ]
        axes.set(xscale="log", yscale="log", xlabel="degree, at least", ylabel="share of the nodes")
        plain_ticks(axes, y=False)
        return annotations

    rows = [
        (
            kind,
            WHAT[kind],
            round(float(values[values > 0].mean()), 2),
            *(int(q) for q in np.percentile(values[values > 0], (50, 90, 99), method="lower")),
            int(values.max()),
        )
        for kind, (_, values) in curves.items()
    ]
    return Figure(
        "degrees",
        "Degrees of the graph",
        "The share of the nodes that have at least so many neighbours, each pair of playlist and track counted once. A "
        "straight line on these logarithmic axes is a power law.",
        [
            Panel(
                "Degrees of playlists, tracks, artists",
                draw,
                "Complementary cumulative degree distributions. "
                + " ".join(
                    f"{WHAT[kind].capitalize()}: median {np.median(v[v > 0]):,.0f}, most {v.max():,}."
                    for kind, (_, v) in curves.items()
                ),
                numbers=(("node", "degree is", "mean", "median", "90 %", "99 %", "most"), rows),
            )
        ],
    )


def popularity(corpus: Corpus) -> Figure:
    """The popularity curve, and how much of everything its head holds."""
    ranks, held, share = popularity_curve(corpus.popularity)
    n = len(ranks)
    tops = [(p, max(1, round(n * p / 100))) for p in (0.1, 1, 5, 10, 20, 50)] if n else []
    marks = [(f"{percent:g} %", count, float(share[count - 1])) for percent, count in tops]

    def ranked(axes: Axes) -> Sequence[Annotation]:
        few = thinned(n, 12)
        kept = np.union1d(thinned(n), few)
        curve(axes, ranks[kept], held[kept], 0, marks=np.isin(kept, few))
        axes.set(xscale="log", yscale="log", xlabel="rank of the track", ylabel="playlists that hold it")
        plain_ticks(axes)
        return [
            Annotation(float(r), float(h), f"track {r:,}: in {h:,} playlists") for r, h in zip(ranks[few], held[few])
        ]

    def head(axes: Axes) -> Sequence[Annotation]:
        kept = np.union1d(thinned(n), [count - 1 for _, count, _ in marks]).astype(np.int64)
        marked = np.isin(kept, [count - 1 for _, count, _ in marks])
        curve(axes, 100 * ranks[kept] / max(1, n), 100 * share[kept], 0, marks=marked)
        axes.set(xscale="log", ylim=(0, 105), xlabel="most popular tracks, % of all", ylabel="share of all pairs, %")
        plain_ticks(axes, y=False)
        return [
            Annotation(100 * c / n, 100 * s, f"the top {text} of the tracks: {s:.1%} of the pairs")
            for text, c, s in marks
        ]

    top = f"The most popular track is in {held[0]:,} playlists." if n else ""
    return Figure(
        "popularity",
        "Popularity of the tracks",
        "Left, how many playlists hold the track at each rank of popularity; right, the share of all pairs of playlist "
        "and track that the most popular ones hold together.",
        [
            Panel("Popularity by rank", ranked, f"Popularity against rank, falling on logarithmic axes. {top}"),
            Panel(
                "What the popular ones hold",
                head,
                "; ".join(f"the top {text} of the tracks hold {s:.1%} of the pairs" for text, _, s in marks) + ".",
                numbers=(("most popular", "tracks", "share of pairs"), [(t, c, f"{s:.1%}") for t, c, s in marks]),
            ),
        ],
    )


def core_sizes(corpus: Corpus) -> Figure:
    """The share of the data that each k-core keeps."""
    ks, left = core_curve(corpus)
    shown = [k for k in (1, 2, 3, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300) if k < len(ks)]
    shown += [len(ks)] if len(ks) else []

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for index, (name, counts) in enumerate(left.items()):
            curve(axes, ks, counts, index, label=name, marks=np.isin(ks, shown))
            annotations += [
                Annotation(float(k), float(counts[k - 1]), f"{k}-core: {counts[k - 1]:,} {name}") for k in shown
            ]
        axes.set(yscale="log", xlabel="k", ylabel="left in the k-core")
        whole_ticks(axes)
        plain_ticks(axes, x=False)
        return annotations

    return Figure(
        "k-core",
        "Sizes of the k-cores",
        "What is left when playlists and tracks that have fewer than k of each other fall out, until none does.",
        [
            Panel(
                "What each k-core keeps",
                draw,
                f"Playlists, tracks and pairs left by k, falling; the last core that holds anything is k = {len(ks)}.",
                numbers=(
                    ("k", *left),
                    [(k, *(int(counts[k - 1]) for counts in left.values())) for k in shown],
                ),
            )
        ],
    )
