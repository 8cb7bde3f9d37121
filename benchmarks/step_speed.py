"""Time a training step of each graph model on a data folder, with DGL's kernels and with torch's.

python benchmarks/step_speed.py DATA
"""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from pathlib import Path

import click
import torch

import playlistrec as pr
from playlistrec.graph import ops
from playlistrec.models.zoo import model_class
from playlistrec.train.batches import batches_for
from playlistrec.train.fit import _adam, _step
from playlistrec.train.options import TrainOptions


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--batch-size", type=int, default=32768, show_default=True)
@click.option("--steps", type=int, default=4, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(data: Path, batch_size: int, steps: int, seed: int) -> None:
    loaded = pr.Data.load(data)
    corpus = loaded.split.training(loaded.corpus)
    click.echo(f"{os.cpu_count()} cores, seed {seed}, {len(corpus.pairs[0]):,} pairs, batch {batch_size:,}")
    options = TrainOptions(batch_size=batch_size, regime="full")
    for name in ("lightgcn", "sage", "gat"):
        for artists in (False, True):
            kind = model_class(name)
            model = kind.from_corpus(corpus, kind.options.from_options({"artists": artists}), seed=seed)
            seconds = []
            for kernels in (nullcontext, ops.force_torch):
                batches = batches_for(model, corpus, options, torch.device("cpu")).epoch(seed)  # type: ignore[arg-type]
                optimizer = _adam(model, options.lr)  # type: ignore[arg-type]
                with kernels():
                    _step(next(batches), options, optimizer)
                    start = time.perf_counter()
                    for _ in range(steps):
                        _step(next(batches), options, optimizer)
                seconds.append((time.perf_counter() - start) / steps)
            what = f"{name}{', artists' if artists else ''}"
            click.echo(f"{what}: DGL {seconds[0]:.2f} s a step, torch {seconds[1]:.2f} s")


if __name__ == "__main__":
    main()
