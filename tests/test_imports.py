"""The house has floors, and imports only point down."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "playlistrec"
FLOORS = [
    *("corpus", "graph", "nn", "models", "train", "rank"),
    *("serving", "experiment", "export", "challenge", "report", "cli"),
]
BELOW_ALL = {"errors", "events", "config", "storage", "__init__"}
MAY_IMPORT_OF_OURS: dict[str, set[tuple[str, ...]]] = {
    "graph/products.py": set(),
    "rank/metrics.py": set(),
    "rank/challenge_metrics.py": set(),
    "rank/topk.py": set(),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of_ours(path: Path) -> set[tuple[str, ...]]:
    """Modules of the package that a file imports, as paths below the package; those for type checkers too."""
    here = path.relative_to(PACKAGE).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            module = tuple(node.module.split(".")) if node.module else ()
            target = (*base, *module)
            names = [(*target, alias.name) for alias in node.names]
            found |= {name if is_module(name) else target for name in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("playlistrec"):
            found.add(tuple((node.module or "").split(".")[1:]))
        elif isinstance(node, ast.Import):
            found |= {tuple(a.name.split(".")[1:]) for a in node.names if a.name.startswith("playlistrec")}
    return found


def is_module(parts: tuple[str, ...]) -> bool:
    path = PACKAGE.joinpath(*parts)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    name = path.relative_to(PACKAGE)
    for target in imports_of_ours(path):
        floor = target[0] if target else "__init__"
        if str(name) == "__init__.py" or str(name) == "__main__.py":
            continue
        if floor in BELOW_ALL:
            continue
        assert len(name.parts) > 1, f"{name} stands below all floors but imports {'.'.join(target)}"
        assert FLOORS.index(floor) <= FLOORS.index(name.parts[0]), f"{name} imports {'.'.join(target)} above it"


@pytest.mark.parametrize("name", [*MAY_IMPORT_OF_OURS, *(f"nn/{p.name}" for p in (PACKAGE / "nn").glob("*.py"))])
def test_what_others_lift_out_imports_nothing_of_ours(name: str) -> None:
    allowed = {("graph", "ops")} if name.startswith("nn/") else MAY_IMPORT_OF_OURS[name]
    ours = {t for t in imports_of_ours(PACKAGE / name) if not (name.startswith("nn/") and t[0] == "nn")}
    assert ours <= allowed


def test_only_the_console_draws() -> None:
    for path in modules():
        tree = ast.parse(path.read_text())
        imported = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        if path != PACKAGE / "cli" / "console.py":
            assert not any(name.split(".")[0] == "rich" for name in imported), path
        if path.relative_to(PACKAGE).parts[0] != "cli":
            assert not any(name.split(".")[0] == "click" for name in imported), path


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import playlistrec", {"dgl", "torch", "pandas", "numpy"}),
        ("import playlistrec.cli.main", {"dgl", "torch", "pandas", "numpy"}),
        ("import playlistrec; playlistrec.preprocess, playlistrec.synthesize", {"dgl", "torch"}),
        ("import playlistrec; playlistrec.Run, playlistrec.fit", {"dgl"}),
        (
            "from playlistrec import Corpus, Query, fit; from playlistrec.experiment.data import Data\n"
            "from playlistrec.corpus.splitting import split_edges\n"
            "corpus = Corpus.from_lists([['a', 'b', 'c'], ['b', 'c', 'd'], ['a', 'd']])\n"
            "data = Data.of(corpus, split_edges(corpus))\n"
            "for model in ('popularity', 'itemknn', 'mf'): fit(data, model).recommend(tracks=[0])",
            {"dgl"},
        ),
    ],
)
def test_heavy_packages_are_imported_only_where_needed(code: str, absent: set[str]) -> None:
    script = f"{code}\nimport sys\nprint(*sorted(set(sys.modules) & {absent!r}))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


def test_public_names_exist() -> None:
    import playlistrec

    for name in playlistrec.__all__:
        assert getattr(playlistrec, name).__name__ == name
