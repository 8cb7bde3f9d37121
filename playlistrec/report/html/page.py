"""The report's page: sections of tables and figures in one HTML file that needs nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape as html_escape
from importlib.resources import files

from ...text import shown
from ..plots.figure import Figure, Panel
from .svg import inline

__all__ = ["Html", "Section", "figure", "note", "page", "table"]

Html = str
"""A piece of HTML."""


def escape(text: str) -> str:
    """Text in HTML, without control characters, which XML cannot hold."""
    return html_escape(shown(text))


@dataclass(frozen=True)
class Section:
    """A heading, its anchor, and the HTML under it."""

    name: str
    title: str
    body: Html


def page(title: str, lead: Html, sections: Sequence[Section]) -> str:
    """The whole file."""
    css, script = (files(__package__).joinpath(name).read_text("utf-8") for name in ("report.css", "report.js"))
    links = "".join(f'<li><a href="#{s.name}">{escape(s.title)}</a></li>' for s in sections)
    body = "".join(
        f'<section id="{s.name}" aria-labelledby="{s.name}-h" tabindex="-1"><h2 id="{s.name}-h">{escape(s.title)}</h2>'
        f"{s.body}</section>"
        for s in sections
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{css}</style></head><body>'
        f'<a class="skip" href="#main">Skip to the report</a><header><h1>{escape(title)}</h1>{lead}</header>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav><main id="main" tabindex="-1">{body}</main>'
        f"<script>{script}</script></body></html>\n"
    )


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table with a caption; the first column heads the rows."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{_cell(first)}</th>' + "".join(f"<td>{_cell(value)}</td>" for value in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f"<caption><span>{escape(caption)}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def figure(drawing: Figure) -> Html:
    """A figure with its heading and how to read it, panel by panel."""
    panels = "".join(_panel(panel, f"{drawing.name}-{i}") for i, panel in enumerate(drawing.panels))
    wide = " wide" if len(drawing.panels) > 1 else ""
    return (
        f'<div class="figure{wide}" id="{drawing.name}"><h3>{escape(drawing.title)}</h3>'
        f'<p>{escape(drawing.caption)}</p><div class="panels" style="--columns:{drawing.columns}">{panels}</div></div>'
    )


def note(text: str) -> Html:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def _panel(panel: Panel, name: str) -> Html:
    drawing, marks = inline(panel, name)
    if marks:
        data = json.dumps(marks, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        label = f"{panel.title}: {len(marks)} points, read with the arrow keys"
        drawing = (
            f'<div class="plot" tabindex="0" role="group" aria-label="{escape(label)}">{drawing}'
            f'<div class="tip" role="status" hidden></div><script type="application/json">{data}</script></div>'
        )
    numbers = ""
    if panel.numbers:
        numbers = f"<details><summary>The numbers</summary>{table(panel.title, *panel.numbers)}</details>"
    return f"<figure>{drawing}{numbers}</figure>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else re.sub(r"\s+", " ", escape(str(value)))
