"""Results as data: ``benchmarks/results/TABLE.json``, one file for each table of `docs/results`.

A file has fields that its records share, and records with fields of their own:

    {"shared": {"command": "…", "data": "gowalla", …}, "records": [{"row": "…", "metrics": {…}, …}, …]}

A script records what it prints with ``--record TABLE``: it makes a :class:`Recorder` and adds a :class:`Record` for
each row. Rows that were recorded before by the same machine, seed and part are replaced, others stay. The pages are
made from the files by `docs/result_pages.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "results"
PARTS = ("train", "valid", "test", "none")
ORIGINS = ("script", "carried over", "published")
WITHOUT_A_COMMAND = ("published",)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measurement.

    Attributes:
        row: its label on the page.
        column: the label of its column, in tables that have a column for each of several models or parts.
        model: the model or, for speeds, the system or the step that was timed.
        preset: the preset that was named; None: the default one.
        options: what went over the preset, as after ``--set``; ``refit`` is true for ``--refit``.
        data: the data set.
        split: how it was divided.
        part: the part that was ranked, ``none`` where nothing was.
        seed: the seed, or the seeds over which the metrics are means; None where nothing is random or none is known.
        metrics: figures by name.
        spread: standard deviation over the seeds, or half their distance, of some metrics.
        seconds: seconds by step.
        memory_mb: peak memory of the process.
        command: what prints the figures.
        machine: where it ran.
        chosen: how options and epoch were chosen.
        origin: ``script`` wrote it; ``carried over`` from earlier pages; ``published`` by others.
        source: where it was published, or what it was carried over from.
        date: the day of the measurement or, of what was carried over, of the commit that brought the figure.
        commit: the commit of the code or, of what was carried over, the one that brought the figure.
        note: anything that the other fields cannot say.
        digits: digits that are known of its metrics between 0 and 1.
    """

    row: str
    model: str
    data: str
    split: str
    part: Literal["train", "valid", "test", "none"]
    command: str
    machine: str
    chosen: str
    origin: Literal["script", "carried over", "published"]
    column: str = ""
    preset: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seed: int | list[int] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    memory_mb: float | None = None
    source: str = ""
    date: str | None = None
    commit: str | None = None
    note: str = ""
    digits: int = 4

    def __post_init__(self) -> None:
        """Refuse a record that is not whole.

        Raises:
            ValueError: A field is missing or has a value that it cannot have.
        """
        faults = list(self._faults())
        if faults:
            raise ValueError(f"record {self.row!r}: {'; '.join(faults)}")

    def _faults(self) -> Iterable[str]:
        for name in ("row", "model", "data", "split", "machine", "chosen"):
            if not getattr(self, name):
                yield f"{name} is empty"
        if self.part not in PARTS:
            yield f"part must be one of {', '.join(PARTS)} (got {self.part!r})"
        if self.origin not in ORIGINS:
            yield f"origin must be one of {', '.join(ORIGINS)} (got {self.origin!r})"
        if not self.command and self.origin not in WITHOUT_A_COMMAND:
            yield "command is empty"
        if not self.source and self.origin != "script":
            yield "source is empty"
        if not self.metrics and not self.seconds and self.memory_mb is None:
            yield "it has no figure"
        figures = {**self.metrics, **self.seconds}
        if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and v == v for v in figures.values()):
            yield "a figure is not a number"
        if not set(self.spread) <= set(self.metrics):
            yield "spread names a metric that is not there"
        if self.origin == "script" and not (self.date and self.commit):
            yield "a script's record needs date and commit"
        if self.date:
            datetime.date.fromisoformat(self.date)

    @property
    def key(self) -> tuple[str, ...]:
        """A record replaces an earlier one with the same key."""
        return self.data, self.row, self.column, self.part, json.dumps(self.seed), self.machine


DEFAULTS = {
    f.name: f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default
    for f in dataclasses.fields(Record)
    if f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING
}


