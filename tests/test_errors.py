"""Errors: one message for a library and a command line, which words the hint as options."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from calling import call

import playlistrec as pr
from playlistrec.errors import ConfigError, DataError, Hint

PACKAGE = Path(__file__).parents[1] / "playlistrec"
NO_ERROR = {"errors.py", "experiment/fit_each.py", "experiment/run_folder.py"}
"""Files whose flags stand in hints as they are worded, in names of folders, and in a model card's commands."""
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def test_a_hint_is_worded_for_python_and_for_a_shell() -> None:
    hint = Hint("fit with {epochs} and {resume}, at {data}", {"resume": True, "data": None}, {"epochs": 3})
    error = DataError("x is missing", hint)
    assert str(error) == "x is missing: fit with options={'epochs': 3} and resume=True, at data=…"
    assert error.on_command_line() == "x is missing: fit with --set epochs=3 and --resume, at --data"
    assert str(ConfigError("lr must be above 0")) == "lr must be above 0"


def test_the_library_speaks_of_arguments_and_the_command_line_of_options(data_folder: Path) -> None:
    with pytest.raises(DataError, match=r"exists: choose another folder, or replace it with force=True$"):
        pr.preprocess(data_folder, data_folder)
    shown = call("preprocess", data_folder, "-o", data_folder, code=1).stderr
    assert shown.endswith("exists: choose another folder, or replace it with --force\n")


def test_no_message_of_the_library_names_a_flag() -> None:
    violations = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        if name.startswith(("cli/", "report/html/")) or name in NO_ERROR:
            continue
        tree = ast.parse(path.read_text())
        docstrings = {ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, DOCUMENTED)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings:
                words = [word.lstrip("`(") for word in node.value.split()]
                flags = [word for word in words if word.startswith("--") and len(word) > 3]
                violations += [f"{name}:{node.lineno}: {node.value}"] if flags else []
    assert not violations, "\n".join(violations)
