"""The recommenders by name. Each is imported when it is asked for, so that none pays for the others."""

from __future__ import annotations

from importlib import import_module

from ..errors import ConfigError, nearest
from .base import Recommender

__all__ = ["MODELS", "model_class"]

MODELS: dict[str, tuple[str, str]] = {
    "popularity": ("popularity", "Popularity"),
    "userknn": ("userknn", "UserKNN"),
    "itemknn": ("itemknn", "ItemKNN"),
    "ease": ("ease", "EASE"),
    "gfcf": ("gfcf", "GFCF"),
    "ials": ("ials", "IALS"),
    "mf": ("mf", "MF"),
    "lightgcn": ("lightgcn", "LightGCN"),
    "gat": ("gat", "GAT"),
    "sage": ("sage", "SAGE"),
    "gru4rec": ("gru4rec", "GRU4Rec"),
    "gcn": ("gcn", "GCN"),
    "ngcf": ("ngcf", "NGCF"),
    "fm": ("fm", "FM"),
    "fm-gcn": ("fm_gcn", "FMGCN"),
    "fm-gat": ("fm_gat", "FMGAT"),
    "blend": ("blend", "Blend"),
}
"""Name -> (module of this package, class)."""


def model_class(name: str) -> type[Recommender]:
    """The class of the model called ``name``. Raises ConfigError with the nearest name when there is none."""
    if name not in MODELS:
        raise ConfigError(f"unknown model {name!r}{nearest(name, MODELS)}; known: {', '.join(MODELS)}")
    module, attribute = MODELS[name]
    found: type[Recommender] = getattr(import_module(f".{module}", __package__), attribute)
    return found
