"""Message-passing modules that follow DGL's conventions and use nothing of ours but ``graph.ops``.

Names below are imported when first used: those that pass no messages do not import DGL.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .combine import LayerConcat, LayerSum
    from .fm import pair_interactions
    from .gat import AttentionConv, GATConv
    from .gcn import GCNConv
    from .hetero import HeteroConv
    from .lightgcn import LightGCNConv
    from .ngcf import NGCFConv
    from .sage import SAGEConv
    from .score import DotScore, pair_scores

_HOME = {
    "AttentionConv": "gat",
    "DotScore": "score",
    "GATConv": "gat",
    "GCNConv": "gcn",
    "HeteroConv": "hetero",
    "LayerConcat": "combine",
    "LayerSum": "combine",
    "LightGCNConv": "lightgcn",
    "NGCFConv": "ngcf",
    "SAGEConv": "sage",
    "pair_interactions": "fm",
    "pair_scores": "score",
}

__all__ = [
    "AttentionConv",
    "DotScore",
    "GATConv",
    "GCNConv",
    "HeteroConv",
    "LayerConcat",
    "LayerSum",
    "LightGCNConv",
    "NGCFConv",
    "SAGEConv",
    "pair_interactions",
    "pair_scores",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
