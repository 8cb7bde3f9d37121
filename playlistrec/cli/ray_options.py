"""Options of the verbs that can do their work on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..distributed.ray_cluster import Cluster

__all__ = ["cluster_of", "ray_option", "workers_option"]

HERE = "here"
"""The address of ``--ray`` alone: the cluster of ``RAY_ADDRESS``, the one of this machine, or a new one."""

ray_option = click.option(
    "--ray",
    is_flag=False,
    flag_value=HERE,
    metavar="[HOST:PORT]",
    help="Work on a Ray cluster; without an address on that of RAY_ADDRESS, or of this machine.",
)


def workers_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--workers``, of which ``text`` says what they are."""
    return click.option("--workers", type=click.IntRange(min=1), metavar="N", help=text)


def cluster_of(ray: str, workers: int | None) -> AbstractContextManager[Cluster]:
    """The cluster that ``--ray`` names, and as many processes on it as ``--workers`` says."""
    from ..distributed.ray_cluster import connected

    if workers is None:
        raise click.UsageError("--ray needs --workers N: how many processes of the cluster work")
    return connected(None if ray == HERE else ray, workers)
