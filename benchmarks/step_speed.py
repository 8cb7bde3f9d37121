"""Where the time of a training step goes, and the floor it is held against.

    python benchmarks/step_speed.py DATA --set batch_size=2048
    python benchmarks/step_speed.py DATA --preset lightgcn
    python benchmarks/step_speed.py --pairs 10_000_000 --device cuda --set batch_size=2048

The first table times whole steps of each graph model with DGL's kernels and with the torch ones that serve a GPU. The
second takes LightGCN's step apart. The floor counts the bytes that must be moved: each layer, there and back, reads a
vector for every edge and writes one for every node; Adam reads four tables and writes three. It is divided by what
this machine copies in a second, from memory and from the cache (the tables of a small graph stay in it). Without DATA
the pairs are random, fifty a playlist and fifty a track, popular tracks far more often than others.

On a GPU every part is waited for in the second table, which its parts would else overlap; in the first none is.
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
import numpy as np
import pyarrow as pa
import torch
from records import Recorder

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.experiment.presets import preset_named
from playlistrec.experiment.resolving import resolve
from playlistrec.experiment.runs import pick_device
from playlistrec.graph import ops
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.registry import model_class
from playlistrec.train.fit import trainer_of


class Stepper:
    """Training steps of one model, with what each part of one took."""

    def __init__(self, corpus: Corpus, name: str, given: dict[str, Any], seed: int, device: torch.device) -> None:
        kind = model_class(name)
        options, training = resolve(kind, {"regime": "full", **given})
        assert training is not None, "only trained models take part"
        self.options = training
        model = kind.from_corpus(corpus, options, seed=seed, device=device)
        assert isinstance(model, GraphModel)
        self.model, self.device = model, device
        trainer = trainer_of(model, corpus, training, device=device)
        self.batches, self.objective, self.optimizer = trainer.batches, trainer.objective, trainer.optimizer
        self.seed, self.epoch = seed, self.batches.epoch(seed, 0)
        self.parts: dict[str, list[float]] | None = None

    def step(self) -> None:
        """One step; its parts are added to ``parts``, if they are asked for."""
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
        if self.parts is None:
            return work()
        start = time.perf_counter()
        result = work()
        wait(self.device)
        self.parts.setdefault(part, []).append(time.perf_counter() - start)
        return result

    def seconds(self, steps: int) -> float:
        """Seconds a step, the mean of so many; on a GPU none is waited for but the last."""

        def run() -> None:
            for _ in range(steps):
                self.step()
            wait(self.device)

        self.step()
        wait(self.device)
        return _seconds(run) / steps

    def floor_bytes(self) -> tuple[int, int]:
        """Bytes that propagation and Adam must move."""
        graph, width = self.model.graph, 4 * self.model.config.dim
        layer = sum(
            graph.num_edges(e) * (width + 4) + graph.num_dst_nodes(e[2]) * width for e in graph.canonical_etypes
        )
        table = sum(parameter.numel() * 4 for parameter in self.model.parameters())
        return 2 * len(self.model.layers) * layer, 7 * table


def wait(device: torch.device) -> None:
    """Until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def copy_speed(megabytes: int, device: torch.device) -> float:
    """Bytes read and written in a second by copying that much."""
    source = torch.rand(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    times = 50

    def copies() -> None:
        for _ in range(times):
            target.copy_(source)
        wait(device)

    return times * 2 * source.numel() * 4 / min(_seconds(copies) for _ in range(3))


def random_corpus(n_pairs: int, seed: int) -> Corpus:
    """Playlists of fifty tracks, drawn with a chance that falls with the root of their number; no artists."""
    rng = np.random.default_rng(seed)
    n = n_pairs // 50
    tracks = (n * rng.random(50 * n) ** 2).astype(np.int32)
    names = pa.array([str(i) for i in range(n)], pa.string())
    return Corpus(
        offsets=np.arange(n + 1) * 50,
        tracks=tracks,
        playlists=pa.table({"pid": names}),
        track_table=pa.table({"uri": names, "artist": pa.nulls(n, pa.int32())}),
        artists=pa.table({"uri": names[:0], "name": names[:0]}),
    )


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path), required=False)
@click.option(
    "--pairs", type=click.IntRange(min=50), default=10_000_000, show_default=True, help="Random pairs, without DATA."
)
@click.option("--preset", help="LightGCN's options from a preset.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Options for all.")
@click.option("--steps", type=int, default=10, show_default=True)
@click.option("--threads", type=int, default=os.cpu_count(), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", "chosen", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    data: Path | None,
    pairs: int,
    preset: str | None,
    sets: tuple[str, ...],
    steps: int,
    threads: int,
    seed: int,
    chosen: str,
    record: str | None,
) -> None:
    torch.set_num_threads(threads)
    device = pick_device(chosen)
    if data is None:
        corpus = random_corpus(pairs, seed)
    else:
        loaded = pr.Data.load(data)
        corpus = loaded.split.training(loaded.corpus)
    given: dict[str, Any] = dict(text.split("=", 1) for text in sets)
    if preset:
        given = {**preset_named(preset, "lightgcn").options, **given}
    gpu = f"{torch.cuda.get_device_name()}, " if chosen == "cuda" else ""
    click.echo(
        f"{gpu}{os.cpu_count()} cores, {threads} threads, seed {seed}, load {os.getloadavg()[0]:.1f}, "
        f"{len(corpus.pairs[0]):,} pairs, {given}\n"
    )
    named = data.name if data else f"{pairs:,} random pairs"
    split = f"train: {len(corpus.pairs[0]):,} pairs"
    shared = {"data": named, "split": split, "part": "none", "seed": seed, "preset": preset, "options": given}
    recorder = Recorder(record, **shared, chosen="nothing is chosen")
    # DGL from PyPI has no kernels for a GPU.
    kernels = {"torch's": ops.force_torch} if gpu else {"DGL's": nullcontext, "torch's": ops.force_torch}
    click.echo(f"| model | {' | '.join(f'{name} kernels, ms a step' for name in kernels)} |")
    click.echo("|---" * (len(kernels) + 1) + "|")
    for name in ("lightgcn",) if preset else ("lightgcn", "sage", "gat"):
        stepper = Stepper(corpus, name, given, seed, device)
        taken = []
        for kernel, within in kernels.items():
            with within():
                seconds = stepper.seconds(steps)
            taken.append(f"{seconds * 1e3:.1f}")
            recorder.add(
                row=name, model=name, column=f"{kernel} kernels", metrics={"ms a step": round(seconds * 1e3, 1)}
            )
        click.echo(f"| {name} | {' | '.join(taken)} |")
        del stepper
    stepper = Stepper(corpus, "lightgcn", given, seed, device)
    stepper.seconds(2)
    stepper.parts = {}
    for _ in range(steps):
        stepper.step()
    medians_of = {part: statistics.median(seconds) for part, seconds in stepper.parts.items()}
    total = sum(medians_of.values())
    click.echo("\n| part of LightGCN's step | ms | share |\n|---|---|---|")
    for part, seconds in medians_of.items():
        click.echo(f"| {part} | {seconds * 1e3:.1f} | {seconds / total:.0%} |")
        recorder.add(row=part, model="lightgcn", column="part", metrics={"ms a step": round(seconds * 1e3, 1)})
    click.echo(f"| all | {total * 1e3:.1f} | |\n")
    propagation, adam = stepper.floor_bytes()
    for what, megabytes in (("memory", 256), ("the cache", 4)):
        speed = copy_speed(megabytes, device)
        click.echo(
            f"floor at {speed / 1e9:.0f} GB/s from {what}: propagation {propagation / speed * 1e3:.2f} ms "
            f"({propagation / 1e6:.0f} MB), Adam {adam / speed * 1e3:.2f} ms ({adam / 1e6:.0f} MB)"
        )
        for part, moved in (("propagation", propagation), ("Adam", adam)):
            floor = {"ms a step": round(moved / speed * 1e3, 2)}
            recorder.add(row=f"floor of {part}, from {what}", model="copy", column="part", metrics=floor)
    recorder.save()
    if gpu:
        click.echo(f"peak memory of the GPU {torch.cuda.max_memory_allocated() / 2**20:,.0f} MB")


if __name__ == "__main__":
    main()
