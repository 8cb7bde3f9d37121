"""All that is drawn: results on stdout; progress, messages and errors on stderr."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
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

__all__ = ["Screen"]


class Screen:
    """Where a command writes. With ``quiet``, or where stderr is no terminal, only warnings and errors are told."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.stderr = Console(stderr=True, highlight=False)
        self.live = self.stderr.is_terminal and not quiet

    @contextmanager
    def events(self) -> Iterator[OnEvent]:
        """A place for events, drawn while the block runs."""
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.stderr,
            transient=True,
            disable=not self.live,
        ) as progress:
            tasks: dict[str, Any] = {}

            def draw(event: Event) -> None:
                if event.kind == "progress":
                    if not self.live:
                        return
                    task = tasks.setdefault(event.text, None)
                    if task is None:
                        task = tasks[event.text] = progress.add_task(event.text)
                    done, total = event.data["done"], event.data.get("total")
                    progress.update(task, completed=done, total=total, visible=done != total)
                elif event.kind == "warning":
                    self.warn(event.text)
                elif self.live:
                    self.stderr.print(Text(_line(event)), soft_wrap=True)

            yield draw

    def warn(self, text: str) -> None:
        """Something that the user should know, terminal or not."""
        if not self.quiet:
            self.stderr.print(Text(f"warning: {text}", style="yellow"), soft_wrap=True)

    def table(
        self,
        rows: Sequence[Sequence[object]],
        columns: Sequence[str],
        title: str | None = None,
        bold: Collection[tuple[int, int]] = (),
    ) -> None:
        """A result as an aligned table on stdout; columns whose first cell is a number are right-aligned.

        ``bold`` has the row and column of cells that stand out, on a terminal.
        """
        table = Table(box=None, pad_edge=False, title=title, title_justify="left", header_style="bold")
        for index, column in enumerate(columns):
            numeric = bool(rows) and isinstance(rows[0][index], int | float)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for i, row in enumerate(rows):
            cells = (Text(_cell(value), style="bold" if (i, j) in bold else "") for j, value in enumerate(row))
            table.add_row(*cells)
        stdout = Console(highlight=False)
        if stdout.is_terminal:
            stdout.print(table)
            return
        wide = Console(highlight=False, width=200)
        with wide.capture() as capture:
            wide.print(table)
        click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))

    def line(self, text: str) -> None:
        """A line of result on stdout."""
        click.echo(text)

    def json(self, value: Any) -> None:
        """The result as one JSON object on stdout."""
        click.echo(json.dumps(value, ensure_ascii=False))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(event: Event) -> str:
    if event.kind != "epoch":
        return event.text
    record = event.data
    metrics = "  ".join(f"{name} {value:.4f}" for name, value in record.items() if "@" in name)
    return f"epoch {record['epoch']:>4}  loss {record['loss']:.4f}  {metrics}  {record['seconds']:.1f} s".replace(
        "    ", "  "
    )
