"""Fitting a two-stage recommender: run folders read, and trees grown on the validation part."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ...corpus.split import Questions
from ...errors import DataError
from ...events import OnEvent, ignore
from ...models.ensemble.parts import fit_parts
from ...models.two_stage.held_out import Lessons
from ...models.two_stage.two_stage import Continuation, ContinuationOptions
from ...rank.evaluation import query_of
from ..data import Data
from .blending import some_questions
from .run_parts import parts_of_runs

__all__ = ["continued"]


def continued(
    data: Data,
    options: ContinuationOptions,
    *,
    first: Continuation | None = None,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> Continuation:
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
        return Continuation.from_corpus(corpus, options, seed=seed)
    if options.runs:
        parts = parts_of_runs(data, options.runs, refit=first is not None)
    else:
        parts = fit_parts(options.parts, corpus, seed=seed)
    if first is not None:
        return first.over(parts, corpus)
    questions = data.split.questions(data.corpus, "valid")
    if not len(questions):
        raise DataError(f"{data.name} has no validation part for the trees: give parts=… in place of runs=…")
    lessons = _lessons(some_questions(questions, options.most_questions, seed), corpus.n_tracks)
    return Continuation.taught(parts, corpus, lessons, options, seed=seed, on_event=on_event)


def _lessons(questions: Questions, n_tracks: int) -> Lessons:
    ones = np.ones(len(questions.truth), dtype=np.float32)
    parts = ones, questions.truth, questions.truth_offsets
    return Lessons(query_of(questions, 0, len(questions)), sparse.csr_array(parts, shape=(len(questions), n_tracks)))
