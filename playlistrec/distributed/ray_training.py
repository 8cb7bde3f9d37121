"""A fit on the machines of a Ray cluster: Ray Train starts the processes that torchrun would start."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import PlaylistrecError, RunError
from ..events import Event, OnEvent, ignore
from .process_group import joined
from .ray_cluster import Cluster, quieten

__all__ = ["train"]

PAUSE = 1.0
"""Seconds between two events of progress that travel."""


def train(cluster: Cluster, fit: Callable[[OnEvent], object], on_event: OnEvent = ignore) -> None:
    """Call ``fit`` in as many processes as the cluster's workers, joined as under ``torchrun``.

    Each is a worker of a ``TorchTrainer``, and finds the others by
    :func:`~playlistrec.distributed.process_group.current`. The events of the first come to ``on_event``.

    Raises:
        PlaylistrecError: as ``fit`` raised it. RunError: a worker has ended.
    """
    import ray.exceptions
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.util.queue import Queue

    quieten("ray.train")
    gpus = ray.cluster_resources().get("GPU", 0) >= cluster.workers
    queue = Queue(actor_options={"num_cpus": 0})
    errors: list[PlaylistrecError] = []
    reader = threading.Thread(target=_read, args=(queue, on_event, errors), daemon=True)
    reader.start()
    with tempfile.TemporaryDirectory(prefix="playlistrec-") as folder:
        trainer = TorchTrainer(
            _work,
            train_loop_config={"fit": fit, "queue": queue},
            torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
            scaling_config=ScalingConfig(num_workers=cluster.workers, use_gpu=gpus, placement_strategy="SPREAD"),
            run_config=RunConfig(storage_path=folder),
        )
        try:
            trainer.fit()
        except (ray.train.TrainingFailedError, ray.exceptions.RayError) as error:
            failed = " ".join(str(error).split())[:200]
            errors.append(RunError(f"a process of this fit on the Ray cluster has ended ({failed}): resume the fit"))
        finally:
            queue.put(None)
            reader.join()
            queue.shutdown()
    if errors:
        raise errors[0] from None


def _read(queue: Any, on_event: OnEvent, errors: list[PlaylistrecError]) -> None:
    """Hand on the events of the first worker, and keep the errors of all, until there is nothing more."""
    while (item := queue.get()) is not None:
        if isinstance(item, PlaylistrecError):
            errors.append(item)
        else:
            on_event(item)


def _work(config: dict[str, Any]) -> None:
    """The work of each worker."""
    queue, last = config["queue"], [0.0]

    def send(event: Event) -> None:
        now = time.monotonic()
        if event.kind != "progress" or now - last[0] >= PAUSE:
            last[0] = now
            queue.put(event)

    try:
        with joined() as ranks:
            config["fit"](ignore if ranks.rank else send)
    except PlaylistrecError as error:
        queue.put(error)
        raise
