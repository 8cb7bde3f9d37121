"""The house: imports point down one list, files stay small, and only the console draws."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "playlistrec"
ROOMS = [
    *("sinks", "corpus", "graph", "nn", "models", "rank", "train", "distributed", "serving"),
    *("experiment", "export", "challenge", "report", "cli", "testing"),
]
"""From the bottom to the top: a room imports what stands before it."""
BELOW_ALL = {
    *("storage", "processes", "config", "errors", "events", "notebook", "progress_line", "text", "trust"),
    "__init__",
}
LIFTED_OUT: dict[str, set[tuple[str, ...]]] = {
    "graph/products.py": set(),
    "nn": {("graph", "ops"), ("nn",)},
    "train/losses": {("graph", "products"), ("train", "losses")},
    "rank/metrics.py": set(),
    "rank/challenge_metrics.py": set(),
    "rank/topk.py": set(),
}
"""Files and rooms that others may take with them, and all that these import of ours."""
READERS = "corpus/sources"
"""One reader a format: they grow with the formats, and count as a room of their own."""
MOST_LINES, MOST_LINES_OF_CODE, MOST_OF_ALL = 250, 60, 1 / 5


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


def upward(path: Path) -> Iterator[str]:
    name = path.relative_to(PACKAGE)
    room = name.parts[0].removesuffix(".py")
    for target in imports_of_ours(path):
        other = target[0] if target else "__init__"
        if other in BELOW_ALL or str(name) in ("__init__.py", "__main__.py"):
            continue
        if room in BELOW_ALL or ROOMS.index(other) > ROOMS.index(room):
            yield f"{name} imports {'.'.join(target)}, which stands above it"


def test_imports_point_down() -> None:
    violations = [line for path in modules() for line in upward(path)]
    for place, allowed in LIFTED_OUT.items():
        files = [PACKAGE / place] if place.endswith(".py") else sorted((PACKAGE / place).rglob("*.py"))
        for path in files:
            others = [t for t in imports_of_ours(path) if not any(t[: len(a)] == a for a in allowed)]
            violations += [f"{path.relative_to(PACKAGE)} imports {'.'.join(target)}" for target in others]
    assert not violations, "\n".join(violations)


def test_files_and_functions_stay_small_and_rooms_say_what_they_are_for() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules()}
    violations = [f"{p.relative_to(PACKAGE)}: {n} lines" for p, n in sizes.items() if n > MOST_LINES]
    for path in modules():
        tree = ast.parse(path.read_text())
        if path.name == "__init__.py" and not ast.get_docstring(tree):
            violations.append(f"{path.relative_to(PACKAGE)} does not say what the room is for")
        functions = {n.name: code_lines(n) for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        long = {name: lines for name, lines in functions.items() if lines > MOST_LINES_OF_CODE}
        violations += [f"{path.relative_to(PACKAGE)}: {name} has {lines} lines" for name, lines in long.items()]
    for room in (*(path for path in PACKAGE.iterdir() if path.is_dir()), PACKAGE / READERS):
        inside = {path: n for path, n in sizes.items() if room in path.parents}
        if room != PACKAGE / READERS:
            inside = {path: n for path, n in inside.items() if PACKAGE / READERS not in path.parents}
        if (share := sum(inside.values()) / sum(sizes.values())) > MOST_OF_ALL:
            violations.append(f"{room.name} holds {share:.0%} of all lines")
    assert not violations, "\n".join(violations)


def code_lines(node: ast.FunctionDef) -> int:
    """The lines of a function without decorators and docstring."""
    first = node.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def test_only_the_console_draws() -> None:
    violations = []
    for path in modules():
        tree = ast.parse(path.read_text())
        imported = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level}
        imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        roots = {name.split(".")[0] for name in imported}
        name = path.relative_to(PACKAGE)
        violations += [f"{name} imports rich"] if "rich" in roots and str(name) != "cli/console.py" else []
        violations += [f"{name} imports click"] if "click" in roots and name.parts[0] != "cli" else []
    assert not violations, "\n".join(violations)


WRITERS = {"write_text", "write_bytes", "savez", "rename", "mkdir"}


def test_only_storage_writes_files() -> None:
    violations = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in WRITERS and path.parent != PACKAGE / "storage":
                violations.append(f"{path.relative_to(PACKAGE)}:{node.lineno} calls {node.attr}")
            elif isinstance(node, ast.Import | ast.ImportFrom) and path.parent != PACKAGE / "storage":
                names = [alias.name for alias in node.names]
                violations += [f"{path.relative_to(PACKAGE)} reads TOML" for n in names if n in ("tomllib", "tomli")]
    assert not violations, "\n".join(violations)


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
    import playlistrec.train

    for package in (playlistrec, playlistrec.train):
        for name in package.__all__:
            assert getattr(package, name).__name__ == name


def test_preprocess_loads_neither_dgl_nor_torch(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("playlist_id,track_id\n" + "".join(f"p{i % 4},t{i}\n" for i in range(20)))
    script = (
        "import sys; from pathlib import Path; import playlistrec as pr\n"
        f"pr.preprocess(Path({str(tmp_path)!r}) / 'x.csv', Path({str(tmp_path)!r}) / 'data')\n"
        "print([name for name in ('dgl', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
