"""Quality and time to quality on Gowalla, the split of the NGCF and LightGCN papers.

    python benchmarks/gowalla.py GOWALLA -m lightgcn -m "lightgcn lightgcn-temporal" -m sage
    python benchmarks/gowalla.py GR -m "lightgcn lightgcn-temporal" --teacher RUN

GOWALLA is the folder with the papers' train.txt and test.txt, or a data folder made of it. For each model (and preset,
the default of the model if none is named): a fit on nine tenths of train, the tenth that is left choosing the epoch;
then a fit from the start on all of train, as the published figures have it, for as many epochs. Of this second fit the
weights of some epochs are kept, and when everything is over, each ranks the test part once: nothing is chosen by these
figures. Seconds are those of the second fit, initial embeddings included, ranking not. With a teacher, a refitted run
of the same data folder, both fits imitate it, as it was before and after its refit; its own seconds are not counted.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import torch
from records import Recorder

import playlistrec as pr
from playlistrec.events import Event
from playlistrec.experiment.ensembles.run_parts import refits, teacher_vectors
from playlistrec.experiment.resolving import preset_of, resolve
from playlistrec.experiment.runs import pick_device
from playlistrec.models.base import Arrays
from playlistrec.models.registry import model_class
from playlistrec.rank.protocols import Evaluation, evaluate
from playlistrec.train.fit import fit

METRICS = ("recall", "ndcg")


@dataclass
class Course:
    """One model's way: what validation chose, and what the second fit was after some epochs."""

    name: str
    model: str
    preset: str | None
    judge: Callable[[Arrays], Evaluation]
    best_epoch: int = 0
    valid: dict[str, float] = field(default_factory=dict)
    first_seconds: float = 0.0
    kept: list[tuple[int, float, Arrays]] = field(default_factory=list)
    peak_memory_mb: int = 0


def trained(
    data: pr.Data, model: str, preset: str | None, teacher: str, seed: int, every: int, device: torch.device
) -> Course:
    """Fit twice and keep the weights of every so many epochs of the second fit."""
    corpus, split = data.corpus, data.split
    kind = model_class(model)
    found = preset_of(preset, model, data)
    chosen = {**(found.options if found else {}), "teacher": teacher}
    options, training = resolve(kind, chosen)
    assert training is not None, "only trained models take part"

    def judge(arrays: Arrays) -> Evaluation:
        fitted = kind.from_state(split.ranking(corpus, "test"), options, arrays).to(device)
        return evaluate(fitted, split.evaluation_set(corpus, "test"), ks=(20,), metrics=METRICS)

    course = Course(f"{model}, preset {found.name}" if found else model, model, found.name if found else None, judge)
    course.name += f", distilled from {teacher}" if teacher else ""
    valid = split.evaluation_set(corpus, "valid")

    start = time.perf_counter()
    first = kind.from_corpus(split.training(corpus), options, seed=seed, device=device)
    state = fit(
        first,  # type: ignore[arg-type]
        split.training(corpus),
        training,
        seed=seed,
        device=device,
        teacher_vectors=teacher_vectors(data, teacher, refit=False) if teacher else None,
        validate=lambda m: evaluate(m, valid, ks=(20,), metrics=METRICS).metrics,
    )
    course.first_seconds = time.perf_counter() - start
    course.best_epoch = state.best_epoch
    course.valid = evaluate(first, valid, ks=(20,), metrics=METRICS).metrics
    del first

    start = time.perf_counter()
    second = kind.from_corpus(split.training(corpus, refit=True), options, seed=seed, device=device)

    def keep(event: Event) -> None:
        if event.kind == "epoch" and (event.data["epoch"] % every == 0 or event.data["epoch"] == state.best_epoch):
            arrays = {name: array.copy() for name, array in second.state().items()}
            course.kept.append((event.data["epoch"], time.perf_counter() - start, arrays))

    fit(
        second,  # type: ignore[arg-type]
        split.training(corpus, refit=True),
        training,
        seed=seed,
        device=device,
        teacher_vectors=teacher_vectors(data, teacher, refit=True) if teacher else None,
        last_epoch=state.best_epoch,
        on_event=keep,
    )
    course.peak_memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return course


