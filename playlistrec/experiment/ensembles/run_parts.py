"""Parts of ensembles that are made of other runs: reading the runs, and finding their refits."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ConfigError, Hint
from ...models.base import Recommender
from ...models.embedding.model import Vectors
from ..data import Data
from ..runs import Run

__all__ = ["parts_of_runs", "refits", "teacher_vectors"]


def parts_of_runs(data: Data, runs: Sequence[str], *, refit: bool) -> list[Recommender]:
    """The models of some run folders: as fitted on the training part; with ``refit`` as the test part is ranked.

    Raises RunError where one is missing, unfinished, or of other data.
    """
    loaded = [Run.load(path, data=data) for path in runs]
    return [run.recommender("test" if refit else "valid", device="cpu") for run in loaded]


def refits(data: Data, runs: Sequence[str], required: bool) -> bool:
    """True if a model made of ``runs`` has a second set of parts, for the test part.

    It has if that is ``required`` or all runs have one. Raises ConfigError if it is required and a run has
    none.
    """
    without = [path for path in runs if Run.load(path, data=data).refit_arrays is None]
    if required and without:
        raise ConfigError(
            f"there are runs that were not refitted ({', '.join(without)})", Hint("leave out {refit}", {"refit": True})
        )
    return required or (bool(runs) and not without)


def teacher_vectors(data: Data, run: str, *, refit: bool) -> Vectors:
    """The vectors of a run's playlists and tracks, whose dot products are its scores.

    Raises RunError where it is missing, unfinished, or of other data, ConfigError where its model has none.
    """
    [model] = parts_of_runs(data, [run], refit=refit)
    if not model.has_vectors:
        raise ConfigError(f"teacher must be a run of a model with vectors, such as lightgcn or mf (got {run})")
    return model.score_vectors().padded()
