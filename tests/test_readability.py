"""The readability check of `make docs`: it fails on a bad page and names the sentence; code and tables are no prose."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("textstat")

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def readability() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readability", DOCS / "readability.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["readability"] = module
    spec.loader.exec_module(module)
    return module


GOOD = "The fit keeps the best epoch. It stops when the figures rise no more.\n"
LONG = "The fit " + "and then the fit " * 8 + "ends.\n"  # 35 words


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (LONG, "page.md: 35 words, at most 25: The fit and then"),
        ("What the playlist holds is left out.\n", "page.md: begins with 'What': What the playlist holds"),
        ("That of EASE had .1023.\n", "begins with 'That of'"),
        ("It reads; it fits; it ends.\n", "more than one semicolon: It reads"),
        ("- Models are fitted.\n- " + LONG, "35 words, at most 25: "),
        ("- **`top_k`** is set. " + LONG, "35 words, at most 25: "),
        ("Institutional recommendation methodologies necessitate considerable experimentation.\n" * 20, "grade "),
    ],
)
def test_a_bad_page_fails_and_names_the_sentence(
    readability: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, fault: str
) -> None:
    (tmp_path / "page.md").write_text(f"# Page\n\n{GOOD}\n{text}")
    assert readability.main([str(tmp_path)]) == 1
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        f"```sh\n{LONG}```\n",
        f"    {LONG}",
        f"| option | meaning |\n|---|---|\n| `a` | {LONG.strip()} |\n",
        f"- `top_k`: {LONG}",
        f"# {LONG}",
        "Figures are .0986 and .1023, in e.g. [a long link with many words](page.md). Files end in `.npz`.\n",
    ],
)
def test_code_tables_headings_and_options_are_not_prose(readability: ModuleType, tmp_path: Path, text: str) -> None:
    (tmp_path / "page.md").write_text(f"{GOOD}\n{text}")
    assert readability.main([str(tmp_path / "page.md")]) == 0


def test_docstrings_and_templates_are_left_out_and_results_are_not(readability: ModuleType, tmp_path: Path) -> None:
    for name in ("changelog.md", "templates/results/index.md", "templates/what-helps.md", "reference/nn.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(LONG)
    assert readability.main([str(tmp_path)]) == 0
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "index.md").write_text(LONG)
    assert readability.main([str(tmp_path)]) == 1


def test_sentences_end_where_they_end(readability: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("See `a.b`. `c` is .5 of `d`. He et al. 2020 say 2.5 more. It ends (here). So.\n")
    assert len(readability.read_page(tmp_path / "page.md", "page.md").sentences) == 5


def test_the_pages_meet_the_bar(readability: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    status = readability.main([])
    assert status == 0, capsys.readouterr().err
