"""Training curves: loss and validation metrics of runs, by epoch and by time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import ConfigError, RunError
from ..analysis.training import History, Points, averaged
from .figure import INK, Annotation, Figure, Panel
from .style import band, curve, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["training"]


PARTS = ("train", "valid", "test")
LINKS = {"loss": "Loss of links, by part", "auc": "ROC-AUC of links, by part"}
"""The values that ``link_curves`` notes of each part, and their headings."""


@dataclass(frozen=True)
class Curve:
    """A line of a panel: one fit, or the mean of fits that differ in their seed only.

    Attributes:
        look: which colour, marker and dash.
        deviations: over the seeds, one a point; empty for one fit.
        ring: the epoch whose weights were kept; none for several fits.
    """

    points: Points
    look: int
    deviations: Sequence[float] = ()
    ring: int | None = None


def training(histories: Mapping[str, History], metrics: Sequence[str] = ()) -> Figure:
    """Loss by epoch, a panel for each kind of loss; the criterion by epoch and by time; and the curves of links.

    Fits that differ in their seed only are one line, their mean, within a band of one standard deviation.

    Args:
        metrics: further metrics of the validation that are drawn by epoch.

    Raises RunError where no run was trained, ConfigError for a metric that none of them noted.
    """
    trained = {name: history for name, history in histories.items() if history.records}
    if not trained:
        raise RunError(f"{', '.join(histories)}: no run here was trained by epochs")
    looks = {name: i for i, name in enumerate(histories)}  # a run looks the same in all figures
    seeds = _by_seed(trained)

    def curves(metric: str, of: Callable[[History], bool] = lambda _: True) -> dict[str, Curve]:
        found = {}
        for label, names in seeds.items():
            lines = [points for name in names if of(trained[name]) and (points := trained[name].points(metric))]
            if lines:
                points, deviations = averaged(lines)
                found[label] = Curve(points, looks[names[0]], deviations, _ring(trained, names))
        return found

    panels = []
    for loss in dict.fromkeys(history.loss for history in trained.values()):
        lines = curves("loss", lambda h, loss=loss: h.loss == loss)  # type: ignore[misc]
        panels.append(_panel(f"Training loss ({loss})", "loss, mean over the epoch", lines, ringed=False))
    noted = dict.fromkeys(key for h in trained.values() for record in h.records for key in record)
    for what, heading in LINKS.items():
        parts = {(label, part): curve for part in PARTS for label, curve in curves(f"{what}_{part}").items()}
        if parts:
            lines = {f"{n}, {part}": replace(c, look=i) for i, ((n, part), c) in enumerate(sorted(parts.items()))}
            panels.append(_panel(heading, what.replace("auc", "ROC-AUC"), lines, ringed=False))
    criteria = [h.criterion for h in trained.values() if h.criterion in noted]
    for metric in dict.fromkeys([*criteria, *metrics]):
        if metric not in noted:
            known = [key for key in noted if key not in ("epoch", "loss") and key.partition("_")[2] not in PARTS]
            raise ConfigError(f"metric must be one that a run noted: {', '.join(known) or 'none'} (got {metric!r})")
        panels.append(_panel(f"Validation {_name(metric)}", _name(metric), curves(metric), ringed=True))
    if criteria:
        clocks = {label: averaged([trained[name].clock() for name in names])[0] for label, names in seeds.items()}
        timed = {label: _by_time(curve, dict(clocks[label])) for label, curve in curves(criteria[0]).items()}
        if any(curve.points for curve in timed.values()):
            heading = f"Validation {_name(criteria[0])} by time"
            panels.append(_panel(heading, _name(criteria[0]), timed, by="minutes", ringed=False))
    several = " A line over several seeds is their mean, and its band one standard deviation."
    return Figure(
        "training",
        "Training",
        "Losses of different kinds do not compare, so each kind has axes of its own. Validation metrics, the criterion "
        "of each run first, are of full ranking unless a run says otherwise; a ring marks the epoch whose weights were "
        f"kept.{several if len(seeds) < len(trained) else ''}",
        panels,
    )


def _by_seed(histories: Mapping[str, History]) -> dict[str, list[str]]:
    """Runs by label; those that differ in their seed only under one."""
    fits: dict[str, list[str]] = {}
    for name, history in histories.items():
        fits.setdefault(history.fit or name, []).append(name)
    return {
        names[0] if len(names) == 1 else f"{min(names, key=len)}, {len(names)} seeds": names for names in fits.values()
    }


def _ring(histories: Mapping[str, History], names: Sequence[str]) -> int | None:
    return histories[names[0]].best_epoch if len(names) == 1 else None


def _by_time(curve: Curve, minutes: Mapping[float, float]) -> Curve:
    """The curve by minutes of training, where these are known."""
    kept = [i for i, (epoch, _) in enumerate(curve.points) if epoch in minutes]
    points = [(minutes[curve.points[i][0]], curve.points[i][1]) for i in kept]
    return replace(curve, points=points, deviations=[curve.deviations[i] for i in kept] if curve.deviations else ())


def _panel(title: str, what: str, curves: Mapping[str, Curve], *, by: str = "epoch", ringed: bool) -> Panel:
    curves = {name: curve for name, curve in curves.items() if curve.points}

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for name, line in curves.items():
            x, y = (list(values) for values in zip(*line.points))
            few = {round(i * (len(x) - 1) / 14) for i in range(15)}
            curve(axes, x, y, line.look, label=name, marks=[i in few for i in range(len(x))])
            if line.deviations:
                band(axes, x, y, line.deviations, line.look)
            for epoch, value in line.points if ringed else ():
                if epoch == line.ring:
                    axes.plot(epoch, value, "o", markersize=11, markerfacecolor="none", markeredgecolor=INK)
            unit = "epoch {:g}" if by == "epoch" else "{:.1f} minutes"
            annotations += [
                Annotation(a, b, f"{name}, {unit.format(a)}: {b:.4f}")
                for i, (a, b) in enumerate(line.points)
                if i in few
            ]
        axes.set(xlabel=by, ylabel=what)
        if by == "epoch":
            whole_ticks(axes)
        return annotations

    rows = [_row(name, line.points, ringed) for name, line in curves.items()]
    columns = ("run", "points", "first", "last", *(("highest", "at epoch") if ringed else ()))
    summary = "; ".join(f"{name} from {row[2]} to {row[3]}" for name, row in zip(curves, rows))
    return Panel(title, draw, f"{what} by {by}: {summary}.", numbers=(columns, rows))


def _row(name: str, points: Points, ringed: bool) -> tuple[object, ...]:
    epoch, highest = max(points, key=lambda point: point[1])
    ends = (name, len(points), f"{points[0][1]:.4f}", f"{points[-1][1]:.4f}")
    return (*ends, f"{highest:.4f}", f"{epoch:g}") if ringed else ends


def _name(metric: str) -> str:
    return metric.upper() if metric.startswith(("ndcg", "map", "mrr", "auc")) else metric.capitalize()
