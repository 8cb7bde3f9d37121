"""The report: data, training, quality, recommendations and maps of runs, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import DataError, RunError
from ...events import Event, OnEvent, ignore
from ...experiment.run_folder import read_info
from ...experiment.statistics import statistics
from ...storage import locked_file, write_file
from ..analysis.inputs import ReportInputs, gather
from ..analysis.quality import against_best, intervals
from ..plots.registry import FIGURES
from .page import (
    Html,
    Section,
    figure,
    note,
    page,
    table,
)
from .recommendations import recommendations
from .scenarios import scenarios

__all__ = ["report"]


def report(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    data: str | Path | None = None,
    challenge: str | Path | None = None,
    on_event: OnEvent = ignore,
    **options: Any,
) -> Path:
    """Write the report on some runs of the same data and split to ``out``, one HTML file that needs no other.

    Args:
        paths: run folders.
        data: where their data is, where it has moved.
        challenge: a folder of `challenge make`, on whose data the runs were fitted, which is scored by scenario.
        options: of :class:`~.inputs.ReportInputs`: the part that is ranked, artists of the maps, playlists shown, seed.

    Raises:
        ConfigError: a missing package, or an option that cannot be. DataError: the part is empty.
        RunError: a folder is not a run, the runs are not all of one data, or ``out`` cannot be written.
    """
    loaded, folders = gather(paths, data, on_event=on_event)
    if not folders:
        raise RunError(f"{paths[0]} is a data folder: a report is of runs (`playlistrec plot` draws data alone)")
    target = Path(out)
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise RunError(f"{target} cannot be written: it must be a file in a folder that exists")
    with locked_file(target, RunError):
        content = _page(ReportInputs(loaded, folders, on_event=on_event, **options), challenge)
        on_event(Event("message", f"writing {target}"))
        write_file(target, content)
    return target


def _page(inputs: ReportInputs, challenge: str | Path | None) -> str:
    loaded, folders = inputs.data, inputs.folders
    for name in folders:  # everything of one model at a time: only one is held in memory
        inputs.on_event(Event("message", f"ranking with {name}"))
        inputs.quality(name)
        inputs.recommended(name)
    by_scenario = [Section("scenarios", "By scenario", scenarios(inputs, Path(challenge)))] if challenge else []
    sections = [
        Section("summary", "Summary", _summary(inputs)),
        Section("data", "The data", _data(inputs)),
        Section("fits", "Training", _drawn(inputs, "training")),
        Section("quality", "Quality", _quality(inputs)),
        *by_scenario,
        Section("recommendations", "Recommendations", recommendations(inputs)),
        Section("maps", "The embedding map", _drawn(inputs, "map", "separation", "epochs")),
        Section("neighbours", "The graph", _drawn(inputs, "graph")),
        Section("about", "About this report", _about(inputs)),
    ]
    what = "One run" if len(folders) == 1 else f"{len(folders)} runs"
    title = f"{what} on {loaded.path.name if loaded.path else 'data in memory'}"
    lead = note(
        f"{len(inputs.evaluation_set):,} playlists of the {inputs.about}, ranked among all "
        f"{loaded.corpus.n_tracks:,} tracks. Point at a figure, or step through it with the arrow keys, to read its "
        "values."
    )
    return page(title, lead, sections)


def _drawn(inputs: ReportInputs, *kinds: str) -> Html:
    """Figures, or the reason why one is missing."""
    shown: list[Html] = []
    missing: dict[str, list[str]] = {}
    for kind in kinds:
        inputs.on_event(Event("message", f"drawing {kind}"))
        try:
            shown.append(figure(FIGURES[kind].draw(inputs)))
        except (DataError, RunError) as error:
            missing.setdefault(str(error), []).append(kind)
    shown += [note(f"Not drawn ({', '.join(left_out)}): {why}.") for why, left_out in missing.items()]
    return f'<div class="gallery">{"".join(shown)}</div>'


def _summary(inputs: ReportInputs) -> Html:
    infos = {name: read_info(folder) for name, folder in inputs.folders.items()}
    high, low = max(inputs.ks), min(inputs.ks)
    chief = (f"ndcg@{high}", f"recall@{high}", f"map@{low}")
    values = [quality.per_query[key] for quality in inputs.qualities.values() for key in chief]
    bounds = intervals(values).reshape(len(infos), len(chief), 2)
    by = chief[0]
    best, differences = against_best(inputs.qualities, by)
    rows = []
    for name, info, bound in zip(infos, infos.values(), bounds):
        quality = inputs.quality(name)
        cells = [f"{quality.mean(k):.4f} ({low:.4f} to {high:.4f})" for k, (low, high) in zip(chief, bound.tolist())]
        rows.append((name, info["model"], *cells, f"{info['seconds']:,.0f} s"))
    shown = table(
        "Means with 95 % bootstrap intervals over the playlists; time of the fit",
        ("run", "model", *chief, "fit"),
        rows,
    )
    if differences:
        shown += table(
            f"Difference of {by} from the best run, {best}: paired, by playlist. p of a sign-flip test, Holm's "
            "correction; runs with p of .05 or more may be as good",
            ("run", f"difference of {by}", "95 % interval", "p"),
            [
                (name, f"{d.mean:+.4f}", f"{d.low:+.4f} to {d.high:+.4f}", f"{d.p:.4f}")
                for name, d in differences.items()
            ],
        )
    options = {name: {"model": i["model"], **i["options"], **(i["training"] or {})} for name, i in infos.items()}
    learned = {name: info["learned_layer_weights"] for name, info in infos.items() if "learned_layer_weights" in info}
    if learned:
        caption = "Learned weights of the layers, the embeddings (layer 0) first"
        heads = ("run", *(f"layer {depth}" for depth in range(max(map(len, learned.values())))))
        shown += table(caption, heads, [(name, *(f"{w:.3f}" for w in ws)) for name, ws in learned.items()])
    return shown + _options(options)


def _options(options: Mapping[str, Mapping[str, object]]) -> Html:
    """The options in which runs that have them differ."""
    rows = []
    for key in dict.fromkeys(key for mine in options.values() for key in mine):
        values = {run: _option(mine[key]) for run, mine in options.items() if key in mine}
        if len(set(values.values())) > 1 and key != "snapshot_epochs":
            rows.append((key, *(values.get(run, "") for run in options)))
    return table("Options in which the runs differ", ("option", *options), rows) if rows else ""


def _option(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _data(inputs: ReportInputs) -> Html:
    values = statistics(inputs.data)
    counts = [(name, n) for name, n in values["counts"].items()]
    parts = [(f"entries, {name.replace('_', ' ')}", n) for name, n in values["split"].items() if name != "kind" and n]
    more = [
        ("density of the matrix", f"{values['density']:.3%}"),
        ("tracks in one playlist only", f"{values['tracks in one playlist only']:.1%}"),
        ("entries that repeat a track", f"{values['entries that repeat a track']:.1%}"),
    ]
    caption = f"Counts, and the parts of the split ({values['split']['kind']})"
    return table(caption, ("part", "count"), [*counts, *parts, *more]) + _drawn(
        inputs, "lengths", "degrees", "k-core", "popularity"
    )


def _quality(inputs: ReportInputs) -> Html:
    qualities = inputs.qualities
    keys = [f"{name}@{k}" for name in ("recall", "precision", "hit", "ndcg", "mrr", "map") for k in inputs.ks]
    beyond = list(dict.fromkeys(key for quality in qualities.values() for key in quality.beyond))
    return (
        _drawn(inputs, "metrics", "recall-over-k", "by-popularity", "by-length")
        + "<h3>All metrics</h3>"
        + table(
            "Metrics, mean over the playlists",
            ("metric", *qualities),
            [(k, *(q.mean(k) for q in qualities.values())) for k in keys],
        )
        + table(
            "Beyond accuracy: coverage, evenness, popularity, novelty and diversity of what is recommended",
            ("measure", *qualities),
            [(k, *(q.beyond.get(k) for q in qualities.values())) for k in beyond],
        )
    )


def _about(inputs: ReportInputs) -> Html:
    seeds = "training" if inputs.part == "valid" else "training and validation"
    return (
        note(
            f"Ranked for the {inputs.about}: each playlist with its {seeds} entries as seeds, among all other tracks. "
            "Recall is the share of the hidden tracks among the first k; NDCG has gains 0 and 1; MAP divides by min(k, "
            "hidden). Metrics of different data, splits or protocols do not compare."
        )
        + note(f"Written by playlistrec {__version__}. The same figures, one by one, as PNG, SVG or PDF:")
        + "<pre>playlistrec plot FIGURE RUN … -o FILE</pre>"
        + note(f"FIGURE is one of {', '.join(FIGURES)}.")
    )
