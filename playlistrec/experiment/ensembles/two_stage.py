"""Fitting a two-stage recommender: run folders read, and trees grown on the validation part."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ...corpus.split import EvaluationSet
from ...errors import DataError
from ...events import OnEvent, ignore
from ...models.ensemble.parts import fit_parts
from ...models.two_stage.held_out import HeldOut
from ...models.two_stage.two_stage import TwoStage, TwoStageConfig
from ...rank.evaluation import query_of
from ..data import Data
from .blending import some_queries
from .run_parts import parts_of_runs

__all__ = ["continued"]


def continued(
    data: Data,
    options: TwoStageConfig,
    *,
    first: TwoStage | None = None,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> TwoStage:
    """The two-stage model that ``options`` ask for.

    Its trees are grown on the validation part where the first stage is made of runs, else on playlists held out of the
    training part. With ``first``, the model so fitted, they are kept, and the parts are those fitted on training and
    validation part together.

    Raises:
        RunError: a run is missing, unfinished, or of other data.
        DataError: there are runs and no validation part.
    """
    corpus = data.split.training(data.corpus, refit=first is not None)
    if first is None and not options.runs:
        return TwoStage.from_corpus(corpus, options, seed=seed)
    if options.runs:
        parts = parts_of_runs(data, options.runs, refit=first is not None)
    else:
        parts = fit_parts(options.parts, corpus, seed=seed)
    if first is not None:
        return first.over(parts, corpus)
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    if not len(evaluation_set):
        raise DataError(f"{data.name} has no validation part for the trees: give parts=… in place of runs=…")
    held_out = _held_out(some_queries(evaluation_set, options.most_queries, seed), corpus.n_tracks)
    return TwoStage.trained_on(parts, corpus, held_out, options, seed=seed, on_event=on_event)


def _held_out(evaluation_set: EvaluationSet, n_tracks: int) -> HeldOut:
    ones = np.ones(len(evaluation_set.truth), dtype=np.float32)
    parts = ones, evaluation_set.truth, evaluation_set.truth_offsets
    return HeldOut(
        query_of(evaluation_set, 0, len(evaluation_set)), sparse.csr_array(parts, shape=(len(evaluation_set), n_tracks))
    )
