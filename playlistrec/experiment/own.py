"""A person's own playlists: a model that knows them whole, fitted when it is first needed, and kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RunError
from ..events import Event, OnEvent, ignore
from .data import Data
from .data_folder import DATA, OWN
from .fitting import fit
from .run_folder import RUN
from .runs import Run

__all__ = ["Choice", "choice_for", "is_data", "own_run"]

FEW_TRACKS = 4_000
"""Tracks up to which EASE is fitted: it solves and keeps a matrix of so many rows and columns."""

FEW_PAIRS = 200_000
"""Pairs of playlist and track up to which LightGCN is fitted in less than a minute on one core."""


class Choice(NamedTuple):
    """A model for data of some size."""

    model: str
    preset: str | None
    options: Mapping[str, Any]


def choice_for(data: Data) -> Choice:
    """The model that ranks best on data of this size and is fitted in seconds.

    Chosen by `benchmarks/small_data.py`; its figures stand in docs/recommending.md.
    """
    corpus = data.corpus
    albums = "album_uri" in corpus.track_table.column_names
    if corpus.n_artists and corpus.n_tracks <= FEW_TRACKS:
        weights = {"artist_weight": 5.0} | ({"album_weight": 5.0} if albums else {})
        return Choice("ease", None, {"l2": 70.0, "l2_power": 0.5, "length_weight_exponent": 0.5, **weights})
    if len(corpus.pairs[0]) <= FEW_PAIRS:
        return Choice("lightgcn", "lightgcn", {})
    weights = ({"artist_weight": 0.05} if corpus.n_artists else {}) | ({"album_weight": 0.1} if albums else {})
    return Choice("itemknn", None, {"unit_playlists": True, "alpha": 0.6, **weights})


def is_data(path: Path) -> bool:
    """True if this is a data folder, and no run folder."""
    return (path / DATA.manifest).is_file() and not (path / RUN.manifest).exists()


def own_run(data: Data, path: Path, *, device: str = "auto", on_event: OnEvent = ignore) -> Run:
    """The run that knows all entries of the data in the folder ``path``, hidden ones too; fitted if there is none yet.

    It is kept in the folder.
    """
    data, folder = data.whole(), path / OWN
    if (folder / RUN.manifest).exists():
        try:
            return Run.load(folder, data=data)
        except RunError as error:
            on_event(Event("message", f"{error.message}: it is fitted again"))
    choice = choice_for(data)
    kept = os.access(path, os.W_OK)
    where = f"kept in {folder}" if kept else f"not kept, since {path} cannot be written to"
    on_event(Event("message", f"fitting {choice.model} to all {data.corpus.n_playlists:,} playlists, {where}"))

    def forward(event: Event) -> None:
        if event.kind != "warning":  # nothing is hidden, so there is no validation part, which a fit warns of
            on_event(event)

    given: dict[str, Any] = {"options": choice.options, "preset": choice.preset, "device": device, "on_event": forward}
    return fit(data, choice.model, folder if kept else None, force=folder.exists(), slim=True, **given)
