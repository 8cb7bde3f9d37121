"""Matrix factorisation and the factorisation machine: a ridge problem for each playlist."""

from __future__ import annotations

from typing import Any

import numpy as np

from .builder import Builder, Neighbours, Value

__all__ = ["ridge"]

DOUBLE = 11
"""ONNX's number for float64."""


def ridge(g: Builder, model: Any, seeds: Neighbours) -> Value:
    """(batch, d) ``(B + Σ v vᵀ)^-1 (Σ v + c)`` of :class:`~playlistrec.models.factorization.mf.MF`, in float64.

    The inverse begins with that of B and takes in a seed at a time: ``S ← S - (S v)(S v)ᵀ / (1 + vᵀ S v)`` (Sherman &
    Morrison 1950); what does not count is a vector of zeros, which changes nothing.
    """
    playlists, tracks = (vectors.numpy().astype(np.float64) for vectors in model.vectors())
    dim = tracks.shape[1]
    inverse = np.linalg.inv(model.unobserved_weight * tracks.T @ tracks + model.ridge * np.eye(dim))
    mean = playlists.mean(0) if len(playlists) else np.zeros(dim)
    weight = g.column(g.op("Cast", seeds.weight, to=DOUBLE))
    held = g.mul(seeds.rows(tracks), weight)  # (batch, length, d)
    steps = g.column(g.op("Transpose", held, perm=[1, 0, 2]))  # (length, batch, d, 1)
    batch = g.op("Shape", seeds.ids, start=0, end=1)
    shape = g.op("Concat", batch, g.ints(dim, dim), axis=0)
    start = g.op("Expand", g.const(inverse[None]), shape)
    solved = g.op("Scan", start, steps, num_scan_inputs=1, body=_step(dim))
    total = g.add(g.sum(held, 1), g.const(model.ridge * mean))
    found = g.op("Squeeze", g.op("MatMul", solved, g.column(total)), g.ints(-1))
    return g.float(found)


def _step(dim: int) -> Any:
    """One step of the scan: a matrix S (batch, d, d) and a vector v (batch, d, 1)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("MatMul", ["s", "v"], ["sv"]),
        helper.make_node("Transpose", ["sv"], ["row"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["row", "v"], ["vsv"]),
        helper.make_node("Add", ["vsv", "one"], ["scale"]),
        helper.make_node("MatMul", ["sv", "row"], ["outer"]),
        helper.make_node("Div", ["outer", "scale"], ["less"]),
        helper.make_node("Sub", ["s", "less"], ["next"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [value("s", TensorProto.DOUBLE, [None, dim, dim]), value("v", TensorProto.DOUBLE, [None, dim, 1])]
    outputs = [value("next", TensorProto.DOUBLE, [None, dim, dim])]
    one = numpy_helper.from_array(np.ones((1, 1, 1)), "one")
    return helper.make_graph(nodes, "take_in_a_seed", inputs, outputs, [one])
