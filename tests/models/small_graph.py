"""A small corpus with an isolated playlist, and graph models of it."""

from __future__ import annotations

import numpy as np

from playlistrec.corpus.corpus import Corpus
from playlistrec.models.graph.model import GraphModel


def small_corpus() -> Corpus:
    """31 playlists, the last of them empty, of 25 tracks, 20 of which have an artist."""
    rng = np.random.default_rng(4)
    lists = [[f"t{t}" for t in rng.choice(25, size=rng.integers(2, 9), replace=False)] for _ in range(30)]
    return Corpus.from_lists([*lists, []], {f"t{t}": f"a{t % 6}" for t in range(20)})


def build(kind: type[GraphModel], corpus: Corpus, **options: object) -> GraphModel:
    return kind.from_corpus(
        corpus, kind.config_class.from_options({"dim": 8, "artists": False, **options}), seed=1
    ).eval()
