"""The vector of an unseen playlist by model: its fold-in, as ONNX operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ConfigError
from .builder import Builder, Neighbours, Value
from .layers import attention, layer
from .ridge import ridge

__all__ = ["fold"]

Floats = npt.NDArray[np.float32]


def fold(g: Builder, model: Any, seeds: Value, mask: Value) -> Value:
    """(batch, d) what the model's ``queries`` makes of playlists it has never seen.

    Args:
        seeds: int64 (batch, length) rows of tracks, 0 where the mask has none.
        mask: bool (batch, length).

    Raises ConfigError where the fold-in is not written as operators.
    """
    model.vectors()
    held = Neighbours.of(g, seeds, mask)
    if model.aggregates:
        found = _aggregate(g, model, held)
    elif hasattr(model, "states"):
        found = _graph(g, model, held)
    elif hasattr(model, "feature_states"):
        found = _features(g, model, seeds, mask, held)
    elif hasattr(model, "unobserved_weight"):
        found = ridge(g, model, held)
    else:
        raise ConfigError(f"export to onnx does not know how {model.name} folds a playlist in")
    if model.config.similarity == "cosine":
        found = g.unit(found)
    for field, vectors in model.context_vectors().items() if hasattr(model, "context_vectors") else ():
        if field == "context":
            found = g.add(found, g.op("Gather", g.const(_padded(vectors)), _last(g, model, seeds, mask)))
        else:  # the program that asks has no input for it
            found = g.add(found, g.const(_padded(model.mean_context(field).unsqueeze(0))))
    return found


def _graph(g: Builder, model: Any, seeds: Neighbours) -> Value:
    """A graph model: layer by layer, from the mean of the playlists."""
    states = [{kind: h.numpy() for kind, h in state.items()} for state in model.states()]
    norms = model.degree_norms["in"][0].cpu().numpy()
    passed = [_start(g, states[0]["playlist"], seeds)]
    for conv, state in zip(model.layers, states):
        out = layer(g, conv.conv("in"), state["track"], norms, seeds, passed[-1])
        passed.append(g.activated(out, model.nonlinearity))
    alpha = getattr(model.combine, "alpha", None)
    if alpha is None:
        return g.op("Concat", *passed, axis=1)
    weights = alpha.detach().numpy().tolist()
    return g.add(*[g.mul(h, g.const(weight, np.float32)) for h, weight in zip(passed, weights)])


def _aggregate(g: Builder, model: Any, seeds: Neighbours) -> Value:
    """An aggregate of tracks: a weighted sum over the root of their number, and a layer where it has one."""
    tracks = np.array(model.tables["seed"].detach().numpy())
    if "artist" in model.tables:
        tracks = tracks + model.tables["artist"].detach().numpy()[model.artist.numpy()]
    h = g.op("Div", seeds.total(tracks * model.weight.numpy()[:, None]), g.op("Sqrt", seeds.some))
    return h if model.conv is None else g.add(h, layer(g, model.conv, tracks, tracks[:, 0], seeds, h))


def _features(g: Builder, model: Any, seeds: Value, mask: Value, held: Neighbours) -> Value:
    """A factorisation machine over a graph: messages come from the tracks, their artists and contexts, and itself."""
    states = [state.numpy() for state in model.feature_states()]
    start, parts = model.first_nodes, [(g.add(held.ids, g.ints(model.first_nodes["track"])), held.counts)]
    if model.artist is not None:
        artists, none = model.artist.numpy(), len(model.tables["artist"])
        ids = g.op("Gather", g.const(artists), seeds)
        has = g.op("And", mask, g.op("Not", g.op("Equal", ids, g.ints(none))))
        ids = g.op("Where", has, ids, g.ints(0))
        distinct = Neighbours.of(g, ids, has)
        parts.append((g.add(ids, g.ints(start["artist"])), distinct.counts))
    if "context" in model.tables:
        column = g.op("Concat", g.op("Shape", seeds, start=0, end=1), g.ints(1), axis=0)
        first = g.op("Expand", g.ints(model.n_tracks), column)
        before = g.op("Slice", g.op("Concat", first, seeds, axis=1), g.ints(0), g.ints(-1), g.ints(1))
        distinct = Neighbours.of(g, before, held.counts)
        parts.append((g.add(before, g.ints(start["context"])), distinct.counts))
    around = Neighbours(
        g, g.op("Concat", *[ids for ids, _ in parts], axis=1), g.op("Concat", *[counts for _, counts in parts], axis=1)
    )
    norm = model.norm.numpy()
    own = g.op("Reciprocal", g.op("Sqrt", g.add(around.n, g.const(1.0, np.float32))))
    h = _start(g, model.tables["playlist"].detach().numpy(), held)
    for depth, (hetero, state) in enumerate(zip(model.layers, states)):
        others = state
        if depth:
            others, h = _activated(state, model.nonlinearity), g.activated(h, model.nonlinearity)
        conv = hetero.conv("joins")
        if type(conv).__name__ == "LightGCNConv":
            h = g.mul(g.add(around.total(others * norm[:, None]), g.mul(h, own)), own)
        else:
            h = attention(g, conv, around, others, h, own=True)
    return g.op("Concat", h, g.ones(held.n), axis=1)


def _start(g: Builder, playlists: Floats, seeds: Neighbours) -> Value:
    """(batch, d) the mean of the playlists for each."""
    return g.add(g.mul(seeds.n, g.const(0.0, np.float32)), g.const(playlists.mean(0, keepdims=True)))


def _last(g: Builder, model: Any, seeds: Value, mask: Value) -> Value:
    """(batch,) the last seed, ``n_tracks`` where there is none; seeds stand before the padding."""
    n = g.op("ReduceSum", g.op("Cast", mask, to=7), g.ints(1), keepdims=1)
    at = g.op("Max", g.op("Sub", n, g.ints(1)), g.ints(0))
    last = g.op("GatherElements", seeds, at, axis=1)
    return g.op("Squeeze", g.op("Where", g.op("Equal", n, g.ints(0)), g.ints(model.n_tracks), last), g.ints(1))


def _padded(vectors: Any) -> Floats:
    """Contexts, with the column in which a playlist's vector has its 1."""
    return np.pad(vectors.detach().numpy(), ((0, 0), (0, 1)))


def _activated(h: Floats, name: str) -> Floats:
    import torch
    import torch.nn.functional as F

    of: dict[str, Any] = {"none": torch.clone, "relu": F.relu, "elu": F.elu}
    found: Floats = of[name](torch.from_numpy(h)).numpy()
    return found
