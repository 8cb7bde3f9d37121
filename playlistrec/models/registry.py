"""The recommenders by name. Each is imported on first use, so that none pays for the others."""

from __future__ import annotations

from importlib import import_module

from ..errors import ConfigError, Hint, RunError, nearest
from ..trust import trusted
from .base import Recommender

__all__ = ["MODELS", "model_class", "model_of_run"]

MODELS: dict[str, tuple[str, str]] = {
    "popularity": ("popularity", "Popularity"),
    "title": ("titles.neighbours", "TitleNeighbours"),
    "userknn": ("neighbours.userknn", "UserKNN"),
    "itemknn": ("neighbours.itemknn", "ItemKNN"),
    "ease": ("linear.ease", "EASE"),
    "gfcf": ("linear.gfcf", "GFCF"),
    "chebycf": ("linear.chebycf", "ChebyCF"),
    "ials": ("factorization.ials", "IALS"),
    "mf": ("factorization.mf", "MF"),
    "lightgcn": ("graph.lightgcn", "LightGCN"),
    "gat": ("graph.gat", "GAT"),
    "sage": ("graph.sage", "SAGE"),
    "gru4rec": ("sequence.gru4rec", "GRU4Rec"),
    "gcn": ("graph.gcn", "GCN"),
    "ngcf": ("graph.ngcf", "NGCF"),
    "aggregate": ("graph.aggregate", "Aggregate"),
    "fm": ("factorization.fm", "FM"),
    "fm-gcn": ("factorization.fm_gcn", "FMGCN"),
    "fm-gat": ("factorization.fm_gat", "FMGAT"),
    "blend": ("ensemble.blend", "Blend"),
    "two-stage": ("two_stage.two_stage", "TwoStage"),
}
"""Name -> (module of this package, class)."""


def model_class(name: str) -> type[Recommender]:
    """The class of the model called ``name``, or named as ``module:Class`` where it is none of ours.

    Raises ConfigError, with the nearest name, when there is none.
    """
    if ":" in name:
        return _foreign(name)
    if name not in MODELS:
        raise ConfigError(f"unknown model {name!r}{nearest(name, MODELS)}; known: {', '.join(MODELS)}")
    module, attribute = MODELS[name]
    found: type[Recommender] = getattr(import_module(f".{module}", __package__), attribute)
    return found


def model_of_run(name: str, where: str) -> type[Recommender]:
    """The class of a model that a run names; ``where`` says in which file.

    Raises RunError where it is none of ours and not trusted: see :mod:`playlistrec.trust`.
    """
    if not isinstance(name, str) or (":" not in name and name not in MODELS):
        raise RunError(f"{where} is damaged: model must be one of {', '.join(MODELS)} (got {name!r:.60})")
    if ":" in name and name not in trusted():
        raise RunError(
            f"{where} names the model {name!r:.80}, whose code is not playlistrec's and would be run",
            Hint("if you know and trust it, read the run with {trust}", {"trust": (name[:80],)}),
        )
    return model_class(name)


def _foreign(name: str) -> type[Recommender]:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"model {name!r} cannot be imported: {error} (is its folder on PYTHONPATH?)") from error
    if not (isinstance(found, type) and issubclass(found, Recommender)):
        raise ConfigError(f"model must be a Recommender of playlistrec.models.base (got {name!r})")
    return found
