"""Fitting and ranking on a GPU: as on a CPU, and without waiting for it at every step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.experiment.resolving import resolve
from playlistrec.models.embedding.initial import init_device, spectral
from playlistrec.models.embedding.trained import torch_seed
from playlistrec.models.registry import model_class
from playlistrec.train.fit import trainer_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

SOFTMAX = {"loss": "softmax", "similarity": "cosine", "temperature": 0.1, "popularity_prior": 0.05, "init": "svd"}
ALL = {**SOFTMAX, "negatives": "all", "batch_size": 64}
SHARED = {
    **ALL,
    "negatives": "shared",
    "n_negatives": 256,
    "logq_correction": 1.0,
    "length_weight_exponent": 0.5,
    "symmetric_weight": 0.5,
}
BPR = {"batch_size": 512, "n_negatives": 2}
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, BPR) for name in ("mf", "lightgcn", "sage", "gat", "gcn", "ngcf", "fm", "fm-gcn", "fm-gat", "gru4rec")),
    *((name, ALL) for name in ("mf", "lightgcn", "sage", "gat", "gcn", "ngcf")),
    *((name, SHARED) for name in ("mf", "lightgcn", "gat")),
    ("lightgcn", {**SHARED, "precision": "bf16"}),
    ("lightgcn", {**SOFTMAX, "negatives": "in-batch", "batch_size": 512, "contrast": 0.1}),
    ("lightgcn", {**BPR, "negatives": "pool", "pool_size": 50}),
    ("lightgcn", {**BPR, "negatives": "two-hop"}),
    ("lightgcn", {**BPR, "negatives": "popularity", "n_negatives": 1, "hard_negative_candidates": 4}),
    ("lightgcn", {**BPR, "message_edge_share": 0.5}),
    ("lightgcn", {**BPR, "loss": "directau"}),
    ("lightgcn", {**BPR, "regime": "sampled", "fanout": 5}),
    ("sage", {**BPR, "aggregator": "pool"}),
    (
        "fm",
        {
            **SHARED,
            "similarity": "dot",
            "init": "xavier",
            "temperature": 1.0,
            "symmetric_weight": 0.0,
            "context": "previous",
        },
    ),
]


@pytest.fixture(scope="module")
def data(data_folder: Path) -> pr.Data:
    return pr.Data.load(data_folder)


@pytest.fixture(scope="module")
def corpus(data: pr.Data) -> Corpus:
    return data.split.training(data.corpus)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Within this context it is an error to wait for the GPU."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(("name", "options"), CASES)
def test_what_was_fitted_on_a_gpu_ranks_alike_on_both(data: pr.Data, name: str, options: dict[str, Any]) -> None:
    run = pr.fit(data, name, options=options, preset="none", epochs=3, device="cuda", seed=1)
    assert all(np.isfinite(array).all() for array in run.arrays.values())
    there, here = (run.evaluate("valid", k=[20], device=device) for device in ("cuda", "cpu"))
    for metric in ("recall@20", "ndcg@20"):
        assert there.metrics[metric] == pytest.approx(here.metrics[metric], abs=0.004), metric
    query = pr.Query.of([[0, 2, 4], [1], []], [3, -1, -1])
    scores = [run.recommender("valid", device=device).score(query).cpu() for device in ("cuda", "cpu")]
    torch.testing.assert_close(*scores, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["mf", "lightgcn", "sage", "gat", "gcn", "ngcf"])
def test_a_fit_goes_the_same_way_as_on_a_cpu(data: pr.Data, name: str) -> None:
    """With all playlists in one step, and all tracks as negatives, nothing is drawn once the model is made."""
    losses = []
    for device in ("cuda", "cpu"):
        course: list[float] = []

        def note(event: pr.Event, into: list[float] = course) -> None:
            if event.kind == "epoch":
                into.append(event.data["loss"])

        options = {**ALL, "batch_size": 10_000, "lr": 0.01}
        pr.fit(data, name, options=options, preset="none", epochs=6, device=device, on_event=note)
        losses.append(course)
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3)


def test_singular_vectors_are_those_of_the_cpu(corpus: Corpus) -> None:
    found = []
    for device in ("cuda", "cpu"):
        with torch_seed(0), init_device(device):
            found.append(spectral(corpus, 8))
    for kind in ("playlist", "track", "artist"):
        np.testing.assert_allclose(found[0][kind], found[1][kind], atol=2e-3)


@pytest.mark.parametrize(
    ("name", "options"), [("lightgcn", BPR), ("lightgcn", ALL), ("sage", ALL), ("gat", BPR), ("mf", BPR), ("mf", ALL)]
)
def test_no_step_waits_for_the_gpu(corpus: Corpus, name: str, options: dict[str, Any]) -> None:
    device = torch.device("cuda")
    kind = model_class(name)
    chosen, training = resolve(kind, options)
    model = kind.from_corpus(corpus, chosen).to(device)
    trainer = trainer_of(model, corpus, training, device=device)
    epoch = trainer.batches.epoch(0, 0)
    trainer.step(next(epoch))  # what is copied to the device is copied now
    with without_waiting():
        trainer.step(next(epoch))


def test_an_interrupted_fit_goes_on(data: pr.Data, tmp_path: Path) -> None:
    options = {**BPR, "eval_every": 1}
    pr.fit(data, "lightgcn", tmp_path / "run", options=options, preset="none", epochs=2, device="cuda")
    run = pr.fit(data, "lightgcn", tmp_path / "run", epochs=4, resume=True, device="cuda")
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 4
    assert run.info["device"] == "cuda"
