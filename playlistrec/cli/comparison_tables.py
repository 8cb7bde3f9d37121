"""A comparison as a table, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..text import markdown_cell, shown

if TYPE_CHECKING:
    from ..experiment.comparison import Comparison, Row

__all__ = ["caption", "cells_of", "columns_of", "csv_of", "latex_of", "markdown_of", "object_of", "pairs_of"]

LOWER_IS_BETTER = ("gini", "fit, s", "fit, MB", "rank, s")
NEITHER_IS_BETTER = ("popularity",)


def columns_of(found: Comparison, metrics: Sequence[str], ks: Sequence[int]) -> list[str]:
    """The metrics to show, those without a cut-off once."""
    known = found.rows[0].metrics
    names = [name for metric in metrics for name in ([metric] if metric in known else [f"{metric}@{k}" for k in ks])]
    for name in names:
        if name not in known:
            bare = ", ".join(dict.fromkeys(key.partition("@")[0] for key in known))
            raise ConfigError(f"--metric must be one of {bare} (got {name.partition('@')[0]!r})")
    return list(dict.fromkeys(names))


def cells_of(found: Comparison, names: list[str]) -> tuple[list[str], list[list[str]], set[tuple[int, int]]]:
    """Headings, cells, and where the best of each column stands."""
    figures = {name: ([row.metrics[name] for row in found.rows], ".4f") for name in names}
    figures |= {
        "fit, s": ([row.fit_seconds for row in found.rows], ".1f"),
        "fit, MB": ([float(row.fit_mb) for row in found.rows], ",.0f"),
        "rank, s": ([row.rank_seconds for row in found.rows], ".1f"),
    }
    columns = ["model", *figures, f"Δ {found.by}", "95 %", "p"]
    bold = set()
    for index, (name, (values, _)) in enumerate(figures.items(), 1):
        if name.partition("@")[0] not in NEITHER_IS_BETTER and not all(map(isnan, values)):
            pick = min if name.partition("@")[0] in LOWER_IS_BETTER else max
            best = pick(value for value in values if not isnan(value))
            bold |= {(row, index) for row, value in enumerate(values) if value == best}
    cells = [
        [
            row.name,
            *(_figure(row, name, values[i], form) for name, (values, form) in figures.items()),
            *_tested(row, found),
        ]
        for i, row in enumerate(found.rows)
    ]
    return columns, cells, bold


def _figure(row: Row, name: str, value: float, form: str) -> str:
    """A figure, with its standard deviation over the seeds where there are several."""
    spread = (row.deviations or {}).get(name)
    return format(value, form) if spread is None else f"{value:{form}} ± {spread:.4f}"


def _tested(row: Row, found: Comparison) -> tuple[str, str, str]:
    if row.interval is None or row.p is None:
        return "best", "", ""
    p = p_of(row.p, found)
    return f"{row.difference:+.4f}", _interval(row.interval), f"{p} ≈" if row.as_good else p


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:+.4f} to {bounds[1]:+.4f}"


def p_of(p: float, found: Comparison) -> str:
    """A p-value; ``≤`` where it is the smallest that so many resamples can give, corrected or not."""
    shown = "<.0001" if p < 0.0001 else f"{p:.4f}"
    n = max(1, len(found.rows) - 1, len(found.pairs))
    return f"≤{shown.removeprefix('<')}" if p <= found.floor * n else shown


def caption(found: Comparison) -> str:
    """The data, the part and the test of the table, in words."""
    if len(found.rows) < 2:
        return _subject(found)
    text = f"{_subject(found)}. {found.by} against the best by a {_test(found)}; ≈ may be as good. "
    text += f"Before correction no p can be below {found.floor:.1g}"
    return (
        text + ": ≤ marks those at that floor."
        if any("≤" in _tested(row, found)[2] for row in found.rows)
        else text + "."
    )


def _subject(found: Comparison) -> str:
    seeds = max(row.n_seeds for row in found.rows)
    text = f"{found.data}, {found.part}, {found.protocol}: {found.n_queries:,} playlists"
    return f"{text}, mean ± standard deviation of {seeds} seeds" if seeds > 1 else text


def _test(found: Comparison) -> str:
    several = any(row.n_seeds > 1 for row in found.rows)
    over = "playlists, each the mean over its seeds" if several else "playlists"
    return f"paired {found.test} test over {over}, {found.resamples:,} resamples, Holm's correction"


def pairs_of(found: Comparison) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table of all pairs."""
    columns = ["first", "second", f"Δ {found.by}", "95 %", "d", "p"]
    return columns, [
        [q.first, q.second, f"{q.difference:+.4f}", _interval(q.interval), f"{q.effect:+.3f}", p_of(q.p, found)]
        for q in found.pairs
    ]


