"""The kinds of figure by name, which `plot` draws and the report shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError, RunError, nearest
from ...experiment.data import Data
from ...storage import locked_file
from ..analysis.inputs import ReportInputs, gather
from . import data as data_plots
from . import quality as quality_plots
from .figure import Figure
from .graph import graph
from .lengths import compared_lengths
from .maps import Names, embedding_map, epochs, separation
from .network import network_figure
from .style import form_of, save
from .training import training

__all__ = ["FIGURES", "FigureKind", "plot"]


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure that `plot` makes.

    Attributes:
        summary: what it shows, in a line.
        draw: makes the figure.
        of_runs: true if it needs runs, not only data.
    """

    summary: str
    draw: Callable[[ReportInputs], Figure]
    of_runs: bool = True


FIGURES = {
    "lengths": FigureKind("how long the playlists are", lambda m: data_plots.lengths(m.data.corpus), False),
    "degrees": FigureKind(
        "degrees of playlists, tracks and artists", lambda m: data_plots.degree_distributions(m.data.corpus), False
    ),
    "popularity": FigureKind("popularity of the tracks by rank", lambda m: data_plots.popularity(m.data.corpus), False),
    "k-core": FigureKind("what each k-core keeps", lambda m: data_plots.core_sizes(m.data.corpus), False),
    "graph": FigureKind("the neighbourhood of a playlist", lambda m: graph(m.training, m.playlist, seed=m.seed), False),
    "network": FigureKind(
        "the whole graph, and a core in it",
        lambda m: network_figure(m.training, m.k_core, m.sample, seed=m.seed),
        False,
    ),
    "training": FigureKind("loss and the criterion by epoch", lambda m: training(m.histories, m.metrics)),
    "metrics": FigureKind("metrics with their intervals", lambda m: quality_plots.metrics(m.qualities, m.about)),
    "recall-over-k": FigureKind(
        "recall by the length of the list", lambda m: quality_plots.recall_over_k(m.qualities, m.about)
    ),
    "by-length": FigureKind(
        "metrics by the length of the playlist",
        lambda m: quality_plots.by_length(m.qualities, m.evaluation_set, m.about),
    ),
    "by-popularity": FigureKind(
        "tracks found by their popularity",
        lambda m: quality_plots.by_popularity(m.qualities, m.evaluation_set, m.history.popularity, m.about),
    ),
    "map": FigureKind(
        "artists and their tracks in two dimensions",
        lambda m: embedding_map(m.all_vectors, m.chosen, Names.of(m.data.corpus, m.chosen), seed=m.seed),
    ),
    "separation": FigureKind(
        "how well artists keep apart by epoch", lambda m: separation(m.snapshots, m.chosen, list(m.folders))
    ),
    "epochs": FigureKind(
        "a map of every epoch that was kept",
        lambda m: epochs(m.kept_snapshots, m.chosen, Names.of(m.data.corpus, m.chosen), method=m.method, seed=m.seed),
    ),
}


def plot(
    kind: str, paths: Sequence[str | Path], out: str | Path, *, data: str | Path | None = None, **options: Any
) -> Figure:
    """Draw a figure of a data folder, or of runs on the same data, and write it to ``out``.

    Args:
        kind: one of :data:`FIGURES`.
        paths: a data folder, or run folders; for ``lengths`` also several data folders.
        out: a file that ends in ``.png``, ``.svg`` or ``.pdf``, or for ``epochs`` in ``.gif``.
        data: where the data of the runs is, where it has moved.
        options: of :class:`~playlistrec.report.analysis.inputs.ReportInputs`.

    Raises:
        ConfigError: an unknown kind, or one of runs without a run; a suffix that is none of these; a missing package.
        DataError, RunError: there is nothing to draw.
    """
    if kind not in FIGURES:
        raise ConfigError(f"FIGURE must be one of {', '.join(FIGURES)}{nearest(kind, FIGURES)} (got {kind!r})")
    form_of(Path(out))
    if len(paths) > 1 and all((Path(path) / "manifest.json").exists() for path in paths):
        if kind != "lengths":
            raise ConfigError(f"only lengths compares data folders (got {kind} of {len(paths)})")
        names = [Path(path).resolve().name for path in paths]
        named = {str(p) if names.count(name) > 1 else name: Data.load(p).corpus for name, p in zip(names, paths)}
        with locked_file(Path(out), RunError):
            compared = compared_lengths(named)
            save(compared, Path(out))
        return compared
    loaded, folders = gather(paths, data)
    if FIGURES[kind].of_runs and not folders:
        raise ConfigError(f"{kind} is drawn of runs: give one or more run folders (got the data folder {paths[0]})")
    with locked_file(Path(out), RunError):
        drawing = FIGURES[kind].draw(ReportInputs(loaded, folders, **options))
        save(drawing, Path(out))
    return drawing
