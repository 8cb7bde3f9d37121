"""Where the time of a training step goes, and the floor it is held against.

    python benchmarks/step_speed.py DATA --set batch_size=2048
    python benchmarks/step_speed.py DATA --preset lightgcn

The first table times whole steps of each graph model with DGL's kernels and with the torch ones that serve a GPU. The
second takes LightGCN's step apart. The floor counts the bytes that must be moved: each layer, there and back, reads a
vector for every edge and writes one for every node; Adam reads four tables and writes three. It is divided by what
this machine copies in a second, from memory and from the cache (the tables of a small graph stay in it).
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import torch

import playlistrec as pr
from playlistrec.apps.fitting import resolve
from playlistrec.apps.presets import preset_named
from playlistrec.corpus.corpus import Corpus
from playlistrec.graph import ops
from playlistrec.models.graph import GraphModel
from playlistrec.models.zoo import model_class
from playlistrec.train.batches import batches_for
from playlistrec.train.objective import PRECISIONS, Objective


class Stepper:
    """Training steps of one model, with what each part of one took."""

    def __init__(self, corpus: Corpus, name: str, given: dict[str, Any], seed: int) -> None:
        kind = model_class(name)
        options, training = resolve(kind, {"regime": "full", **given})
        assert training is not None, "only trained models take part"
        self.options = training
        model = kind.from_corpus(corpus, options, seed=seed)
        assert isinstance(model, GraphModel)
        model.precision = PRECISIONS[training.precision]
        self.model = model
        self.batches = batches_for(model, corpus, self.options, torch.device("cpu"))
        self.objective = Objective(self.options, self.batches)
        self.optimizer = torch.optim.Adam(model.parameters(), self.options.lr, fused=True)
        self.seed, self.epoch = seed, self.batches.epoch(seed, 0)
        self.parts: dict[str, list[float]] = {}

    def step(self) -> None:
        """One step; its parts are added to ``parts``."""
        batch = self._timed("batch, negatives and propagation", self._next)
        _, objective = self._timed("loss", lambda: self.objective(batch))
        self.optimizer.zero_grad()
        self._timed("backward", objective.backward)
        self._timed("Adam", self.optimizer.step)

    def _next(self) -> Any:
        batch = next(self.epoch, None)
        if batch is None:
            self.epoch = self.batches.epoch(self.seed, 0)
            batch = next(self.epoch)
        return batch

    def _timed(self, part: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        self.parts.setdefault(part, []).append(time.perf_counter() - start)
        return result

    def floor_bytes(self) -> tuple[int, int]:
        """Bytes that propagation and Adam must move."""
        graph, width = self.model.graph, 4 * self.model.config.dim
        layer = sum(
            graph.num_edges(e) * (width + 4) + graph.num_dst_nodes(e[2]) * width for e in graph.canonical_etypes
        )
        table = sum(parameter.numel() * 4 for parameter in self.model.parameters())
        return 2 * len(self.model.layers) * layer, 7 * table


def copy_speed(megabytes: int) -> float:
    """Bytes read and written in a second by copying that much."""
    source = torch.zeros(megabytes * 2**18)
    target = torch.empty_like(source)
    best = min(_seconds(lambda: target.copy_(source)) for _ in range(50))
    return 2 * source.numel() * 4 / best


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--preset", help="LightGCN's options from a preset.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Options for all.")
@click.option("--steps", type=int, default=10, show_default=True)
@click.option("--threads", type=int, default=os.cpu_count(), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(data: Path, preset: str | None, sets: tuple[str, ...], steps: int, threads: int, seed: int) -> None:
    torch.set_num_threads(threads)
    loaded = pr.Data.load(data)
    corpus = loaded.split.training(loaded.corpus)
    given: dict[str, Any] = dict(text.split("=", 1) for text in sets)
    if preset:
        given = {**preset_named(preset, "lightgcn").options, **given}
    click.echo(
        f"{os.cpu_count()} cores, {threads} threads, seed {seed}, load {os.getloadavg()[0]:.1f}, "
        f"{len(corpus.pairs[0]):,} pairs, {given}\n"
    )
    if not preset:
        click.echo("| model | DGL's kernels, s a step | torch's, s |\n|---|---|---|")
        for name in ("lightgcn", "sage", "gat"):
            stepper = Stepper(corpus, name, given, seed)
            medians = []
            for kernels in (nullcontext, ops.force_torch):
                with kernels():
                    stepper.step()
                    medians.append(statistics.median(_seconds(stepper.step) for _ in range(steps)))
            click.echo(f"| {name} | {medians[0]:.3f} | {medians[1]:.3f} |")
        click.echo()
    stepper = Stepper(corpus, "lightgcn", given, seed)
    for _ in range(2):
        stepper.step()
    stepper.parts.clear()
    for _ in range(steps):
        stepper.step()
    medians_of = {part: statistics.median(seconds) for part, seconds in stepper.parts.items()}
    total = sum(medians_of.values())
    click.echo("| part of LightGCN's step | ms | share |\n|---|---|---|")
    for part, seconds in medians_of.items():
        click.echo(f"| {part} | {seconds * 1e3:.1f} | {seconds / total:.0%} |")
    click.echo(f"| all | {total * 1e3:.1f} | |\n")
    propagation, adam = stepper.floor_bytes()
    for what, megabytes in (("memory", 256), ("the cache", 4)):
        speed = copy_speed(megabytes)
        click.echo(
            f"floor at {speed / 1e9:.0f} GB/s from {what}: propagation {propagation / speed * 1e3:.1f} ms "
            f"({propagation / 1e6:.0f} MB), Adam {adam / speed * 1e3:.1f} ms ({adam / 1e6:.0f} MB)"
        )


if __name__ == "__main__":
    main()
