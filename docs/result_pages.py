"""The pages of results: their templates with tables and figures from `benchmarks/results`.

    python docs/result_pages.py            # writes what is not in step
    python docs/result_pages.py --check    # names it and ends with 1

The pages are committed, so that README's links lead somewhere and a change of a figure is seen in a diff; a test and
the documentation build keep them in step. A template holds no figure of its own but these:

- ``{{ table NAME metrics=recall@20,ndcg@20 part=valid rows="sage*" heading=layers }}``: records of a table, one a
  line. Records with a ``column`` are spread over columns, unless ``flat=true``.
- ``{{ pick recall@20 ndcg@20`` and lines ``NAME | row | column | label ``, then ``}}``: records of several tables.
- ``{{ value NAME | row | metric | column }}``: one figure; ``seconds:fit`` and ``memory_mb`` are metrics too.
- ``{{ gain NAME | row | metric | column > NAME | row | metric | column }}``: the second figure over the first, in %.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
from records import Record, load  # noqa: E402

TEMPLATES = ROOT / "docs" / "templates"
DIRECTIVE = re.compile(r"\{\{\s*(table|pick|value|gain)\b(.*?)\}\}", re.DOTALL)
MARKS = "†‡§¶"
HEADINGS = {
    **{"r_precision": "R-precision", "hit": "HR", "ndcg": "NDCG", "map": "MAP", "mrr": "MRR", "clicks": "clicks"},
    **{"recall": "Recall", "best_epoch": "epoch", "memory_mb": "MB"},
}
SMALLER_IS_BETTER = ("clicks",)
QUALITY = ("recall", "ndcg", "map", "mrr", "hit", "r_precision", "auc", *SMALLER_IS_BETTER)


@dataclass(frozen=True)
class Row:
    """A line of a table, with what stands in its first column."""

    label: str
    record: Record
    table: str


def render(template: str) -> str:
    """A template with its directives carried out."""
    renderers = {"table": _table, "pick": _pick, "value": _value, "gain": _gain}
    return DIRECTIVE.sub(lambda found: renderers[found[1]](found[2].strip()), template)


def pages(templates: Path = TEMPLATES) -> dict[Path, str]:
    """Text by page; a template is at the page's place below the folder of templates."""
    notice = "<!-- Made by `python docs/result_pages.py` from {} and benchmarks/results: edit those. -->\n\n"
    found = {}
    for path in sorted(templates.rglob("*.md")):
        name = path.relative_to(templates)
        found[ROOT / "docs" / name] = notice.format(f"docs/templates/{name}") + render(path.read_text())
    return found


def _fields(words: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(words))


def _table(words: str) -> str:
    name, _, rest = words.partition(" ")
    given = _fields(rest)
    chosen = given.get("rows", "*").split(";")
    records = [
        record
        for record in load(name)
        if any(fnmatch.fnmatchcase(record.row, pattern.strip()) for pattern in chosen)
        and given.get("part", record.part) == record.part
        and given.get("column", record.column) == record.column
        and given.get("data", record.data) == record.data
    ]
    if not records:
        raise ValueError(f"no record for {{{{ table {words} }}}}")
    metrics = given["metrics"].split(",") if "metrics" in given else list(_metrics_of(records))
    heading = given.get("heading", "model")
    rows = [Row(record.row, record, name) for record in records]
    spread = any(record.column for record in records) and given.get("flat") != "true" and "column" not in given
    lines = _spread(rows, metrics, heading) if spread else _plain(rows, metrics, heading)
    return "\n".join([*lines, "", *_source(rows)])


def _pick(words: str) -> str:
    head, *lines = words.splitlines()
    metrics, rows = head.split(), []
    for line in filter(str.strip, lines):
        name, row, column, label = ([part.strip() for part in line.split("|")] + ["", ""])[:4]
        record = _record(name, row, column)
        rows.append(Row(label or record.row, record, name))
    return "\n".join([*_plain(rows, metrics, "model"), "", *_source(rows)])


def _value(words: str) -> str:
    record, metric = _reference(words)
    return _text(record, metric)


