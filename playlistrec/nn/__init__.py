"""Message-passing modules that follow DGL's conventions and use nothing of ours but ``graph.ops``."""

from .combine import LayerSum
from .gat import AttentionConv, GATConv
from .hetero import HeteroConv
from .lightgcn import LightGCNConv
from .sage import SAGEConv
from .score import DotScore, pair_scores

__all__ = [
    "AttentionConv",
    "DotScore",
    "GATConv",
    "HeteroConv",
    "LayerSum",
    "LightGCNConv",
    "SAGEConv",
    "pair_scores",
]
