"""ONNX: a model that takes seeds and gives the best tracks, in any language that has a runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..errors import ConfigError, DataError
from ..models.base import Query
from ..rank.recommend import recommend
from ..serving.vectors import Embeddings
from ..storage import write_file
from .onnx_folds.builder import Builder, Value
from .onnx_folds.models import fold

__all__ = ["LOAD", "padded", "write"]

LOAD = (
    '`onnxruntime.InferenceSession("recommender.onnx").run(None, {"seeds": seeds, "mask": mask, "k": [100]})` gives '
    "the rows of `tracks.parquet` and their scores, both (batch, k), for playlists it has never seen; `seeds` is int64 "
    "(batch, length), rows of tracks in order, `mask` bool of the same shape, false behind the last; -1 and -inf where "
    "there are fewer than k"
)

OPSET, IR_VERSION = 18, 9
"""The newest that ONNX Runtime 1.15 reads."""

DEPTH, QUERIES = 100, 100
"""Tracks and playlists by which the graph is held to the model."""


@torch.no_grad()
def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``recommender.onnx``. Raises ConfigError without onnx, or where a model's fold-in is not known here."""
    try:
        import onnx
        import onnxruntime
    except ImportError:
        raise ConfigError("export to onnx needs the package onnx: pip install 'playlistrec[onnx]'") from None
    model: Any = source.model.to(torch.device("cpu"))
    content = _model(onnx, model, source).SerializeToString()
    path = folder / "recommender.onnx"
    write_file(path, content, DataError)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return {"files": [path.name], "opset": OPSET, **_compared(source, session)}


def _model(onnx: Any, model: Any, source: Embeddings) -> Any:
    g = Builder()
    value, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    inputs = [
        value("seeds", kinds.INT64, ["batch", "length"]),
        value("mask", kinds.BOOL, ["batch", "length"]),
        value("k", kinds.INT64, [1]),
    ]
    scores = _scores(g, model, source.history.popularity.astype(np.float32))
    k = g.op("Min", "k", g.ints(model.n_tracks))
    g.nodes.append(onnx.helper.make_node("TopK", [scores, k], ["scores", "best"], axis=1, largest=1, sorted=1))
    found = g.op("Equal", "scores", g.const(-np.inf, np.float32))
    g.nodes.append(onnx.helper.make_node("Where", [found, g.ints(-1), "best"], ["tracks"]))
    outputs = [value("tracks", kinds.INT64, ["batch", "k"]), value("scores", kinds.FLOAT, ["batch", "k"])]
    graph = onnx.helper.make_graph(g.nodes, model.name, inputs, outputs, g.constants)
    made = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="playlistrec",
        producer_version=__version__,
    )
    onnx.checker.check_model(made)
    return made


def _scores(g: Builder, model: Any, popularity: Any) -> Value:
    """(batch, n_tracks) the scores, ``-inf`` for the seeds; popularity for a playlist without seeds."""
    seeds = g.op("Where", "mask", "seeds", g.ints(0))
    scores = g.op("MatMul", fold(g, model, seeds, "mask"), g.const(model.vectors()[1].numpy().T))
    if model.prior is not None:
        scores = g.add(scores, g.const(model.prior.numpy()))
    n = g.op("ReduceSum", g.op("Cast", "mask", to=7), g.ints(1), keepdims=1)
    scores = g.op("Where", g.op("Equal", n, g.ints(0)), g.const(popularity[None]), scores)
    lowest = g.op("Where", "mask", g.const(-np.inf, np.float32), g.const(np.inf, np.float32))
    return g.op("ScatterElements", scores, seeds, lowest, axis=1, reduction="min")


def padded(query: Query) -> tuple[Any, Any]:
    """The seeds of queries as (batch, length) rows and their mask."""
    lengths = np.diff(query.offsets)
    mask = np.arange(max(1, lengths.max(initial=0)))[None, :] < lengths[:, None]
    seeds = np.zeros(mask.shape, dtype=np.int64)
    seeds[mask] = query.tracks
    return seeds, mask


def _compared(source: Embeddings, session: Any) -> dict[str, Any]:
    """The share of the model's best tracks that the graph finds, and the largest difference of their scores."""
    rows = source.sample(QUERIES)
    query = Query.of([source.query.seeds(row).tolist() for row in rows])
    k = min(DEPTH, source.model.n_tracks)
    tracks, values = recommend(source.model, query, k, history=source.history)
    seeds, mask = padded(query)
    theirs, scores = session.run(None, {"seeds": seeds, "mask": mask, "k": np.array([k])})
    shares = [len({*a} & {*b} - {-1}) / max(1, len({*a} - {-1})) for a, b in zip(tracks.tolist(), theirs.tolist())]
    ranked = np.isfinite(values) & np.isfinite(scores)
    difference = float(np.abs(values - scores)[ranked].max()) if ranked.any() else 0.0
    return {f"same@{k}": round(float(np.mean(shares)), 4) if shares else None, "largest difference": difference}
