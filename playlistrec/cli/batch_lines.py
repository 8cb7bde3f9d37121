"""The lines of ``recommend --batch``: read, answered here, by several processes or on a cluster, and written."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import ConfigError, DataError
from .console import Screen
from .ray_options import cluster_of

if TYPE_CHECKING:
    from ..experiment.runs import Run
    from ..serving.recommender import RecommendationService, RecommendOptions

__all__ = ["Wished", "recommend_lines"]


@dataclass(frozen=True)
class Wished:
    """The options of a recommendation, some of which name artists and tracks that a run must find."""

    options: RecommendOptions
    excluded: tuple[str, ...]
    disliked: tuple[str, ...]
    among: Path | None

    def of(self, screen: Screen, service: RecommendationService) -> RecommendOptions:
        from .seeds import among_of, named_tracks

        dislike = tuple(row for seed in named_tracks(screen, service, self.disliked) for row in seed.taken)
        artists, only = service.artists.all_of(self.excluded), among_of(screen, service, self.among)
        return replace(self.options, exclude_artists=artists, dislike=dislike, among=only)


def _opened(source: str) -> IO[bytes]:
    from ..storage import open_file

    try:
        return open_file(Path(source))
    except FileNotFoundError:
        raise DataError(f"{source}: No such file or directory") from None


def recommend_lines(
    screen: Screen,
    load: Callable[[], Run],
    device: str,
    wished: Wished,
    source: str,
    out: str,
    cluster: tuple[str | None, int | None],
) -> None:
    from ..distributed.process_group import joined
    from ..serving.batch import Batch
    from ..storage import locked_file, write_file

    with joined("batch", "begin it again") as ranks, ExitStack() as stack:
        if ranks.size > 1 and source == "-":
            raise ConfigError(f"--batch must be a file where {ranks.size} processes read it (got -)")
        screen = Screen(quiet=True) if ranks.rank else screen
        run, (ray, workers) = load(), cluster
        service = run.service(device)
        options, answered = wished.of(screen, service), None
        batch = Batch(service, options, group=ranks)
        if ray is not None:
            from ..experiment.on_ray import answer_on

            answered = answer_on(stack.enter_context(cluster_of(ray, workers)), run, options, device)
        on_event = stack.enter_context(screen.events())
        lines = sys.stdin.buffer if source == "-" else stack.enter_context(_opened(source))
        results = batch.results(lines, on_event, answered)
        if ranks.rank:
            deque(results, maxlen=0)  # which the first process writes
        elif out == "-":
            sys.stdout.buffer.writelines(results)
        else:
            stack.enter_context(locked_file(Path(out)))
            write_file(Path(out), results, DataError)
    if batch.n_failed:
        raise DataError(f"{batch.n_failed:,} of {batch.n_lines:,} lines could not be read; the others are answered")