def _gain(words: str) -> str:
    before, after = (_figure(*_reference(part)) for part in words.split(">"))
    assert before is not None
    assert after is not None
    change = 100 * (after / before - 1)
    return f"{abs(change):.1f} %" if abs(change) < 10 else f"{abs(change):.0f} %"


def _reference(words: str) -> tuple[Record, str]:
    name, row, metric, column = ([part.strip() for part in words.split("|")] + [""])[:4]
    record = _record(name, row, column)
    if _figure(record, metric) is None:
        raise ValueError(f"{name}: {row!r} has no {metric}")
    return record, metric


def _record(name: str, row: str, column: str) -> Record:
    """The record of a row; with a column, the one whose column, part, data or seed it is."""
    found = [record for record in load(name) if record.row == row]
    if column:
        found = [r for r in found if column in (r.column, r.part, r.data, f"seed {r.seed}")]
    if len(found) != 1:
        raise ValueError(f"{name} has {len(found)} records {row!r} {column!r}")
    return found[0]


def _figure(record: Record, metric: str) -> float | None:
    if metric == "memory_mb":
        return record.memory_mb
    step = metric.removeprefix("seconds:")
    return record.metrics.get(metric) if step == metric else record.seconds.get(step)


def _metrics_of(records: Iterable[Record]) -> Iterator[str]:
    """All metrics, then seconds, then memory, in the order of their first record."""
    records = list(records)
    yield from dict.fromkeys(name for record in records for name in record.metrics)
    yield from dict.fromkeys(f"seconds:{name}" for record in records for name in record.seconds)
    if any(record.memory_mb is not None for record in records):
        yield "memory_mb"


def _text(record: Record, metric: str) -> str:
    value = _figure(record, metric)
    if value is None:
        return "\N{EN DASH}"
    kind = metric.partition("@")[0]
    if kind in QUALITY or kind == "coverage" or metric.startswith(("share", "spread")):
        if kind == "clicks":
            return f"{value:.2f}"
        text = f"{value:.{record.digits}f}".lstrip("0")
        return f"{text} ± {record.spread[metric]:.4f}".replace(" 0.", " .") if metric in record.spread else text
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _heading(metric: str) -> str:
    if metric.startswith("seconds:"):
        return f"{metric.removeprefix('seconds:')}, s"
    kind, at, rest = metric.partition("@")
    return HEADINGS.get(kind, kind) + at + rest


def _bold(texts: list[str], values: list[float | None], metric: str) -> list[str]:
    """Texts of a column, the best of at least three in bold."""
    there = [value for value in values if value is not None]
    if metric.partition("@")[0] not in QUALITY or len(there) < 3:
        return texts
    best = min(there) if metric in SMALLER_IS_BETTER else max(there)
    return [f"**{text}**" if value == best else text for text, value in zip(texts, values)]


def _marks(rows: list[Row]) -> dict[str, str]:
    """A mark for each machine but the first; nothing where all ran on one."""
    machines = dict.fromkeys(row.record.machine for row in rows if row.record.origin != "published")
    return dict(zip(list(machines)[1:], MARKS))


def _labels(rows: list[Row]) -> list[str]:
    marks, labels = _marks(rows), []
    for row in rows:
        record = row.record
        twins = [other for other in rows if (other.label, other.record.column) == (row.label, record.column)]
        seed = f", seed {record.seed}" if len({str(other.record.seed) for other in twins}) > 1 else ""
        mark = marks.get(record.machine, "")
        labels.append(f"{row.label}{seed}{' ' + mark if mark else ''}".replace("|", r"\|"))
    return labels


def _plain(rows: list[Row], metrics: list[str], heading: str) -> Iterator[str]:
    yield f"| {heading} | {' | '.join(map(_heading, metrics))} |"
    yield "|---|" + "---:|" * len(metrics)
    columns = []
    for metric in metrics:
        values = [_figure(row.record, metric) for row in rows]
        columns.append(_bold([_text(row.record, metric) for row in rows], values, metric))
    for label, *cells in zip(_labels(rows), *columns):
        yield f"| {label} | {' | '.join(cells)} |"


