"""Negative samplers: random ones, hard ones that a model finds likely, and hard ones that the graph has nearby."""

from .hard import PoolNegatives, annealed_share, hardest
from .hetero import HeteroNegatives
from .random import NegativeSampler, NonEdgeSampler, PopularityNegatives, UniformNegatives
from .structural import SameGroupNegatives, TwoHopNegatives

__all__ = [
    "HeteroNegatives",
    "NegativeSampler",
    "NonEdgeSampler",
    "PoolNegatives",
    "PopularityNegatives",
    "SameGroupNegatives",
    "TwoHopNegatives",
    "UniformNegatives",
    "annealed_share",
    "hardest",
]
