"""Every kind of picture by name: what `plot` draws and the report shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError, nearest
from ..analysis.inputs import ReportInputs, gather
from ..analysis.training import training
from . import data as data_pictures
from . import quality as quality_pictures
from .figure import Figure
from .graph import graph
from .maps import embedding_map, epochs, separation
from .style import form_of, save

__all__ = ["KINDS", "Kind", "plot"]


@dataclass(frozen=True)
class Kind:
    """A kind of picture.

    Attributes:
        summary: what it shows, in a line.
        draw: makes it.
        of_runs: whether it needs runs, not only data.
    """

    summary: str
    draw: Callable[[ReportInputs], Figure]
    of_runs: bool = True


KINDS = {
    "lengths": Kind("how long the playlists are", lambda m: data_pictures.lengths(m.data.corpus), False),
    "degrees": Kind(
        "degrees of playlists, tracks and artists", lambda m: data_pictures.degree_distributions(m.data.corpus), False
    ),
    "popularity": Kind("popularity of the tracks by rank", lambda m: data_pictures.popularity(m.data.corpus), False),
    "k-core": Kind("what each k-core keeps", lambda m: data_pictures.core_sizes(m.data.corpus), False),
    "graph": Kind("the neighbourhood of a playlist", lambda m: graph(m.training, m.playlist, seed=m.seed), False),
    "training": Kind("loss and validation metrics by epoch", lambda m: training(m.histories)),
    "metrics": Kind("metrics with their intervals", lambda m: quality_pictures.metrics(m.qualities, m.about)),
    "recall-over-k": Kind(
        "recall by the length of the list", lambda m: quality_pictures.recall_over_k(m.qualities, m.about)
    ),
    "by-length": Kind(
        "metrics by the length of the playlist",
        lambda m: quality_pictures.by_length(m.qualities, m.evaluation_set, m.about),
    ),
    "by-popularity": Kind(
        "tracks found by their popularity",
        lambda m: quality_pictures.by_popularity(m.qualities, m.evaluation_set, m.known.popularity, m.about),
    ),
    "map": Kind(
        "artists and their tracks in two dimensions",
        lambda m: embedding_map(m.all_vectors, m.chosen, m.names, seed=m.seed),
    ),
    "separation": Kind(
        "how well artists keep apart by epoch", lambda m: separation(m.snapshots, m.chosen, list(m.folders))
    ),
    "epochs": Kind(
        "a map of every epoch that was kept", lambda m: epochs(m.kept_snapshots, m.chosen, m.names, seed=m.seed)
    ),
}


def plot(
    kind: str, paths: Sequence[str | Path], out: str | Path, *, data: str | Path | None = None, **options: Any
) -> Figure:
    """Draw one kind of picture of a data folder, or of runs on the same data, and write it to ``out``.

    Args:
        kind: one of :data:`KINDS`.
        paths: a data folder, or run folders.
        out: a file that ends in ``.png``, ``.svg`` or ``.pdf``.
        data: where the data of the runs is, where it has moved.
        options: of :class:`~playlistrec.report.analysis.inputs.ReportInputs`.

    Raises:
        ConfigError: an unknown kind, or one of runs without a run; a suffix that is none of these; a missing package.
        DataError, RunError: there is nothing to draw.
    """
    if kind not in KINDS:
        raise ConfigError(f"KIND must be one of {', '.join(KINDS)}{nearest(kind, KINDS)} (got {kind!r})")
    form_of(Path(out))
    loaded, folders = gather(paths, data)
    if KINDS[kind].of_runs and not folders:
        raise ConfigError(f"{kind} is drawn of runs: give one or more run folders (got the data folder {paths[0]})")
    picture = KINDS[kind].draw(ReportInputs(loaded, folders, **options))
    save(picture, Path(out))
    return picture
