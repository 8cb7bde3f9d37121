"""DGL graphs, ours or yours: message-passing kernels, negatives, batches of edges without leaks, degree norms.

Names below are imported when first used, and DGL with those that need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import build_graph
    from .exclusion import Exclusion
    from .loader import EdgeLoader, edge_loader
    from .negatives import (
        HeteroNegatives,
        NegativeSampler,
        PoolNegatives,
        PopularityNegatives,
        SameGroupNegatives,
        TwoHopNegatives,
        UniformNegatives,
        hardest,
    )
    from .norms import DegreeNorms, block_norms, relation_norms
    from .seeding import seed_worker, seeded

_HOME = {
    "DegreeNorms": "norms",
    "EdgeLoader": "loader",
    "Exclusion": "exclusion",
    "HeteroNegatives": "negatives",
    "NegativeSampler": "negatives",
    "PoolNegatives": "negatives",
    "PopularityNegatives": "negatives",
    "SameGroupNegatives": "negatives",
    "TwoHopNegatives": "negatives",
    "UniformNegatives": "negatives",
    "block_norms": "norms",
    "build_graph": "build",
    "edge_loader": "loader",
    "hardest": "negatives",
    "relation_norms": "norms",
    "seed_worker": "seeding",
    "seeded": "seeding",
}

__all__ = [
    "DegreeNorms",
    "EdgeLoader",
    "Exclusion",
    "HeteroNegatives",
    "NegativeSampler",
    "PoolNegatives",
    "PopularityNegatives",
    "SameGroupNegatives",
    "TwoHopNegatives",
    "UniformNegatives",
    "block_norms",
    "build_graph",
    "edge_loader",
    "hardest",
    "relation_norms",
    "seed_worker",
    "seeded",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
