"""Results as data: every record is whole, and no page has a figure that is not from a record or lacks its source."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "benchmarks")]
import records  # noqa: E402
import result_pages  # noqa: E402
from records import Record, Recorder  # noqa: E402

TABLES = sorted(path.stem for path in records.FOLDER.glob("*"))
PAGES = sorted(result_pages.pages())
A_NUMBER = re.compile(r"\**[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?: ± \.\d+)?(?: %| s| MB)?\**")
A_FIGURE = re.compile(r"(?<![\w.=])\d*\.\d{3,}(?![\w.])")
WHOLE: dict[str, Any] = {
    **{"row": "ease", "model": "ease", "data": "gowalla", "split": "given", "part": "test", "machine": "two cores"},
    **{"command": "playlistrec fit …", "chosen": "validation", "origin": "script", "date": "2026-01-31"},
    **{"commit": "abc", "metrics": {"ndcg@20": 0.5}, "seed": 0},
}


def tables_of(text: str) -> Iterator[tuple[list[str], str]]:
    """Rows of each Markdown table, without its head, and the line that follows it."""
    lines = text.splitlines()
    start = None
    for index, line in enumerate([*lines, ""]):
        if line.startswith("|"):
            start = index if start is None else start
        elif start is not None:
            after = next((rest for rest in lines[index:] if rest.strip()), "")
            yield lines[start + 2 : index], after
            start = None


def has_figures(rows: list[str]) -> bool:
    """True if a cell is a number, or several with slashes."""
    cells = (cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row.strip("|")))
    return any(all(A_NUMBER.fullmatch(part) for part in cell.split(" / ")) for cell in cells)


@pytest.mark.parametrize("table", TABLES)
def test_records_are_whole(table: str) -> None:
    found = records.load(table)
    assert found
    for record in found:
        for name, value in record.metrics.items():
            if name.partition("@")[0] in ("recall", "ndcg", "map", "mrr", "hit", "r_precision", "coverage"):
                assert 0 < value < 1, record
        assert all(value >= 0 for value in record.seconds.values()), record


@pytest.mark.parametrize(
    "change",
    [
        {"command": ""},
        {"machine": ""},
        {"chosen": ""},
        {"part": "all"},
        {"metrics": {}},
        {"metrics": {"ndcg@20": float("nan")}},
        {"metrics": {"ndcg@20": "0.5"}},
        {"spread": {"map@20": 0.1}},
        {"date": None},
        {"date": "yesterday"},
        {"commit": None},
        {"origin": "carried over"},
        {"origin": "guessed"},
    ],
)
def test_a_record_that_is_not_whole_is_refused(change: dict[str, Any]) -> None:
    Record(**WHOLE)
    with pytest.raises(ValueError, match=r"record|isoformat"):
        Record(**{**WHOLE, **change})


def test_recorded_rows_replace_their_like(tmp_path: Path) -> None:
    def recorded(seed: int, ndcg: float) -> None:
        recorder = Recorder("t", data="gowalla", split="given", chosen="validation", command="c", machine="m")
        recorder.add(row="ease", model="ease", part="test", seed=seed, metrics={"ndcg@20": ndcg})
        recorder.add(row="ials", model="ials", part="test", seed=seed, seconds={"fit": 2.5}, memory_mb=100)
        recorder.save(tmp_path)

    recorded(0, 0.25)
    recorded(1, 0.5)
    recorded(0, 0.75)
    found = records.load("t", tmp_path)
    assert [(r.row, r.seed, r.metrics) for r in found] == [
        *(("ease", 0, {"ndcg@20": 0.75}), ("ials", 0, {})),
        *(("ease", 1, {"ndcg@20": 0.5}), ("ials", 1, {})),
    ]
    assert (found[1].seconds, found[1].memory_mb, found[1].origin) == ({"fit": 2.5}, 100, "script")
    text = json.loads((tmp_path / "t.json").read_text())
    assert text["shared"]["data"] == "gowalla"
    assert "data" not in text["records"][0]


def test_a_script_without_a_table_records_nothing(tmp_path: Path) -> None:
    recorder = Recorder(None, data="gowalla", split="given", chosen="validation")
    recorder.add(row="ease", model="ease", part="test", metrics={"ndcg@20": 0.5})
    recorder.save(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_are_in_step(page: Path) -> None:
    assert page.read_text() == result_pages.pages()[page], "python docs/result_pages.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_table_of_figures_has_its_source(page: Path) -> None:
    for rows, after in tables_of(page.read_text()):
        assert not has_figures(rows) or after == "<details><summary>Source</summary>", rows


@pytest.mark.parametrize("template", sorted(result_pages.TEMPLATES.rglob("*.md")), ids=lambda path: path.name)
def test_templates_have_no_figure_of_their_own(template: Path) -> None:
    text = result_pages.DIRECTIVE.sub("", template.read_text())
    assert not [rows for rows, _ in tables_of(text) if has_figures(rows)]
    assert not A_FIGURE.findall(text)


def test_pages_show_figures_and_gains() -> None:
    row = "gowalla-models | chebycf | {} | test"
    shown = result_pages.render(f"{{{{ value {row.format('ndcg@20')} }}}} {{{{ value {row.format('memory_mb')} }}}}")
    assert shown == ".1617 1,310"
    before = "polimi-test | ease | map@10"
    after = "polimi-test | ease, artists and albums | map@10"
    assert result_pages.render(f"{{{{ gain {before} > {after} }}}}") == "12 %"
    with pytest.raises(ValueError, match="no recall@99"):
        result_pages.render("{{ value polimi-test | ease | recall@99 }}")
    with pytest.raises(ValueError, match="0 records"):
        result_pages.render("{{ value polimi-test | no such row | map@10 }}")
