"""Starting a fit from another run: the rows that both have, by their ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..corpus.corpus import Corpus
from ..corpus.split import TEST, VALID
from ..errors import ConfigError, RunError
from ..models.base import Arrays, Recommender
from ..models.embedding.inductive import ROWS
from ..models.embedding.trained import TrainedModel
from ..train.checkpoint import load_weights
from .data import Data
from .runs import Run

__all__ = ["check_init", "started_from", "warm_start"]

COINCIDENCE = 0.01
"""Share of the hidden entries that the other run may have been fitted to: pids of two data sets can coincide."""

Rows = npt.NDArray[np.int64]


def started_from(init: Run | str | Path | None, model_type: type[Recommender], data: Data) -> Run | None:
    """The run that a fit starts from. Raises ConfigError for a model that is not trained by gradient."""
    if init is None:
        return None
    if not issubclass(model_type, TrainedModel):
        raise ConfigError(f"init is for models that are trained by gradient (got {model_type.name})")
    run = init if isinstance(init, Run) else Run.load(init)
    check_init(data, run)
    return run


def check_init(data: Data, run: Run) -> None:
    """Raise RunError where the run was fitted to entries that ``data`` hides: all figures would be too good."""
    hidden = data.corpus.where(data.split.mask(VALID, TEST))
    if not hidden.n_entries:
        return
    learned = run.data.split.training(run.data.corpus, refit=run.refit_arrays is not None)
    playlists, tracks = _rows(hidden, learned, "playlist"), _rows(hidden, learned, "track")
    mapped = playlists[hidden.pairs[0]], tracks[hidden.pairs[1]]
    both = (mapped[0] >= 0) & (mapped[1] >= 0)
    keys = mapped[0][both] * learned.n_tracks + mapped[1][both]
    known = learned.pairs[0].astype(np.int64) * learned.n_tracks + learned.pairs[1]
    n = int(np.isin(keys, known).sum())
    if n > COINCIDENCE * len(hidden.pairs[0]):
        raise RunError(
            f"the run to start from was fitted to {n:,} of the {len(hidden.pairs[0]):,} entries that {data.name} "
            "hides, so that every figure would be too good: fit to data that keep its split, as update does"
        )


def warm_start(model: TrainedModel, corpus: Corpus, run: Run, *, refit: bool) -> None:
    """Give a model the weights of a run: rows of nodes by their ids, what has no rows where its shape is the same.

    Raises ConfigError where nothing fits.
    """
    learned = run.refit_arrays if refit and run.refit_arrays is not None else run.arrays
    state: Arrays = {name: np.array(array) for name, array in model.state().items()}
    taken = 0
    for name, array in state.items():
        before = learned.get(name)
        if before is None or before.shape[1:] != array.shape[1:] or name == "popularity":
            continue
        if name in ROWS:
            rows = _rows(corpus, run.data.corpus, ROWS[name])
            array[: len(rows)][rows >= 0] = before[rows[rows >= 0]]
            taken += int((rows >= 0).sum())
        elif before.shape == array.shape:
            state[name] = np.array(before)
    if not taken:
        raise ConfigError(
            f"init must be a run that has rows for some of the same uris and of the same width as {model.name} has "
            f"here (got {run.model_type.name}, {run.path or 'in memory'})"
        )
    load_weights(model, state)


def _rows(corpus: Corpus, other: Corpus, kind: str) -> Rows:
    """(n,) the row in ``other`` of each node of a type, -1 where it has none."""
    tables = {"playlist": ("playlists", "pid"), "track": ("track_table", "uri"), "artist": ("artists", "uri")}
    table, key = tables[kind]
    ids, known = getattr(corpus, table)[key].combine_chunks(), getattr(other, table)[key].combine_chunks()
    found: pa.Array = pc.fill_null(pc.index_in(ids, value_set=known), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)
