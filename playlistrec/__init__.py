"""playlistrec: playlists in, the tracks that belong next out.

>>> import playlistrec as pr
>>> data = pr.preprocess("slices", "data")                    # doctest: +SKIP
>>> run = pr.fit(data, "lightgcn", "run")                     # doctest: +SKIP
>>> run.evaluate("test", k=[10, 20]).metrics                  # doctest: +SKIP
>>> run.recommend(playlist=0, k=10)                           # doctest: +SKIP

Names below are imported when first used, so that ``import playlistrec`` is quick and does not import DGL.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .corpus.corpus import Corpus
    from .corpus.split import Split
    from .corpus.synth.synthesize import synthesize
    from .experiment.data import Data, preprocess
    from .experiment.edges import edges
    from .experiment.fitting import fit
    from .experiment.runs import Run
    from .graph.build import build_graph
    from .models.base import Query, Recommender
    from .rank.protocols import Evaluation, evaluate
    from .rank.recommend import recommend
    from .serving.lookup.search import TrackIndex

# DGL wants its backend named before its import. Otherwise it writes a file into the home directory.
os.environ.setdefault("DGLBACKEND", "pytorch")

__version__ = "0.1.0"

_HOME = {
    "Data": "experiment.data",
    "preprocess": "experiment.data",
    "edges": "experiment.edges",
    "fit": "experiment.fitting",
    "Run": "experiment.runs",
    "TrackIndex": "serving.lookup.search",
    "Corpus": "corpus.corpus",
    "Split": "corpus.split",
    "synthesize": "corpus.synth.synthesize",
    "build_graph": "graph.build",
    "Query": "models.base",
    "Recommender": "models.base",
    "Evaluation": "rank.protocols",
    "evaluate": "rank.protocols",
    "recommend": "rank.recommend",
}

__all__ = [
    "Corpus",
    "Data",
    "Evaluation",
    "Query",
    "Recommender",
    "Run",
    "Split",
    "TrackIndex",
    "build_graph",
    "edges",
    "evaluate",
    "fit",
    "preprocess",
    "recommend",
    "synthesize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
