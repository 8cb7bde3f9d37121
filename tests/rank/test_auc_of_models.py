"""The AUC of ten models against scikit-learn's, playlist by playlist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.models.base import Query

sklearn = pytest.importorskip("sklearn.metrics")

SHORT = {"epochs": 2, "dim": 8}
MODELS: Mapping[str, Mapping[str, Any]] = {
    **{"popularity": {}, "itemknn": {}, "userknn": {}, "ease": {}, "gfcf": {}, "chebycf": {}},
    **{"mf": SHORT, "lightgcn": SHORT, "fm": SHORT, "gru4rec": SHORT},
}


def by_scikit_learn(run: pr.Run) -> float:
    """The mean over playlists of the AUC of hidden tracks among all that are no seeds."""
    queries = run.data.split.evaluation_set(run.data.corpus, "valid")
    history = run.data.split.ranking(run.data.corpus, "valid")
    rows, found = queries.playlists.tolist(), []
    seeds = [history.playlist(row).tolist() for row in rows]
    query = Query.of(seeds, rows, run.data.corpus.titles(queries.playlists))
    together = run.recommender("valid", device="cpu").score(query).detach().double().numpy()
    for i in range(len(queries)):
        row, scores = rows[i], together[i]
        hidden = np.zeros(run.data.corpus.n_tracks, dtype=bool)
        hidden[queries.truth[slice(*queries.truth_offsets[i : i + 2])]] = True
        taking_part = np.ones_like(hidden)
        taking_part[history.playlist(row)] = False
        scores[np.isneginf(scores)] = scores[np.isfinite(scores)].min() - 1  # the lowest there is
        found.append(sklearn.roc_auc_score(hidden[taking_part], scores[taking_part]))
    return float(np.mean(found))


@pytest.mark.parametrize("model", MODELS)
def test_auc_is_that_of_scikit_learn(model: str, data_folder: Path) -> None:
    run = pr.fit(data_folder, model, options=MODELS[model], preset="none")
    got = run.evaluate("valid").metrics["auc"]
    assert got == pytest.approx(by_scikit_learn(run), abs=1e-9)
    assert 0.3 < got < 1
