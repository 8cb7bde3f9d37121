"""A graph of ONNX operators as it grows: values by name, constants as initialisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Builder", "Neighbours"]

Value = str
"""The name of a value in the graph."""


class Builder:
    """Adds operators to a graph; each call gives the name of what comes out.

    Attributes:
        nodes, constants: what the graph is made of.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._n = 0

    def name(self, kind: str) -> Value:
        """A name that no other value has."""
        self._n += 1
        return f"{kind.lower()}_{self._n}"

    def const(self, array: Any, dtype: Any = None) -> Value:
        """A constant: an array, or numbers."""
        from onnx import numpy_helper

        name = self.name("const")
        found = np.ascontiguousarray(np.asarray(array, dtype=dtype))
        self.constants.append(numpy_helper.from_array(found, name))
        return name

    def op(self, kind: str, *inputs: Value, **attributes: Any) -> Value:
        """One operator with one output."""
        from onnx import helper

        out = self.name(kind)
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def ints(self, *values: int) -> Value:
        """(n,) int64 constants."""
        return self.const(np.array(values, dtype=np.int64))

    def add(self, one: Value, *others: Value) -> Value:
        """The sum of values."""
        for other in others:
            one = self.op("Add", one, other)
        return one

    def mul(self, one: Value, other: Value) -> Value:
        """The elementwise product."""
        return self.op("Mul", one, other)

    def linear(self, x: Value, weight: npt.NDArray[Any], bias: npt.NDArray[Any] | None = None) -> Value:
        """``x Wᵀ + b``, as of ``torch.nn.Linear``."""
        out = self.op("MatMul", x, self.const(weight.T))
        return out if bias is None else self.add(out, self.const(bias))

    def ones(self, like: Value) -> Value:
        """Ones in the shape of a value."""
        return self.add(self.mul(like, self.const(0.0, np.float32)), self.const(1.0, np.float32))

    def sum(self, x: Value, axis: int, keep: bool = False) -> Value:
        """The sum over an axis."""
        return self.op("ReduceSum", x, self.ints(axis), keepdims=int(keep))

    def column(self, x: Value) -> Value:
        """x with one more axis of size 1 behind the others."""
        return self.op("Unsqueeze", x, self.ints(-1))

    def float(self, x: Value) -> Value:
        """x as float32."""
        return self.op("Cast", x, to=1)

    def activated(self, x: Value, name: str) -> Value:
        """x through a nonlinearity, by its name."""
        kinds: dict[str, tuple[str, dict[str, float]]] = {
            **{"relu": ("Relu", {}), "elu": ("Elu", {"alpha": 1.0})},
            "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
        }
        return x if name == "none" else self.op(kinds[name][0], x, **kinds[name][1])

    def unit(self, x: Value) -> Value:
        """The rows of x at length 1, as of ``torch.nn.functional.normalize``."""
        length = self.op("ReduceL2", x, self.ints(-1), keepdims=1)
        return self.op("Div", x, self.op("Max", length, self.const(1e-12, np.float32)))


class Neighbours:
    """The distinct neighbours of each playlist of a batch: ids (batch, length), and which of them count.

    Args:
        ids: int64; those that do not count may be any node.
        counts: bool (batch, length): False for padding and for what has come before.
    """

    def __init__(self, g: Builder, ids: Value, counts: Value) -> None:
        self.g, self.ids, self.counts = g, ids, counts
        self.weight = g.float(counts)
        """(batch, length) 1 or 0."""
        self.n = g.sum(self.weight, 1, keep=True)
        """(batch, 1) how many there are."""
        self.some = g.op("Max", self.n, g.const(1.0, np.float32))
        """(batch, 1) how many, at least 1."""

    @classmethod
    def of(cls, g: Builder, ids: Value, mask: Value) -> Neighbours:
        """Those of the ids that the mask has, each once."""
        return cls(g, ids, g.op("And", mask, g.op("Not", _seen_before(g, ids, mask))))

    def rows(self, table: npt.NDArray[Any]) -> Value:
        """(batch, length, …) the rows of a table."""
        return self.g.op("Gather", self.g.const(table), self.ids)

    def total(self, table: npt.NDArray[Any]) -> Value:
        """(batch, d) the sum of the rows of a table."""
        return self.g.sum(self.g.mul(self.rows(table), self.g.column(self.weight)), 1)

    def most(self, table: npt.NDArray[Any]) -> Value:
        """(batch, d) the greatest of the rows of a table that is nowhere below 0; 0 where there are none."""
        return self.g.op(
            "ReduceMax", self.g.mul(self.rows(table), self.g.column(self.weight)), self.g.ints(1), keepdims=0
        )


def _seen_before(g: Builder, ids: Value, mask: Value) -> Value:
    """(batch, length) True where the same id stands before, and counts."""
    here, there = g.op("Unsqueeze", ids, g.ints(2)), g.op("Unsqueeze", ids, g.ints(1))
    same = g.op("And", g.op("Equal", here, there), g.op("Unsqueeze", mask, g.ints(1)))
    square = g.op("Cast", same, to=7)
    before = g.op("Trilu", square, g.const(np.array(-1, dtype=np.int64)), upper=0)
    return g.op("Cast", g.op("ReduceMax", before, g.ints(2), keepdims=0), to=9)
