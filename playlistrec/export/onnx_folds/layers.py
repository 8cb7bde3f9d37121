"""Message-passing layers towards playlists: what a playlist gets from its seeds, as each layer of ours makes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from .builder import Builder, Neighbours, Value

__all__ = ["attention", "layer"]

Floats = npt.NDArray[np.float32]


def layer(g: Builder, conv: Any, tracks: Floats, norms: Floats, seeds: Neighbours, h: Value) -> Value:
    """(batch, d) the output of ``conv`` for playlists whose states are ``h`` (batch, d).

    Args:
        tracks: (n_tracks, d) the states of the tracks.
        norms: (n_tracks,) the factors of the tracks as sources.
    """
    kind = type(conv).__name__
    if kind == "LightGCNConv":
        factor = g.op("Reciprocal", seeds.some) if conv.norm == "right" else _root(g, seeds)
        return g.mul(seeds.total(tracks * norms[:, None]), factor)
    if kind == "GCNConv":
        degree = g.add(seeds.n, g.const(1.0, np.float32))
        neighbours = g.op("Div", seeds.total(tracks * norms[:, None]), g.op("Sqrt", degree))
        return g.linear(g.add(neighbours, g.op("Div", h, degree)), _array(conv.weight.weight))
    if kind == "NGCFConv":
        neighbours = g.mul(seeds.total(tracks * norms[:, None]), _root(g, seeds))
        both = g.linear(g.add(neighbours, h), _array(conv.sum_weight.weight))
        return g.add(both, g.linear(g.mul(neighbours, h), _array(conv.product_weight.weight)))
    if kind == "SAGEConv":
        return _sage(g, conv, tracks, seeds, h)
    if kind == "GATConv":
        heads = attention(g, conv.attention, seeds, tracks, h)
        bias = None if conv.merge.bias is None else _array(conv.merge.bias)
        return g.linear(heads, _array(conv.merge.weight), bias)
    raise ConfigError(f"export to onnx knows no layer {kind}: it knows LightGCN, GCN, NGCF, SAGE and GAT")


def attention(g: Builder, conv: Any, seeds: Neighbours, tracks: Floats, h: Value, own: bool = False) -> Value:
    """(batch, heads · width) graph attention over the seeds, and over the playlist itself with ``own``; heads apart."""
    heads, width = conv.num_heads, conv.out_feats
    project = getattr(conv.project_src, "weight", None)
    values = (tracks if project is None else tracks @ _array(project).T).reshape(-1, heads, width)
    a_src, a_dst = _array(conv.a_src), _array(conv.a_dst)
    apart = g.ints(0, heads, width)
    dst = g.op("Reshape", h if project is None else g.linear(h, _array(conv.project_dst.weight)), apart)
    of_dst = g.sum(g.mul(dst, g.const(a_dst)), 2)  # (batch, heads)
    of_src = seeds.rows((values * a_src).sum(-1))  # (batch, length, heads)
    counts, source = g.column(seeds.weight), seeds.rows(values)
    if own:  # a playlist among its own neighbours
        itself = g.op("Unsqueeze", g.sum(g.mul(dst, g.const(a_src)), 2), g.ints(1))
        of_src = g.op("Concat", of_src, itself, axis=1)
        source = g.op("Concat", source, g.op("Unsqueeze", dst, g.ints(1)), axis=1)
        one = g.op("Unsqueeze", g.ones(seeds.n), g.ints(1))
        counts = g.op("Concat", counts, one, axis=1)
    logits = g.op("LeakyRelu", g.add(of_src, g.op("Unsqueeze", of_dst, g.ints(1))), alpha=conv.negative_slope)
    left_out = g.mul(g.op("Sub", counts, g.const(1.0, np.float32)), g.const(1e30, np.float32))
    weights = g.mul(g.op("Softmax", g.add(logits, left_out), axis=1), counts)
    out = g.sum(g.mul(source, g.column(weights)), 1)
    return g.op("Reshape", out, g.ints(0, heads * width))


def _sage(g: Builder, conv: Any, tracks: Floats, seeds: Neighbours, h: Value) -> Value:
    import torch

    if conv.pool is not None:
        with torch.no_grad():
            aggregate = seeds.most(conv.pool(torch.from_numpy(tracks)).numpy())
    else:
        aggregate = g.op("Div", seeds.total(tracks), seeds.some)
    bias = None if conv.self_weight.bias is None else _array(conv.self_weight.bias)
    own = g.linear(h, _array(conv.self_weight.weight), bias)
    return g.add(own, g.linear(aggregate, _array(conv.neighbour_weight.weight)))


def _root(g: Builder, seeds: Neighbours) -> Value:
    """(batch, 1) the number of seeds to the power of -1/2."""
    return g.op("Reciprocal", g.op("Sqrt", seeds.some))


def _array(parameter: Any) -> Floats:
    found: Floats = parameter.detach().cpu().numpy()
    return found
