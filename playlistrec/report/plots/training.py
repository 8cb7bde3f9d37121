"""Training curves: loss and validation metrics of runs, by epoch and by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import ConfigError, RunError
from ..analysis.training import History, Points
from .figure import INK, Annotation, Figure, Panel
from .style import curve, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["training"]


PARTS = ("train", "valid", "test")
LINKS = {"loss": "Loss of links, by part", "auc": "ROC-AUC of links, by part"}
"""What ``link_curves`` notes of each part, and the headings."""


def training(histories: Mapping[str, History], metrics: Sequence[str] = ()) -> Figure:
    """Loss by epoch, a panel for each kind of loss; the criterion by epoch and by time; and the curves of links.

    Args:
        metrics: further metrics of the validation that are drawn by epoch.

    Raises RunError where no run was trained, ConfigError for a metric that none of them noted.
    """
    trained = {name: history for name, history in histories.items() if history.records}
    if not trained:
        raise RunError(f"{', '.join(histories)}: no run here was trained by epochs")
    names = list(histories)  # a run looks the same in all figures
    panels = []
    for loss in dict.fromkeys(history.loss for history in trained.values()):
        curves = {name: h.points("loss") for name, h in trained.items() if h.loss == loss}
        panels.append(_panel(f"Training loss ({loss})", "loss, mean over the epoch", "epoch", curves, names, {}))
    noted = dict.fromkeys(key for h in trained.values() for record in h.records for key in record)
    for what, heading in LINKS.items():
        curves = {f"{n}, {part}": h.points(f"{what}_{part}") for n, h in trained.items() for part in PARTS}
        if any(curves.values()):
            panels.append(_panel(heading, what.replace("auc", "ROC-AUC"), "epoch", curves, list(curves), {}))
    criteria = [h.criterion for h in trained.values() if h.criterion in noted]
    best = {name: h.best_epoch for name, h in trained.items() if h.best_epoch}
    for metric in dict.fromkeys([*criteria, *metrics]):
        if metric not in noted:
            known = [key for key in noted if key not in ("epoch", "loss") and key.partition("_")[2] not in PARTS]
            raise ConfigError(f"--metric must be one that a run noted: {', '.join(known) or 'none'} (got {metric!r})")
        curves = {name: h.points(metric) for name, h in trained.items()}
        panels.append(_panel(f"Validation {_name(metric)}", _name(metric), "epoch", curves, names, best))
    if criteria:
        timed = {name: h.minutes(criteria[0]) for name, h in trained.items()}
        if any(timed.values()):
            heading = f"Validation {_name(criteria[0])} by time"
            panels.append(_panel(heading, _name(criteria[0]), "minutes", timed, names, {}))
    return Figure(
        "training",
        "Training",
        "Losses of different kinds do not compare, so each kind has axes of its own. Validation metrics, the criterion "
        "of each run first, are of full ranking unless a run says otherwise; a ring marks the epoch whose weights were "
        "kept.",
        panels,
    )


def _panel(
    title: str, what: str, by: str, curves: Mapping[str, Points], names: Sequence[str], best: Mapping[str, int | None]
) -> Panel:
    curves = {name: points for name, points in curves.items() if points}

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for name, points in curves.items():
            x, y = zip(*points)
            few = {round(i * (len(x) - 1) / 14) for i in range(15)}
            curve(axes, x, y, names.index(name), label=name, marks=[i in few for i in range(len(x))])
            ringed = [(epoch, value) for epoch, value in points if epoch == best.get(name)]
            for epoch, value in ringed:
                axes.plot(epoch, value, "o", markersize=11, markerfacecolor="none", markeredgecolor=INK)
            unit = "epoch {:g}" if by == "epoch" else "{:.1f} minutes"
            annotations += [
                Annotation(a, b, f"{name}, {unit.format(a)}: {b:.4f}") for i, (a, b) in enumerate(points) if i in few
            ]
        axes.set(xlabel=by, ylabel=what)
        if by == "epoch":
            whole_ticks(axes)
        return annotations

    rows = [
        (
            name,
            len(points),
            f"{points[0][1]:.4f}",
            f"{points[-1][1]:.4f}",
            *((f"{max(points, key=lambda p: p[1])[1]:.4f}", f"{max(points, key=lambda p: p[1])[0]:g}") if best else ()),
        )
        for name, points in curves.items()
    ]
    columns = ("run", "points", "first", "last", *(("highest", "at epoch") if best else ()))
    summary = "; ".join(f"{name} from {row[2]} to {row[3]}" for name, row in zip(curves, rows))
    return Panel(title, draw, f"{what} by {by}: {summary}.", numbers=(columns, rows))


def _name(metric: str) -> str:
    return metric.upper() if metric.startswith(("ndcg", "map", "mrr", "auc")) else metric.capitalize()