def _spread(rows: list[Row], metrics: list[str], heading: str) -> Iterator[str]:
    """One column for each ``column`` of the records; cells hold the metrics one after another."""
    columns = list(dict.fromkeys(row.record.column for row in rows))
    named = " / ".join(map(_heading, metrics))
    yield f"| {heading} ({named}) | {' | '.join(columns)} |"
    yield "|---|" + "---:|" * len(columns)
    for label in dict.fromkeys(row.label for row in rows):
        own = {row.record.column: row.record for row in rows if row.label == label}
        texts = {}
        for metric in metrics:
            values = [_figure(own[c], metric) if c in own else None for c in columns]
            raw = [_text(own[c], metric) if c in own else "\N{EN DASH}" for c in columns]
            parts = {record.part for record in own.values()}
            texts[metric] = _bold(raw, values, metric) if len(parts) == 1 else raw
        cells = [" / ".join(texts[m][i] for m in metrics) if c in own else "\N{EN DASH}" for i, c in enumerate(columns)]
        yield f"| {label} | {' | '.join(cells)} |"


def _source(rows: list[Row]) -> Iterator[str]:
    """Where a table's figures are from: a block that opens on a click, which every table has after it."""
    ours = [row.record for row in rows if row.record.origin != "published"]
    published = [row.record for row in rows if row.record.origin == "published"]
    yield "<details><summary>Source</summary>\n\n```text"
    yield from dict.fromkeys(record.command for record in ours)
    yield from [""] if ours else []
    marks = _marks(rows)
    yield from _facts("machine", (f"{marks[r.machine]} {r.machine}" if r.machine in marks else r.machine for r in ours))
    yield from _facts("split", (record.split for record in ours))
    yield from _facts("part read", (_part(record) for record in ours))
    yield from _facts("seed", (_seed(record) for record in ours))
    yield from _facts("chosen by", (record.chosen for record in ours))
    carried = [record for record in ours if record.origin == "carried over"]
    yield from _facts("carried over from", (record.source for record in carried))
    when = sorted({f"{r.date} ({r.commit})" if r.commit else str(r.date) for r in ours})
    yield from _facts("recorded", [when[0] if len(when) == 1 else f"{when[0]} to {when[-1]}"] if when else [])
    yield from _facts("note", _by_row((record, record.note) for record in ours))
    yield from _facts("published by", _by_row((r, f"{r.source} (chosen: {r.chosen})") for r in published))
    yield from _facts("data", (f"benchmarks/results/{row.table}.json" for row in rows))
    yield "```\n\n</details>"


def _facts(name: str, values: Iterable[str]) -> Iterator[str]:
    """A line for each distinct value, the first with the name."""
    for index, value in enumerate(dict.fromkeys(values)):
        yield f"{'' if index else name + ':':19}{value}"


def _by_row(pairs: Iterable[tuple[Record, str]]) -> Iterator[str]:
    """Each text with the rows that it is about, where it is not about all."""
    rows: dict[str, list[str]] = {}
    for record, text in pairs:
        rows.setdefault(text, []).append(record.row)
    for text, about in rows.items():
        if text:
            yield text if len(rows) == 1 else f"{text}: {', '.join(dict.fromkeys(about))}"


def _part(record: Record) -> str:
    return "validation" if record.part == "valid" else record.part


def _seed(record: Record) -> str:
    if isinstance(record.seed, list):
        return f"{record.seed[0]} to {record.seed[-1]}"
    return "none" if record.seed is None else str(record.seed)


def write() -> list[Path]:
    """Write the pages that are not in step; which they were."""
    changed = []
    for path, text in pages().items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(path)
    return changed


def setup(app: Sphinx) -> None:
    """The pages are brought in step before the documentation is built."""
    app.connect("builder-inited", lambda _: write())


def main() -> None:
    if "--check" in sys.argv:
        stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not in step: python docs/result_pages.py\n")
        raise SystemExit(bool(stale))
    for path in write():
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
