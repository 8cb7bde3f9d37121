"""The contracts of recommenders and layers as checks that anybody can run on their own classes.

>>> from playlistrec.models.neighbours.itemknn import ItemKNN
>>> from playlistrec.testing import check_recommender
>>> check_recommender(ItemKNN)
"""

from .layers import LAYER_CHECKS, check_layer
from .recommenders import (
    RECOMMENDER_CHECKS,
    SIZE,
    check_recommender,
    checkerboard,
    known_playlists,
    trained,
)

__all__ = [
    "LAYER_CHECKS",
    "RECOMMENDER_CHECKS",
    "SIZE",
    "check_layer",
    "check_recommender",
    "checkerboard",
    "known_playlists",
    "trained",
]
