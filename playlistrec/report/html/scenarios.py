"""Tables of the report: the metrics of runs on a challenge set, by scenario."""

from __future__ import annotations

from pathlib import Path

from ...challenge.score import score_run
from ...experiment.runs import Run
from ..analysis.inputs import ReportInputs
from .page import Html, note, table

__all__ = ["scenarios"]

METRICS = {"r_precision": "R-precision", "ndcg": "NDCG", "clicks": "clicks, fewer are better"}


def scenarios(inputs: ReportInputs, where: Path) -> Html:
    """Answer and score the challenge set in a folder that `challenge make` wrote, and tell it in a table a metric.

    Raises DataError where the set cannot be read, RunError where a run was fitted on other data than lies beside it.
    """
    found = {
        name: score_run(Run.load(folder, data=inputs.data), where, device=inputs.device, on_event=inputs.on_event)
        for name, folder in inputs.folders.items()
    }
    first = next(iter(found.values()))
    shown = [
        note(
            f"500 tracks for each of {sum(first.n_playlists.values()):,} playlists of the challenge set, by the "
            f"metrics of the RecSys Challenge {first.variant}. Each is ranked as an unseen "
            "playlist, with its title if it has one."
        )
    ]
    for metric, title in METRICS.items():
        rows = [
            (scenario, n, *(scores.scenarios[scenario][metric] for scores in found.values()))
            for scenario, n in first.n_playlists.items()
        ]
        overall = ("all", sum(first.n_playlists.values()), *(scores.overall[metric] for scores in found.values()))
        shown.append(table(f"{title}, by scenario", ("scenario", "playlists", *found), [*rows, overall]))
    return "".join(shown)
