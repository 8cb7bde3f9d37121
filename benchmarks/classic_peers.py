"""Item neighbours, ALS and popularity beside implicit, LensKit and RecTools: processor seconds of one thread.

    python benchmarks/classic_peers.py DATA --repeats 3 [--peers FOLDER]

DATA is a folder made by `playlistrec preprocess`; all learn from its training part, and recommend 20 tracks for each
playlist by their public call. LensKit and RecTools may be installed elsewhere (`pip install --target FOLDER`); what is
not installed is left out. Processor time says more than the clock on a busy machine, so it is the figure; systems take
turns, and the table has medians. Neighbours are 100, those that each system keeps by its own rule; ALS has 64 factors
and 5 iterations.
"""

from __future__ import annotations

import importlib.metadata
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import torch
from records import Recorder
from scipy import sparse

import playlistrec as pr

K, NEIGHBOURS, FACTORS, ITERATIONS = 20, 100, 64, 5
Step = Callable[[], Any]
ALS = {"factors": FACTORS, "regularization": 60, "alpha": 40, "iterations": ITERATIONS}


def ours(data: pr.Data, model: str, options: dict[str, Any]) -> tuple[Step, Callable[[Any], Any]]:
    """The fit, and what recommends with it."""
    pids = data.corpus.playlists["pid"].to_pylist()
    return lambda: pr.fit(data, model, preset="none", options=options), lambda run: run.recommend(playlist=pids, k=K)


def of_implicit(pairs: sparse.csr_matrix, model: Any) -> tuple[Step, Callable[[Any], Any]]:
    """The same for a model of implicit."""
    from threadpoolctl import threadpool_limits

    def fitted() -> Any:
        with threadpool_limits(limits=1, user_api="blas"):
            model.fit(pairs, show_progress=False)
        return model

    return fitted, lambda found: found.recommend(np.arange(pairs.shape[0]), pairs, N=K)


def of_lenskit(pairs: sparse.csr_matrix, scorer: Any) -> tuple[Step, Callable[[Any], Any]]:
    """The same for a pipeline of LensKit, which runs in this process."""
    from lenskit.batch import recommend
    from lenskit.data import from_interactions_df
    from lenskit.pipeline import topn_pipeline

    coo = pairs.tocoo()
    table = from_interactions_df(pd.DataFrame({"user_id": coo.row, "item_id": coo.col}))

    def fitted() -> Any:
        pipeline = topn_pipeline(scorer(), n=K)
        pipeline.train(table)
        return pipeline

    return fitted, lambda pipeline: recommend(pipeline, np.arange(pairs.shape[0]).tolist(), n=K, n_jobs=1)


def of_rectools(pairs: sparse.csr_matrix) -> tuple[Step, Callable[[Any], Any]]:
    """The same for popularity in RecTools."""
    from rectools.dataset import Dataset
    from rectools.models import PopularModel

    coo = pairs.tocoo()
    columns = {"user_id": coo.row, "item_id": coo.col, "weight": 1.0, "datetime": pd.Timestamp("2020-01-01")}
    dataset = Dataset.construct(pd.DataFrame(columns))
    users = np.unique(coo.row)
    return lambda: PopularModel().fit(dataset), lambda model: model.recommend(users, dataset, k=K, filter_viewed=True)


def systems(data: pr.Data) -> Iterator[tuple[str, str, str, Callable[[], tuple[Step, Callable[[Any], Any]]]]]:
    """Model, system, its package, and what makes its steps."""
    pairs = sparse.csr_matrix(data.split.training(data.corpus).matrix, dtype=np.float32)

    def neighbours() -> Any:
        from implicit.nearest_neighbours import CosineRecommender

        return of_implicit(pairs.astype(np.float64), CosineRecommender(K=NEIGHBOURS + 1, num_threads=1))

    def als() -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return of_implicit(pairs, AlternatingLeastSquares(**ALS, num_threads=1, random_state=0))

    def lenskit() -> Any:
        from lenskit.knn import ItemKNNScorer

        return of_lenskit(pairs, lambda: ItemKNNScorer(max_nbrs=NEIGHBOURS, save_nbrs=NEIGHBOURS, feedback="implicit"))

    factors = {"dim": FACTORS, "l2": ALS["regularization"], "alpha": ALS["alpha"], "iterations": ITERATIONS}
    yield "itemknn", "playlistrec", "playlistrec", lambda: ours(data, "itemknn", {"neighbours": NEIGHBOURS})
    yield "itemknn", "implicit", "implicit", neighbours
    yield "itemknn", "LensKit", "lenskit", lenskit
    yield "ials", "playlistrec", "playlistrec", lambda: ours(data, "ials", factors)
    yield "ials", "implicit", "implicit", als
    yield "popularity", "playlistrec", "playlistrec", lambda: ours(data, "popularity", {})
    yield "popularity", "RecTools", "rectools", lambda: of_rectools(pairs)


def timed(step: Step) -> tuple[float, Any]:
    start = time.process_time()
    result = step()
    return time.process_time() - start, result


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--repeats", type=int, default=3, show_default=True)
@click.option("--peers", type=click.Path(exists=True), help="A folder with peers that are installed elsewhere.")
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(data: Path, repeats: int, peers: str | None, record: str | None) -> None:
    torch.set_num_threads(1)
    if peers:
        sys.path.append(peers)
    loaded = pr.Data.load(data)
    split = f"train, {len(loaded.split.training(loaded.corpus).pairs[0]):,} pairs"
    recorder = Recorder(record, data=data.name, split=split, part="none", seed=0, chosen="nothing is chosen")
    click.echo("| model | system | version | fit, s | recommend, s |\n|---|---|---|---:|---:|")
    found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for _ in range(repeats):
        for model, system, package, make in systems(loaded):
            try:
                version = importlib.metadata.version(package)
                fit, recommend = make()
            except ImportError as error:
                click.echo(f"{system}: {error}", err=True)
                continue
            seconds, fitted = timed(fit)
            found.setdefault((model, system, version), []).append((seconds, timed(lambda: recommend(fitted))[0]))  # noqa: B023
    for (model, system, version), runs in found.items():
        fit_s, recommend_s = (statistics.median(column) for column in zip(*runs))
        click.echo(f"| {model} | {system} | {version} | {fit_s:.2f} | {recommend_s:.2f} |")
        taken = {"fit, processor": fit_s, "recommend, processor": recommend_s}
        recorder.add(row=model, column=f"{system} {version}", model=model, seconds=taken)
    recorder.save()


if __name__ == "__main__":
    main()
