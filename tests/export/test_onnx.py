"""ONNX: ONNX Runtime gives the tracks that the model gives, for every model with vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import playlistrec as pr
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError
from playlistrec.export.export import export
from playlistrec.export.onnx import padded
from playlistrec.rank.recommend import recommend

SHARED: Mapping[str, Any] = {"loss": "softmax", "negatives": "shared", "n_negatives": 64}
CASES: list[tuple[str, Mapping[str, Any]]] = [
    ("mf", {"similarity": "cosine", "popularity_prior": 0.1}),
    ("fm", {}),
    ("fm", {"context": "previous"}),
    ("lightgcn", {"similarity": "cosine", "popularity_prior": 0.1, "layer_weights": "0,1,1", "layers": 2}),
    ("gat", {"head_dim": "full", "activation": "relu"}),
    ("sage", {}),
    ("sage", {"aggregator": "pool", "layers": 1}),
    ("gcn", {}),
    ("ngcf", {"layers": 2}),
    ("fm-gcn", {"layers": 2}),
    ("fm-gat", {"layers": 2, "context": "previous"}),
    ("fm-gat", {"artists": False}),
    ("aggregate", SHARED),
    ("aggregate", {**SHARED, "conv": "gat"}),
    ("aggregate", {**SHARED, "conv": "sage", "artists": False}),
]
SEEDS: list[list[int]] = [[3, 17, 3, 90], [], [200], list(range(40)), [17, 3], [5, 5, 5]]


@pytest.fixture(scope="module")
def data() -> pr.Data:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(240, rng.integers(4, 16))] for _ in range(150)]
    corpus = pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 40}" for t in range(200)})
    return pr.Data.of(corpus, split_edges(corpus, valid=0.1, test=0.1))


@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n} {o}" for n, o in CASES])
def test_the_runtime_gives_the_models_best_tracks(
    name: str, options: Mapping[str, Any], data: pr.Data, tmp_path: Path
) -> None:
    run = pr.fit(data, name, options={"epochs": 1, "dim": 8, "lr": 0.05, **options}, preset="none")
    about = export(run, tmp_path / "x", ["onnx"])["kinds"]["onnx"]
    assert about["same@100"] == 1
    assert about["largest difference"] < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "x" / "recommender.onnx"))
    query, model = pr.Query.of(SEEDS), run.recommender("test")
    for k in (100, 1, model.n_tracks + 5):
        seeds, mask = padded(query)
        tracks, scores = session.run(None, {"seeds": seeds, "mask": mask, "k": np.array([k])})
        wanted, values = recommend(model, query, min(k, model.n_tracks), history=run.history)
        assert tracks.shape == wanted.shape
        np.testing.assert_allclose(scores, values, rtol=1e-4, atol=1e-5)
        assert (tracks != wanted).mean() < 0.02, "but for scores that are equal as far as sums can tell"
        assert ((tracks == -1) == ~np.isfinite(scores)).all()
        for row, held in enumerate(SEEDS):
            assert not {*tracks[row].tolist()} & {*held}


def test_what_is_padded_may_be_anything_and_a_batch_is_as_each_alone(data: pr.Data, tmp_path: Path) -> None:
    run = pr.fit(data, "gat", options={"epochs": 1, "dim": 8}, preset="none")
    export(run, tmp_path / "x", ["onnx"])
    session = onnxruntime.InferenceSession(str(tmp_path / "x" / "recommender.onnx"))
    seeds, mask = padded(pr.Query.of(SEEDS))
    dirty = np.where(mask, seeds, np.random.default_rng(0).integers(-9, 10**6, seeds.shape))
    k = np.array([20])
    clean = session.run(None, {"seeds": seeds, "mask": mask, "k": k})
    np.testing.assert_array_equal(session.run(None, {"seeds": dirty, "mask": mask, "k": k})[0], clean[0])
    for row, held in enumerate(SEEDS):
        one = dict(zip(("seeds", "mask"), padded(pr.Query.of([held]))))
        np.testing.assert_array_equal(session.run(None, {**one, "k": k})[0][0], clean[0][row])


def test_the_file_needs_nothing_of_ours(data: pr.Data, tmp_path: Path) -> None:
    run = pr.fit(data, "mf", options={"epochs": 1, "dim": 8}, preset="none")
    export(run, tmp_path / "x", ["onnx"])
    code = (
        "import sys, json, numpy as np, onnxruntime as ort\n"
        f"s = ort.InferenceSession({str(tmp_path / 'x' / 'recommender.onnx')!r})\n"
        "t, _ = s.run(None, {'seeds': np.array([[3, 17]]), 'mask': np.array([[True, True]]), 'k': np.array([5])})\n"
        "print(json.dumps([t[0].tolist(), [m for m in ('torch', 'dgl', 'playlistrec') if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    tracks, ours = json.loads(done.stdout)
    assert tracks == run.recommend(tracks=[3, 17], k=5).tracks.tolist()
    assert ours == []


def test_models_without_vectors_are_refused(data: pr.Data, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="itemknn has no vectors"):
        export(pr.fit(data, "itemknn"), tmp_path / "x", ["onnx"])
    with pytest.raises(ConfigError, match="unknown kind of export 'torchscript'"):
        export(pr.fit(data, "mf", options={"epochs": 1}), tmp_path / "x", ["torchscript"])
