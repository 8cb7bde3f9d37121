"""Plots of ranking quality: metrics with their intervals, recall by depth, by length and by popularity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...corpus.corpus import Ints
from ...corpus.split import EvaluationSet
from ..analysis.quality import (
    DEPTHS,
    LENGTHS,
    POPULARITY,
    Floats,
    Quality,
    grouped,
    intervals,
)
from .figure import Annotation, Figure, Panel
from .style import curve, look, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["by_length", "by_popularity", "metrics", "recall_over_k"]

Qualities = Mapping[str, Quality]

SHOWN = ("ndcg", "recall", "map")
FEW = 5
"""Playlists (or tracks) below which a group's mean is a point of its own, and no part of the line."""


def metrics(qualities: Qualities, title: str) -> Figure:
    """The means of the chief metrics with their 95 % intervals."""
    k = _depth(qualities)
    keys = [f"{name}@{k}" for name in SHOWN]
    bounds = _bounds(qualities, keys)
    return Figure(
        "metrics",
        f"Metrics, {title}",
        f"Mean over the playlists at depth {k}, with its 95 % bootstrap interval over playlists. Runs "
        "whose intervals overlap may differ all the same; the table of differences tests them playlist by playlist.",
        [_dots(key, qualities, bounds[key]) for key in keys],
    )


def _dots(key: str, qualities: Qualities, bounds: Floats) -> Panel:
    names = list(qualities)
    means = [quality.mean(key) for quality in qualities.values()]

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for i, (name, mean, (low, high)) in enumerate(zip(names, means, bounds)):
            axes.plot([low, high], [i, i], color=look(i).colour, linewidth=2, solid_capstyle="butt")
            axes.plot(mean, i, look(i).marker, color=look(i).colour, markersize=7)
            annotations.append(Annotation(mean, i, f"{name}: {key} {mean:.4f} ({low:.4f} to {high:.4f})"))
        axes.set_yticks(range(len(names)), names)
        axes.set(ylim=(len(names) - 0.4, -0.6), xlabel=_label(key))
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.15)
        return annotations

    summary = "; ".join(f"{name} {mean:.4f}" for name, mean in zip(names, means))
    return Panel(_label(key), draw, f"{_label(key)}: {summary}.", size=(4.8, 1.5 + 0.28 * len(names)))


def recall_over_k(qualities: Qualities, title: str) -> Figure:
    """Recall by the depth of the list."""
    wished = sorted({*DEPTHS, *(k for quality in qualities.values() for k in quality.ks)})
    depths = [k for k in wished if all(f"recall@{k}" in quality.per_query for quality in qualities.values())]
    curves = {name: [quality.mean(f"recall@{k}") for k in depths] for name, quality in qualities.items()}

    def draw(axes: Axes) -> Sequence[Annotation]:
        for index, (name, values) in enumerate(curves.items()):
            curve(axes, depths, values, index, label=name)
        axes.set(xscale="log", xlabel="k, tracks recommended", ylabel="recall@k", ylim=(0, None))
        plain_ticks(axes)
        return [
            Annotation(k, v, f"{name}: recall@{k} {v:.4f}") for name, vs in curves.items() for k, v in zip(depths, vs)
        ]

    return Figure(
        "recall-over-k",
        f"Recall over k, {title}",
        "The share of a playlist's hidden tracks that stand among the first k, mean over the playlists.",
        [
            Panel(
                "Recall by the length of the list",
                draw,
                "; ".join(f"{name} from {v[0]:.3f} at 1 to {v[-1]:.3f} at {depths[-1]}" for name, v in curves.items())
                + ".",
                numbers=(("k", *curves), [(k, *(v[i] for v in curves.values())) for i, k in enumerate(depths)]),
            )
        ],
    )


def by_length(qualities: Qualities, evaluation_set: EvaluationSet, title: str) -> Figure:
    """NDCG and recall by the number of tracks that a playlist shows."""
    names, group = grouped(np.diff(evaluation_set.seed_offsets), LENGTHS)
    counts = np.bincount(group).tolist()
    panels = []
    for key in (f"ndcg@{_depth(qualities)}", f"recall@{_depth(qualities)}"):
        found = {
            name: [quality.per_query[key][group == g] for g in range(len(names))] for name, quality in qualities.items()
        }
        means = {name: [float(values.mean()) for values in parts] for name, parts in found.items()}
        bounds = [intervals([parts[g] for parts in found.values()]) for g in range(len(names))]
        spread = {name: np.array([bound[i] for bound in bounds]) for i, name in enumerate(found)}
        panels.append(_groups(key, "tracks shown of the playlist", "playlists", names, counts, means, spread))
    return Figure(
        "by-length",
        f"By the length of the playlist, {title}",
        "Mean over the playlists that show so many tracks, repeats included, with 95 % bootstrap intervals. "
        f"Groups of fewer than {FEW} are hollow points beside the line.",
        panels,
    )