def latex_of(found: Comparison, columns: list[str], cells: list[list[str]], bold: set[tuple[int, int]]) -> str:
    """A ``table`` for the package booktabs: the best in bold, a star where a model is shown to be worse.

    It has the metrics and the seconds of the fit, which a page is wide enough for. The star stands for interval and p.
    """
    kept = [j for j in range(len(columns) - 3) if columns[j] not in ("fit, MB", "rank, s")]
    rows = []
    for i, row in enumerate(cells):
        shown = [_tex_figure(row[j], (i, j) in bold) if j else _tex(row[j]) for j in kept]
        worse = found.rows[i].p is not None and not found.rows[i].as_good
        rows.append(" & ".join([shown[0] + ("$^{*}$" if worse else ""), *shown[1:]]) + r" \\")
    about = _subject(found)
    if len(found.rows) > 1:
        about += f". A star: {found.by} is lower than the best, p below .05 ({_test(found)})."
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering\small\setlength{\tabcolsep}{4pt}",
            rf"  \caption{{{_tex(about)}}}\smallskip",
            rf"  \begin{{tabular}}{{l{'r' * (len(kept) - 1)}}}",
            r"    \toprule",
            "    " + " & ".join(_tex(columns[j]) for j in kept) + r" \\",
            r"    \midrule",
            *(f"    {row}" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )


def _tex_figure(cell: str, bold: bool) -> str:
    """A number, its deviation small beside it: so four metrics of several seeds are as wide as a page.

    >>> _tex_figure("0.2924 ± 0.0005", True)
    '\\\\textbf{.2924}{\\\\scriptsize$\\\\pm$.0005}'
    """
    value, _, deviation = (re.sub(r"^0(?=\.\d{4})", "", part) for part in cell.partition(" ± "))
    value = rf"\textbf{{{value}}}" if bold else value
    return rf"{value}{{\scriptsize$\pm${deviation}}}" if deviation else value


def _tex(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {c: f"\\{c}" for c in "&%$#_{}"} | {"≤": r"$\leq$", "≈": r"$\approx$", "Δ": r"$\Delta$", "<": "$<$"}
    return "".join(special.get(c, c) for c in shown(text))


def markdown_of(columns: list[str], cells: list[list[str]], bold: set[tuple[int, int]]) -> str:
    cells = [[markdown_cell(cell) for cell in row] for row in cells]
    marked = [[f"**{cell}**" if (i, j) in bold else cell for j, cell in enumerate(row)] for i, row in enumerate(cells)]
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, rule, *marked])


def csv_of(found: Comparison, names: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    seeds = any(row.deviations for row in found.rows)
    spread = [f"{name} sd" for name in names] if seeds else []
    writer.writerow(
        ["model", *names, *spread, "fit_seconds", "fit_mb", "rank_seconds", "difference", "low", "high", "p"]
    )
    for row in found.rows:
        values = [row.metrics[name] for name in names]
        deviations = [(row.deviations or {}).get(name, "") for name in names] if seeds else []
        bounds = row.interval or ("", "")
        p = "" if row.p is None else row.p
        writer.writerow(
            [
                row.name,
                *values,
                *deviations,
                row.fit_seconds,
                row.fit_mb,
                round(row.rank_seconds, 3),
                row.difference,
                *bounds,
                p,
            ]
        )
    return out.getvalue().rstrip("\n")


def object_of(found: Comparison, failed: Mapping[str, str], names: list[str]) -> dict[str, Any]:
    return {
        "data": found.data,
        "split": found.part,
        "protocol": found.protocol,
        "n_queries": found.n_queries,
        "by": found.by,
        "test": found.test,
        "resamples": found.resamples,
        "models": [
            {
                "model": row.name,
                "run": str(row.run),
                "metrics": {n: None if isnan(row.metrics[n]) else row.metrics[n] for n in names},
                "fit_seconds": row.fit_seconds,
                "fit_mb": row.fit_mb,
                "rank_seconds": round(row.rank_seconds, 3),
                "difference": row.difference,
                "interval": row.interval,
                "p": row.p,
                **(
                    {"seeds": row.n_seeds, "deviations": {n: row.deviations[n] for n in names}}
                    if row.deviations
                    else {}
                ),
            }
            for row in found.rows
        ],
        **({"pairs": [asdict(pair) for pair in found.pairs]} if found.pairs else {}),
        "failed": failed,
    }
