"""The wheel installs into a fresh environment and works there; its metadata and the pins say the same."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from playlistrec.cli.environment import DGL, TRIED, dgl_command

ROOT = Path(__file__).parents[1]


def run(*command: object, cwd: Path, path: Path | None = None) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"DGLBACKEND": "pytorch"} | ({} if path is None else {"PYTHONPATH": str(path)})
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def requirements() -> list[Requirement]:
    cfg = configparser.ConfigParser()
    cfg.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = cfg["options"]["install_requires"].splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_pins_are_within_the_bounds() -> None:
    bounds = {need.name: need.specifier for need in requirements()}
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert DGL in pins
    for pin in pins:
        name, version = pin.split("==")
        assert bounds[name].contains(version), pin
        assert not bounds[name].contains("99"), f"{name} has no upper bound: a later one may not work"


def test_no_python_gets_a_dgl_that_fails() -> None:
    """DGL 2 imports with one torch alone, and it is the only one with wheels for Python 3.12."""
    (dgl,) = [need for need in requirements() if need.name == "dgl"]
    assert not dgl.specifier.contains("2.1.0")
    for minor in range(TRIED[0][1], TRIED[1][1] + 1):
        asked = dgl.marker is None or dgl.marker.evaluate({"python_version": f"3.{minor}"})
        assert asked == (minor < 12)


def test_readme_makefile_and_metadata_name_the_same_pythons() -> None:
    (low, high), readme = TRIED, (ROOT / "README.md").read_text()
    assert f"Python {low[0]}.{low[1]} to {high[0]}.{high[1]}" in readme
    setup = (ROOT / "setup.cfg").read_text()
    named = re.findall(r"Python :: 3\.(\d+)", setup)
    assert [int(minor) for minor in named] == list(range(low[1], high[1] + 1))
    lower, below = re.findall(r"python_requires = >=3\.(\d+),<3\.(\d+)", setup)[0]
    assert f"(3, {lower}) <= sys.version_info[:2] <= (3, {int(below) - 1})" in (ROOT / "Makefile").read_text()


@pytest.mark.skipif(
    shutil.which("make", path="/usr/bin:/bin") is None or shutil.which("uv", path="/usr/bin:/bin") is not None,
    reason="no make, or uv where it cannot be hidden",
)
def test_make_says_what_to_do_without_a_python_that_fits(tmp_path: Path) -> None:
    (tmp_path / "old").write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1 || exit 1\n')
    (tmp_path / "old").chmod(0o755)
    (tmp_path / "uv").write_text('#!/bin/sh\n[ "$1" = --version ] || echo "uv $*"\n')
    (tmp_path / "uv").chmod(0o755)

    def made(python: Path, path: str) -> subprocess.CompletedProcess[str]:
        command = [
            shutil.which("make") or "",
            f"PYTHON={python}",
            f"VENV={tmp_path / 'new'}",
            tmp_path / "new/bin/python",
        ]
        return subprocess.run(command, cwd=ROOT, env={"PATH": path}, capture_output=True, text=True, check=False)

    for python, found in ((tmp_path / "old", "Python 3.9.1"), (tmp_path / "absent", "missing")):
        said = made(python, "/usr/bin:/bin")
        assert said.returncode != 0
        assert f"{python} is {found}. Name another, as in: make PYTHON=python3.11" in said.stderr
        said = made(python, f"{tmp_path}:/usr/bin:/bin")
        assert said.stdout.strip() == f"uv venv --quiet --seed --python 3.11 {tmp_path / 'new'}"


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a build leaves folders behind
    shutil.copytree(ROOT / "playlistrec", source / "playlistrec", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", tmp_path / "wheels", source, cwd=tmp_path)
    (wheel,) = (tmp_path / "wheels").glob("playlistrec-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-compile", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    if sys.version_info >= (3, 12):
        command = "from playlistrec.cli.environment import dgl_command; print(dgl_command())"
        run(*shlex.split(run(python, "-c", command, cwd=tmp_path)), cwd=tmp_path)

    playlistrec = python.with_name("playlistrec")
    assert "/venv/" in run(python, "-c", "import playlistrec; print(playlistrec.__file__)", cwd=tmp_path)
    assert run(playlistrec, "--version", cwd=tmp_path).startswith("playlistrec, version ")
    assert json.loads(run(playlistrec, "doctor", "--json", cwd=tmp_path))["ok"] is True
    run(playlistrec, "synth", "slices", "--playlists", "200", cwd=tmp_path)
    run(playlistrec, "preprocess", "slices", "-o", "data", "--k-core", "2", cwd=tmp_path)
    run(playlistrec, "fit", "data", "-m", "lightgcn", "-o", "run", "--set", "epochs=1", cwd=tmp_path)
    assert len(json.loads(run(playlistrec, "recommend", "run", "--playlist", "7", "--json", cwd=tmp_path))) > 0


@pytest.mark.slow
def test_dgl_works_without_its_compiled_python_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command for Python 3.12 and later, run here: pip takes the wheel for 3.11, and ctypes is enough for DGL."""
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    command = shlex.split(dgl_command().rpartition("&& ")[2])
    command[command.index("--target") + 1] = str(tmp_path / "site")
    run(*command, cwd=tmp_path)
    for compiled in (tmp_path / "site" / "dgl" / "_ffi" / "_cy3").glob("core.*.so"):
        compiled.unlink()  # another Python does not see it
    code = (
        "import dgl, torch; from dgl._ffi.object import _ObjectBase\n"
        "g = dgl.graph(([0, 1], [1, 2])); print(dgl.__file__, _ObjectBase.__module__)\n"
        "print(float(dgl.ops.copy_u_sum(g, torch.ones(3, 1)).sum()))"
    )
    shown = run(sys.executable, "-c", code, cwd=tmp_path, path=tmp_path / "site").split()
    assert shown == [str(tmp_path / "site" / "dgl" / "__init__.py"), "dgl._ffi._ctypes.object", "2.0"]
