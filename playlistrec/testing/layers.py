"""The contract of message-passing layers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["LAYER_CHECKS", "check_layer"]


def check_layer(make: Callable[[int, int], torch.nn.Module]) -> None:
    """Hold a message-passing layer to DGL's conventions.

    Args:
        make: builds a layer from its input and output width; the layer is called as ``layer(graph, feat)``.

    Raises:
        AssertionError: one line with the rule that the layer breaks.

    >>> from playlistrec.nn import LightGCNConv
    >>> check_layer(lambda width_in, width_out: LightGCNConv())
    """
    for check in LAYER_CHECKS:
        torch.manual_seed(0)
        check(make(6, 6).eval())


def _graphs() -> tuple[Any, Any]:
    """A graph of one node type, node 4 isolated, and a bipartite one, destination 2 without an edge."""
    import dgl

    one = dgl.graph(([0, 1, 2, 3, 0], [1, 2, 3, 0, 2]), num_nodes=5)
    two = dgl.heterograph(
        {("u", "e", "v"): ([0, 1, 2, 2], [0, 0, 1, 3])}, num_nodes_dict={"u": 3, "v": 4}, idtype=torch.int64
    )
    return one, two


def _layer(ok: Any, rule: str) -> None:
    if not ok:
        raise AssertionError(f"layer: {rule}")


def _forward(layer: Any, graph: Any, feat: Any) -> torch.Tensor:
    out: torch.Tensor = layer(graph, feat).flatten(1)
    return out


def isolated_nodes_are_finite(layer: Any) -> None:
    """Nodes without an edge get a finite row, on homogeneous and bipartite graphs."""
    one, two = _graphs()
    out = _forward(layer, one, torch.randn(5, 6))
    _layer(len(out) == 5 and out.isfinite().all(), "every node of a graph must get a finite row")
    out = _forward(layer, two, (torch.randn(3, 6), torch.randn(4, 6)))
    _layer(len(out) == 4 and out.isfinite().all(), "every destination of a bipartite graph must get a finite row")


def order_of_edges_does_not_matter(layer: Any) -> None:
    """Edges may come in any order."""
    import dgl

    one, _ = _graphs()
    src, dst = one.edges()
    order = torch.tensor([4, 2, 0, 3, 1])
    feat = torch.randn(5, 6)
    again = _forward(layer, dgl.graph((src[order], dst[order]), num_nodes=5), feat)
    _layer(torch.allclose(again, _forward(layer, one, feat), atol=1e-5), "the order of edges must not matter")


def gradients_flow(layer: Any) -> None:
    """Features and parameters get finite gradients."""
    one, _ = _graphs()
    feat = torch.randn(5, 6, requires_grad=True)
    _forward(layer, one, feat).square().sum().backward()  # type: ignore[no-untyped-call]
    grads = [feat.grad, *(p.grad for p in layer.parameters())]
    _layer(all(g is not None and g.isfinite().all() for g in grads), "features and parameters must get gradients")


def a_layer_leaves_the_graph_as_it_was(layer: Any) -> None:
    """No node or edge data is left on the graph."""
    one, _ = _graphs()
    _forward(layer, one, torch.randn(5, 6))
    left = [*one.ndata.keys(), *one.edata.keys()]
    _layer(not [name for name in left if not name.startswith("_")], f"a graph must be left as it was (found {left})")


def a_block_is_the_graph(layer: Any) -> None:
    """A block of all nodes with all their in-edges gives what the graph gives."""
    import dgl

    one, _ = _graphs()
    feat, order = torch.randn(5, 6), torch.tensor([3, 0, 4, 1, 2])
    block = dgl.to_block(one, order)
    got = _forward(layer, block, feat[block.srcdata[dgl.NID]])
    same = len(got) == 5 and torch.allclose(got, _forward(layer, one, feat)[order], atol=1e-5)
    _layer(same, "a block of all nodes must give what the graph gives")


def a_pair_is_both_ends(layer: Any) -> None:
    """A bipartite graph with the same nodes at both ends gives what the homogeneous one gives."""
    import dgl

    one, _ = _graphs()
    two = dgl.heterograph({("u", "e", "v"): one.edges()}, num_nodes_dict={"u": 5, "v": 5})
    feat = torch.randn(5, 6)
    same = torch.allclose(_forward(layer, two, (feat, feat)), _forward(layer, one, feat), atol=1e-5)
    _layer(same, "a pair of the same features must give what one tensor gives")


def state_dict_restores_the_layer(layer: Any) -> None:
    """``load_state_dict`` of ``state_dict`` gives the same layer."""
    one, _ = _graphs()
    other, feat = copy.deepcopy(layer), torch.randn(5, 6)
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter)
    other.load_state_dict(layer.state_dict())
    same = torch.equal(_forward(other, one, feat), _forward(layer, one, feat))
    _layer(same, "state_dict must hold all that the layer learned")


def edge_weights_of_one_change_nothing(layer: Any) -> None:
    """``edge_weight`` of ones is none, where the layer takes it."""
    if "edge_weight" not in inspect.signature(layer.forward).parameters:
        return
    one, _ = _graphs()
    feat = torch.randn(5, 6)
    weighted = layer(one, feat, edge_weight=torch.ones(one.num_edges())).flatten(1)
    _layer(
        torch.allclose(weighted, _forward(layer, one, feat), atol=1e-5), "an edge_weight of ones must change nothing"
    )


LAYER_CHECKS: tuple[Callable[[Any], None], ...] = (
    isolated_nodes_are_finite,
    order_of_edges_does_not_matter,
    gradients_flow,
    a_layer_leaves_the_graph_as_it_was,
    a_block_is_the_graph,
    a_pair_is_both_ends,
    state_dict_restores_the_layer,
    edge_weights_of_one_change_nothing,
)
"""Checks of a layer with inputs and outputs of width 6."""