def by_popularity(qualities: Qualities, evaluation_set: EvaluationSet, popularity: Ints, title: str) -> Figure:
    """The share of the hidden tracks that are found, by how many known playlists hold the track."""
    names, group = grouped(popularity[evaluation_set.truth], POPULARITY)
    counts = np.bincount(group).tolist()
    rows = np.repeat(np.arange(len(evaluation_set)), np.diff(evaluation_set.truth_offsets))
    means, spread, k = {}, {}, _depth(qualities)
    for name, quality in qualities.items():
        hit = (quality.ranks > 0) & (quality.ranks <= k)
        shares = [_share(hit[group == g], rows[group == g]) for g in range(len(names))]
        means[name] = [share for share, _ in shares]
        spread[name] = np.array([[max(0.0, share - 1.96 * e), min(1.0, share + 1.96 * e)] for share, e in shares])
    key = f"share found among the first {k}"
    return Figure(
        "by-popularity",
        f"By the popularity of the track, {title}",
        f"Of the hidden tracks that so many known playlists hold, the share that stands among the first {k}. The "
        "intervals (95 %) take the tracks of one playlist together, as the standard error of a ratio.",
        [_groups(key, "known playlists that hold the track", "hidden tracks", names, counts, means, spread)],
    )


def _share(hit: Ints, rows: Ints) -> tuple[float, float]:
    """Hits per hidden track and their standard error over playlists.

    ``r = Σ h_p / Σ n_p``, ``se = sqrt(Σ (h_p - r n_p)²) / Σ n_p``. Cochran 1977, "Sampling techniques", section 6.4.
    """
    hits, sizes = np.bincount(rows, hit), np.bincount(rows)
    share = hits.sum() / sizes.sum()
    return float(share), float(np.sqrt(((hits - share * sizes) ** 2).sum()) / sizes.sum())


def _groups(
    key: str,
    by: str,
    what: str,
    names: Sequence[str],
    counts: Sequence[int],
    means: Mapping[str, Sequence[float]],
    spread: Mapping[str, Floats],
) -> Panel:
    places = np.arange(len(names))
    apart = 0.5 / max(1, len(means))

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for index, (name, values) in enumerate(means.items()):
            x = places + (index - (len(means) - 1) / 2) * apart
            style = look(index)
            axes.vlines(x, spread[name][:, 0], spread[name][:, 1], color=style.colour, linewidth=1.2)
            many = np.array(counts) >= FEW
            curve(axes, x[many], np.array(values)[many], index, label=name)
            hollow: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": style.colour}
            axes.plot(x[~many], np.array(values)[~many], style.marker, **hollow)
            annotations += [
                Annotation(float(a), v, f"{name}, {group}: {v:.4f} ({low:.4f} to {high:.4f})")
                for a, v, group, (low, high) in zip(x, values, names, spread[name])
            ]
        ticks = [name.replace(" to ", "\nto ") + f"\nn = {_brief(n)}" for name, n in zip(names, counts)]
        axes.set_xticks(places, ticks, fontsize=7 if len(names) <= 8 else 5.5)
        axes.set(xlabel=f"{by} (n: {what})", ylabel=_label(key), ylim=(0, None))
        axes.grid(axis="x", visible=False)
        return annotations

    rows = [(name, n, *(values[g] for values in means.values())) for g, (name, n) in enumerate(zip(names, counts))]
    summary = "; ".join(f"{name} from {v[0]:.3f} to {v[-1]:.3f}" for name, v in means.items())
    return Panel(
        f"{_label(key)}" if "@" in key else "Hidden tracks found",
        draw,
        f"{_label(key)} by {by}, from {names[0]} to {names[-1]}: {summary}.",
        numbers=((by, what, *means), rows),
    )


def _bounds(qualities: Qualities, keys: Sequence[str]) -> dict[str, Floats]:
    """(n_runs, 2) intervals of each metric, all from the same draws."""
    found = intervals([quality.per_query[key] for key in keys for quality in qualities.values()])
    return dict(zip(keys, found.reshape(len(keys), len(qualities), 2)))


def _depth(qualities: Qualities) -> int:
    """The depth of the figures: the largest of the tables."""
    return max(next(iter(qualities.values())).ks)


def _label(key: str) -> str:
    return key.upper().replace("RECALL", "Recall") if "@" in key else key


def _brief(n: int) -> str:
    return f"{n:,}" if n < 10_000 else f"{n / 1_000:,.0f}k"
