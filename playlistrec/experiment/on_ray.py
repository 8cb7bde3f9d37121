"""Fits and recommendations on a Ray cluster, all of whose machines see the same folders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ..distributed.ray_cluster import Cluster
from ..distributed.ray_training import train
from ..events import OnEvent, ignore
from ..serving.batch import Answered, Batch, Chunk
from ..serving.recommender import RecommendOptions
from ..trust import trusted, trusting
from .fitting import fit
from .runs import Run

__all__ = ["answer_on", "fit_on"]


def fit_on(
    cluster: Cluster, data: str | Path, model: str, out: str | Path, *, on_event: OnEvent = ignore, **how: Any
) -> dict[str, Any]:
    """:func:`~.fitting.fit` by the workers of a cluster, which share every batch; the first writes the run folder.

    Args:
        how: further arguments of ``fit``. A folder among them is one that all machines see.

    Returns:
        What ``run.json`` says.
    """
    from .run_folder import read_info

    folder = Path(out).absolute()
    for name in ("init",):
        if isinstance(how.get(name), str | Path):
            how[name] = Path(how[name]).absolute()
    train(cluster, partial(_fit, Path(data).absolute(), model, folder, trusted(), how), on_event)
    return read_info(folder)


def _fit(data: Path, model: str, out: Path, trust: Collection[str], how: dict[str, Any], on_event: OnEvent) -> None:
    with trusting(trust):
        fit(data, model, out, on_event=on_event, **how)


def answer_on(
    cluster: Cluster, run: Run, options: RecommendOptions, device: str = "auto"
) -> Callable[[Iterator[Chunk]], Iterator[Answered]]:
    """The function for :meth:`~playlistrec.serving.batch.Batch.results` that has its lines answered by actors.

    Each loads the run once.

    Args:
        run: read from a folder.
    """
    assert run.path is not None, "actors load it from there"
    data = None if run.data.path is None else run.data.path.absolute()
    return partial(cluster.answered, partial(_answering, run.path.absolute(), data, run.trust, options, device))


def _answering(
    run: Path, data: Path | None, trust: Collection[str], options: RecommendOptions, device: str
) -> Callable[[Chunk], Answered]:
    return Batch(Run.load(run, data=data, trust=trust).service(device), options).answer
