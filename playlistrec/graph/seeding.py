"""Repeatable sampling: seeds for torch, NumPy and DGL, in this process and in workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dgl
import numpy as np
import torch
from dgl.utils import get_num_threads, set_num_threads

__all__ = ["one_thread", "seed_worker", "seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch, NumPy and DGL; give torch and NumPy their states back afterwards (DGL's cannot be read).

    >>> with seeded(7):
    ...     first = torch.rand(2)
    >>> with seeded(7):
    ...     torch.equal(torch.rand(2), first)
    True
    """
    state = np.random.get_state()  # noqa: NPY002 - the generator that DGL's loader uses
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        with one_thread():
            dgl.seed(seed % 2**31)
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def seed_worker(worker: int) -> None:  # noqa: ARG001 - the arguments of a worker_init_fn
    """Give a loader process a stream of its own: DGL's generator is copied with the process, torch's is not.

    A ``worker_init_fn`` of ``torch.utils.data.DataLoader``.
    """
    set_num_threads(1)
    dgl.seed(torch.initial_seed() % 2**31)


@contextmanager
def one_thread() -> Iterator[None]:
    """DGL draws from one generator per thread, and threads come and go: with several, no seed repeats a sample."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)
