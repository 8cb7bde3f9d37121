"""Same figures after a change of the code: histories and metrics of small fits, held against recorded ones.

    python benchmarks/parity.py record FILE.json      # before the change
    python benchmarks/parity.py compare FILE.json     # after it: every figure must be the same to the last digit

The cases are every model with its preset on 2,000 synthetic playlists, 5 epochs; lightgcn on the first 3,000 Polimi
playlists (--polimi FOLDER); and on 300 synthetic playlists every objective with each kind of negatives and each term.
Seed 0, one thread. Record and compare on one machine: another processor rounds otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import playlistrec as pr
from playlistrec.models.registry import MODELS, model_class

Options = dict[str, Any]

SMALL: Options = {"dim": 16, "epochs": 2, "eval_every": 1, "batch_size": 512}
SOFTMAX: Options = {"loss": "softmax", "temperature": 0.1, "popularity_prior": 0.05, "similarity": "cosine"}
SHARED: Options = {**SOFTMAX, "negatives": "shared", "n_negatives": 256, "popularity_power": 0.5, "batch_size": 64}
ALL: Options = {**SOFTMAX, "negatives": "all", "batch_size": 64}
TERMS: Options = {
    **{"length_weight_exponent": 0.5, "symmetric_weight": 0.5, "l2": 0.001},
    **{"message_edge_share": 0.7, "contrast": 0.1},
}
POOL: Options = {"negatives": "pool", "n_negatives": 2, "pool_size": 20, "pool_final_share": 0.2}
SAMPLED: Options = {"regime": "sampled", "fanout": 5}
CONTEXT: Options = {"context": "previous"}

OBJECTIVES: dict[str, tuple[str, Options]] = {
    "bpr": ("lightgcn", {}),
    "bpr l2 hardest": ("lightgcn", {"hard_negative_candidates": 6, "n_negatives": 2, "l2": 0.01}),
    "bce popularity": ("mf", {"loss": "bce", "negatives": "popularity", "n_negatives": 3}),
    "bpr in-batch": ("mf", {"negatives": "in-batch", "n_negatives": 2}),
    "bpr pool": ("lightgcn", {**POOL, "pool_anneal_epochs": 2, "pool_refresh_every": 1}),
    "bpr artist": ("mf", {"negatives": "artist"}),
    "bpr two-hop": ("mf", {"negatives": "two-hop", "n_negatives": 2}),
    "softmax uniform": ("lightgcn", {**SOFTMAX, "n_negatives": 8}),
    "softmax uniform logq hardest": (
        "mf",
        {**SOFTMAX, "n_negatives": 4, "hard_negative_candidates": 8, "logq_correction": 0.5},
    ),
    "softmax popularity logq": (
        "lightgcn",
        {**SOFTMAX, "n_negatives": 8, "negatives": "popularity", "logq_correction": 1.0},
    ),
    "softmax pool": ("mf", {**SOFTMAX, "negatives": "pool", "n_negatives": 4, "pool_size": 30}),
    "softmax in-batch": ("lightgcn", {**SOFTMAX, "negatives": "in-batch"}),
    "softmax in-batch logq": ("mf", {**SOFTMAX, "negatives": "in-batch", "logq_correction": 1.0, "l2": 0.001}),
    "softmax shared": ("lightgcn", SHARED),
    "softmax shared all options": ("lightgcn", {**SHARED, **TERMS, "logq_correction": 1.0}),
    "softmax shared bf16": ("lightgcn", {**SHARED, "precision": "bf16"}),
    "softmax all": ("lightgcn", ALL),
    "softmax all all options": ("lightgcn", {**ALL, **TERMS}),
    "softmax all mf": ("mf", {**ALL, "symmetric_weight": 0.5}),
    "softmax all no prior dot": (
        "mf",
        {**ALL, "popularity_prior": 0.0, "similarity": "dot", "schedule": "cosine", "init": "svd"},
    ),
    "directau": ("lightgcn", {"loss": "directau", "uniformity": 0.5}),
    "directau contrast": (
        "lightgcn",
        {"loss": "directau", "contrast": 0.2, "contrast_noise": 0.1, "contrast_temperature": 0.3},
    ),
    "bpr contrast messages": ("lightgcn", {"contrast": 0.2, "message_edge_share": 0.5}),
    "sampled bpr": ("lightgcn", SAMPLED),
    "sampled softmax popularity": (
        "sage",
        {
            **{**SOFTMAX, **SAMPLED, "negatives": "popularity", "n_negatives": 4},
            **{"logq_correction": 1.0, "hard_negative_candidates": 6},
        },
    ),
    "sampled pool": ("gat", {**SAMPLED, "negatives": "pool", "n_negatives": 2}),
    "fm context bpr": (
        "fm",
        {**CONTEXT, "loss": "bpr", "negatives": "uniform", "hard_negative_candidates": 0, "n_negatives": 2},
    ),
    "fm context all": ("fm", {**CONTEXT, "loss": "softmax", "negatives": "all", "l2": 0.01, "batch_size": 256}),
    "fm context shared": (
        "fm",
        {**CONTEXT, "loss": "softmax", "negatives": "shared", "n_negatives": 128, "logq_correction": 1.0},
    ),
    "fm context in-batch": ("fm-gcn", {**CONTEXT, "loss": "softmax", "negatives": "in-batch"}),
    "gru4rec bpr": ("gru4rec", {"loss": "bpr", "negatives": "uniform", "n_negatives": 64}),
    "gru4rec bpr-max": (
        "gru4rec",
        {"loss": "bpr-max", "negatives": "popularity", "n_negatives": 64, "bpr_max_reg": 0.5, "l2": 0.001},
    ),
    "gru4rec softmax all": ("gru4rec", {"loss": "softmax", "negatives": "all"}),
    "gru4rec softmax in-batch": (
        "gru4rec",
        {"loss": "softmax", "negatives": "in-batch", "logq_correction": 0.5, "schedule": "cosine"},
    ),
    "identity gat shared": ("gat", {**SHARED, "weight_init": "identity", "activation": "relu"}),
    "concat ngcf": ("ngcf", ALL),
}


def figures(data: pr.Data, model: str, folder: Path, **how: Any) -> dict[str, Any]:
    """History, validation and test metrics of one fit."""
    run = pr.fit(data, model, folder, seed=0, **how)
    history = folder / "history.jsonl"
    epochs = [json.loads(line) for line in history.read_text().splitlines()] if history.exists() else []
    test, valid = run.evaluate("test", k=[10, 20]).metrics, run.evaluate("valid", k=[20]).metrics
    return {"history": epochs, "test": test, "valid": valid}


def cases(folder: Path, polimi: Path | None, chosen: re.Pattern[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and figures of each case whose name matches."""
    runs = folder / "runs"

    def fitted(name: str, data: pr.Data, model: str, **how: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if chosen.search(name):
            yield name, figures(data, model, runs / name.replace(" ", "-"), **how)

    pr.synthesize(folder / "300", playlists=300, seed=0)
    small = pr.preprocess(folder / "300", folder / "small", k_core=3, seed=0)
    for name, (model, options) in OBJECTIVES.items():
        yield from fitted(f"objective {name}", small, model, preset="none", options={**SMALL, **options})
    teacher = runs / "objective-softmax-shared"
    if teacher.exists():
        distilled: Options = {**SMALL, **SHARED, "teacher": str(teacher)}
        yield from fitted("objective distilled", small, "lightgcn", preset="none", options=distilled)
        weighted = {"teacher_weight": 2.0, "teacher_temperature": 0.1, "length_weight_exponent": 0.5}
        distilled |= {**weighted, "logq_correction": 1.0}
        yield from fitted("objective distilled weights", small, "lightgcn", preset="none", options=distilled)
    yield from fitted("refit", small, "lightgcn", preset="none", options=SMALL, refit=True)
    pr.synthesize(folder / "2000", playlists=2000, seed=0)
    data = pr.preprocess(folder / "2000", folder / "data", k_core=5, seed=0)
    for model in MODELS:
        epochs = {"epochs": 5} if model_class(model).trainable else {}
        yield from fitted(f"model {model}", data, model, **epochs)
    if polimi is not None:
        real = pr.preprocess(polimi, folder / "polimi", limit=3000, seed=0)
        yield from fitted("polimi lightgcn", real, "lightgcn", epochs=5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["record", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--polimi", type=Path, help="folder of the Polimi 2018 playlists")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose names match")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recorded = json.loads(given.file.read_text()) if given.verb == "compare" else {}
    found: dict[str, Any] = {}
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases(Path(folder), given.polimi, re.compile(given.only)):
            found[name] = json.loads(json.dumps(case))
            said = f"{name:44s} ndcg@20 {case['test']['ndcg@20']:.6f}"
            if given.verb == "compare":
                same = json.dumps(found[name], sort_keys=True) == json.dumps(recorded.get(name), sort_keys=True)
                differ += not same
                said += "  same" if same else "  DIFFERENT" if name in recorded else "  not recorded"
            print(said, flush=True)
    if given.verb == "record":
        given.file.write_text(json.dumps(found, indent=1) + "\n")
    else:
        print(f"{len(found) - differ} of {len(found)} cases are the same to the last digit")
        raise SystemExit(differ > 0)


if __name__ == "__main__":
    main()
