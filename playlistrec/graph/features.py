"""The graph of features that occur together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import dgl
import numpy as np
import torch
from dgl import DGLGraph

from ..corpus.corpus import Ints

__all__ = ["feature_graph"]


def feature_graph(fields: Sequence[Ints], n_nodes: int) -> DGLGraph:
    """Join every two features that stand together in a row, whatever they are of, and each to itself.

    One relation ``feature -joins-> feature`` with int32 ids, each edge once and both ways, sorted by its ends.

    Args:
        fields: for each field of the rows the (n_rows,) node that its feature is, -1 where it has none.
        n_nodes: number of nodes; no two fields share one.

    >>> graph = feature_graph([np.array([0, 0, 1]), np.array([2, 3, 3]), np.array([4, -1, 4])], 5)
    >>> list(zip(*(ids.tolist() for ids in graph.edges())))[:6]
    [(0, 0), (0, 2), (0, 3), (0, 4), (1, 1), (1, 3)]
    """
    nodes = np.arange(n_nodes, dtype=np.int64)
    keys = [nodes * n_nodes + nodes]
    for one, other in combinations([np.asarray(field, dtype=np.int64) for field in fields], 2):
        both = (one >= 0) & (other >= 0)
        keys += [one[both] * n_nodes + other[both], other[both] * n_nodes + one[both]]
    # Sorting, as np.unique hashes from NumPy 2.3 on, which is far slower on millions of keys.
    joined = np.sort(np.concatenate(keys))
    joined = joined[np.diff(joined, prepend=-1) > 0]
    src, dst = (torch.from_numpy(ids.astype(np.int32)) for ids in np.divmod(joined, max(n_nodes, 1)))
    return dgl.heterograph(
        {("feature", "joins", "feature"): (src, dst)}, num_nodes_dict={"feature": n_nodes}, idtype=torch.int32
    )