def load(table: str, folder: Path = FOLDER) -> list[Record]:
    """The records of a table.

    Raises:
        ValueError: A record is not whole, has an unknown field, or is there twice.
    """
    found = json.loads((folder / f"{table}.json").read_text())
    try:
        records = [Record(**{**found["shared"], **own}) for own in found["records"]]
    except TypeError as error:
        raise ValueError(f"{table}.json: {error}") from None
    if len({record.key for record in records}) < len(records):
        raise ValueError(f"{table}.json has a record twice")
    return records


def tables(folder: Path = FOLDER) -> dict[str, list[Record]]:
    """The records of all tables."""
    return {path.stem: load(path.stem, folder) for path in sorted(folder.glob("*.json"))}


def save(table: str, records: Iterable[Record], folder: Path = FOLDER) -> Path:
    """Write a table, one record a line."""
    rows = [dataclasses.asdict(record) for record in records]
    shared = {name: value for name in rows[0] if name != "row" and (value := _mostly(rows, name)) != DEFAULTS.get(name)}
    known = {**DEFAULTS, **shared}
    own = [{name: value for name, value in row.items() if value != known.get(name, ...)} for row in rows]
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in own)
    head = json.dumps(shared, ensure_ascii=False, indent=2).replace("\n", "\n ")
    path = folder / f"{table}.json"
    path.write_text(f'{{\n "shared": {head},\n "records": [\n{lines}\n ]\n}}\n')
    return path


def _mostly(rows: list[dict[str, Any]], name: str) -> Any:
    """The value that most rows have, or the field's default."""
    values = [row[name] for row in rows]
    most = max(values, key=values.count)
    return most if len(rows) > 1 and 2 * values.count(most) > len(rows) else DEFAULTS.get(name)


class Recorder:
    """Records of one run of a script; without a table it keeps nothing.

    Example:
        >>> recorder = Recorder(None, data="gowalla", split="given", chosen="the presets")
        >>> recorder.add(row="ease", model="ease", part="test", seed=0, metrics={"ndcg@20": 0.1568})
        >>> recorder.save()
    """

    def __init__(self, table: str | None, **shared: Any) -> None:
        self.table = table
        found = {"command": this_command(), "machine": this_machine(), "origin": "script"}
        self.shared = {**found, "date": datetime.date.today().isoformat(), **shared}
        self.records: list[Record] = []

    def add(self, **fields: Any) -> None:
        """Keep a record, its figures rounded to what is worth keeping."""
        if self.table is None:
            return
        self.shared.setdefault("commit", this_commit())
        for name, digits in (("metrics", 6), ("spread", 6), ("seconds", 3)):
            given = fields.get(name, {})
            fields[name] = {key: v if isinstance(v, int) else round(float(v), digits) for key, v in given.items()}
        self.records.append(Record(**{**self.shared, **fields}))

    def save(self, folder: Path = FOLDER) -> None:
        """Put the records to those of the table, in place of earlier ones of the same rows."""
        if self.table is None or not self.records:
            return
        known = {r.key: r for r in load(self.table, folder)} if (folder / f"{self.table}.json").exists() else {}
        known.update({record.key: record for record in self.records})
        path = save(self.table, known.values(), folder)
        print(f"recorded {len(self.records)} rows in {path.name}", file=sys.stderr)


def add_record(parser: argparse.ArgumentParser) -> None:
    """Give a parser the option ``--record``."""
    parser.add_argument("--record", metavar="TABLE", help="keep the figures in benchmarks/results/TABLE.json")


def this_command() -> str:
    """The command line, with names of folders in place of their paths."""
    words = [Path(word).name if os.sep in word and "=" not in word else word for word in sys.argv[1:]]
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])


def this_commit() -> str:
    """The commit of the code, with ``+`` where files differ from it."""
    git = ["git", "-C", str(FOLDER)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True)
    return f"{commit or 'unknown'}{'+' if changed.stdout else ''}"


def this_machine() -> str:
    """Processor or GPU, cores, threads, Python and torch."""
    cores, python = f"{os.cpu_count()} cores", f"Python {platform.python_version()}"
    name = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    try:
        import torch
    except ImportError:
        return f"{name}, {cores}, {python}"
    gpu = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return f"{gpu}{name}, {cores}, {torch.get_num_threads()} threads, {python}, torch {torch.__version__}"
