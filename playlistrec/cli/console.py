"""All that is drawn: results on stdout; progress, messages and errors on stderr."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from math import log1p
from typing import Any, Literal

import click
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from ..events import Event, OnEvent
from ..progress_line import ProgressLine
from ..text import brief, escaped_json, shown
from .epochs import EpochTable
from .sparkline import sparkline
from .tables import NARROW, groups_of_columns

__all__ = ["Screen"]

PLAIN_WIDTH = 80
"""Columns of a table that goes to a file or another program."""


class Screen:
    """The output of a command: with ``quiet`` warnings and errors alone.

    A stderr that is no terminal gets these, and a line of progress every 30 seconds.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.stderr = Console(stderr=True, highlight=False)
        self.live = self.stderr.is_terminal and not quiet

    @contextmanager
    def events(self) -> Iterator[OnEvent]:
        """A place for events, drawn while the block runs: epochs as a table that grows above a line of how it goes."""
        progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.stderr,
        )
        tasks: dict[str, Any] = {}
        epochs, log = EpochTable(), ProgressLine()

        def draw(event: Event) -> None:
            if event.kind == "warning":
                self.warn(event.text)
            elif not self.live:
                if event.kind == "progress" and not self.quiet and (text := log.line(event)):
                    self.stderr.print(Text(shown(text)), soft_wrap=True)
            elif event.kind == "progress":
                task = tasks.setdefault(event.text, None)
                if task is None:
                    task = tasks[event.text] = progress.add_task(shown(event.text))
                done, total = event.data["done"], event.data.get("total")
                progress.update(task, completed=done, total=total, visible=done != total)
            elif event.kind == "epoch":
                for line in epochs.add(event.data):
                    self.stderr.print(Text(line.text, style="bold" if line.heading else ""), soft_wrap=True)
                live.update(Group(Text(epochs.status(), style="cyan"), progress), refresh=True)
            elif event.text:
                self.stderr.print(Text(shown(event.text)), soft_wrap=True)

        if not self.live:
            yield draw
            return
        with Live(progress, console=self.stderr, transient=True) as live:
            yield draw

    @property
    def width(self) -> int:
        """Columns of stdout: 80 where it is no terminal."""
        stdout = Console()
        return stdout.width if stdout.is_terminal else PLAIN_WIDTH

    def message(self, text: str) -> None:
        """A remark, terminal or not."""
        if not self.quiet:
            self.stderr.print(Text(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something that the user should know, terminal or not."""
        if not self.quiet:
            self.stderr.print(Text(f"warning: {brief(shown(text))}", style="yellow"), soft_wrap=True)

    def table(
        self,
        rows: Sequence[Sequence[object]],
        columns: Sequence[str],
        title: str | None = None,
        bold: Collection[tuple[int, int]] = (),
        whole: Collection[str] = (),
    ) -> None:
        """A result as an aligned table on stdout, in the width of the terminal, or 80 columns where there is none.

        Columns whose first cell is a number are right-aligned; those without a value are left out.

        Args:
            bold: the row and column of cells that stand out, on a terminal.
            whole: columns whose cells stay on one line.
        """
        some = [i for i in range(len(columns)) if not rows or not i or any(row[i] not in (None, "") for row in rows)]
        cells = [[_cell(row[i]) for i in some] for row in rows]
        right = [bool(rows) and isinstance(rows[0][i], int | float) for i in some]
        bold = {(row, some.index(i)) for row, i in bold if i in some}
        columns = [columns[i] for i in some]
        stdout = Console(highlight=False)
        table = fitted(cells, columns, right, self.width, title=title, bold=bold, whole=whole)
        if stdout.is_terminal:
            stdout.print(table)
            return
        with stdout.capture() as capture:
            stdout.print(table)
        click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))

    def distributions(self, rows: Sequence[tuple[str, Callable[[], tuple[Sequence[int], Sequence[int]]]]]) -> None:
        """Histograms as sparklines on stdout, both axes logarithmic; nothing where stdout is no terminal.

        Args:
            rows: a name, and what gives the (bins + 1,) edges and (bins,) counts.
        """
        stdout = Console(highlight=False)
        if not stdout.is_terminal or not stdout.encoding.lower().startswith("utf"):
            return
        table = Table(box=None, pad_edge=False, title="\ndistributions, both axes logarithmic", title_justify="left")
        for justify in ("left", "right", "left", "left"):
            table.add_column(justify=justify)
        for name, histogram in rows:
            edges, counts = histogram()
            bars = sparkline([log1p(count) for count in counts], low=0)
            table.add_row(name, f"{edges[0]:,}", Text(bars, style="cyan"), f"{edges[-1] - 1:,}")
        stdout.print(table)

    def text(self, text: str) -> None:
        """Running text on stdout, wrapped to its width."""
        width = self.width
        click.echo("\n".join(textwrap.fill(line, width) for line in shown(text, keep="\n").split("\n")))

    def line(self, text: str) -> None:
        """A line of result on stdout."""
        click.echo(shown(text, keep="\n\t"))

    def json(self, value: Any) -> None:
        """The result as one JSON object on stdout."""
        click.echo(escaped_json(json.dumps(value, ensure_ascii=False)))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else shown(str(value), keep="\n")


def fitted(
    cells: Sequence[Sequence[str]],
    columns: Sequence[str],
    right: Sequence[bool],
    width: int,
    *,
    title: str | None = None,
    bold: Collection[tuple[int, int]] = (),
    whole: Collection[str] = (),
) -> Group:
    """The table as one or several, one below the other.

    Args:
        right: the columns that are aligned to the right.
        bold: row and column of cells that stand out.
        whole: columns whose cells stay on one line.
    """
    wide = [max(map(cell_len, [name, *(row[i] for row in cells)])) for i, name in enumerate(columns)]
    tables: list[RenderableType] = []
    for group in groups_of_columns(wide, width):
        table = Table(
            box=None,
            pad_edge=False,
            title=None if tables or title is None else Text(shown(title)),
            title_justify="left",
            header_style="bold",
        )
        for index in group:
            justify: Literal["left", "right"] = "right" if right[index] else "left"
            kept = (bool(index) and wide[index] <= NARROW) or columns[index] in whole
            table.add_column(columns[index], justify=justify, overflow="fold", no_wrap=kept)
        for i, row in enumerate(cells):
            table.add_row(*(Text(row[j], style="bold" if (i, j) in bold else "") for j in group))
        tables += [Text(""), table] if tables else [table]
    return Group(*tables)