def record_first(course: Course, recorder: Recorder) -> None:
    """Keep what the validation part said of the first fit."""
    recorder.add(
        **{"row": course.name, "model": course.model, "preset": course.preset, "part": "valid", "column": "validation"},
        metrics={**course.valid, "best_epoch": course.best_epoch},
        seconds={"first fit": course.first_seconds},
        memory_mb=course.peak_memory_mb,
    )


def record_epoch(course: Course, epoch: int, seconds: float, result: Evaluation, recorder: Recorder) -> None:
    """Keep what the test part said of an epoch of the second fit."""
    recorder.add(
        **{"row": f"{course.name}, epoch {epoch}", "model": course.model, "preset": course.preset},
        **{"options": {"refit": True}, "part": "test", "column": "test"},
        metrics={name: result.metrics[name] for name in ("recall@20", "ndcg@20")},
        seconds={"training": seconds},
    )


def row(course: Course, epoch: int, seconds: float, result: Evaluation) -> str:
    """A line of the table."""
    figures = f"{result.metrics['recall@20']:.4f} | {result.metrics['ndcg@20']:.4f}"
    return f"| {course.name} | {epoch} | {seconds:.1f} | {figures} |"


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("-m", "models", multiple=True, default=("lightgcn",), metavar='"MODEL [PRESET]"', show_default=True)
@click.option("--teacher", default="", metavar="RUN", help="A refitted run that all these imitate.")
@click.option("-o", "out", type=click.Path(path_type=Path), default=Path("benchmark-gowalla"), show_default=True)
@click.option("--every", type=int, default=4, show_default=True, help="Epochs between the rows of the table.")
@click.option("--threads", type=int, default=os.cpu_count(), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", "chosen", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    source: Path,
    models: tuple[str, ...],
    teacher: str,
    out: Path,
    every: int,
    threads: int | None,
    seed: int,
    chosen: str,
    record: str | None,
) -> None:
    torch.set_num_threads(threads or 1)
    device = pick_device(chosen)
    data = pr.Data.load(source) if (source / "manifest.json").exists() else None
    if data is None:
        folder = out / "data"
        data = pr.Data.load(folder) if folder.exists() else pr.preprocess(source, folder)
    gpu = f"{torch.cuda.get_device_name()}, " if device.type == "cuda" else ""
    click.echo(
        f"{gpu}{os.cpu_count()} cores, {torch.get_num_threads()} threads, seed {seed}, load {os.getloadavg()[0]:.1f}\n"
    )
    shared = {"data": source.name, "split": data.split.kind, "seed": seed}
    recorder = Recorder(record, **shared, chosen="the preset; the last epoch by the validation part")
    if teacher:
        refits(data, [teacher], True)
    courses = []
    for spec in models:
        model, _, preset = spec.partition(" ")
        course = trained(data, model, preset or None, teacher, seed, every, device)
        valid = " / ".join(f"{course.valid[name]:.4f}" for name in ("recall@20", "ndcg@20"))
        click.echo(
            f"{course.name}: validation {valid} at epoch {course.best_epoch}, first fit "
            f"{course.first_seconds:.1f} s with its validations, peak memory {course.peak_memory_mb} MB"
        )
        courses.append(course)
        record_first(course, recorder)
    click.echo("\nTest, after a second fit on all of train:\n")
    click.echo("| model | epoch | training, s | Recall@20 | NDCG@20 |\n|---|---|---|---|---|")
    for course in courses:
        for epoch, seconds, arrays in course.kept:
            result = course.judge(arrays)
            click.echo(row(course, epoch, seconds, result))
            record_epoch(course, epoch, seconds, result, recorder)
    recorder.save()


if __name__ == "__main__":
    main()
