"""List the installed packages, and what to do about those that are missing or wrong."""

from __future__ import annotations

import platform
import shlex
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata

from .. import __version__

__all__ = ["Finding", "dgl_command", "examine"]

TRIED = ((3, 10), (3, 13))
"""The lowest and the highest Python on which the tests have run."""

DGL = "dgl==1.1.3"
DGL_PLATFORMS = {
    "Linux-x86_64": "manylinux1_x86_64",
    "Linux-aarch64": "manylinux2014_aarch64",
    "Darwin-arm64": "macosx_11_0_arm64",
    "Darwin-x86_64": "macosx_11_0_x86_64",
}


def dgl_command() -> str:
    """The shell command that installs DGL beside this Python.

    DGL's last wheel that works with any torch is for Python 3.11. Its library does not depend on Python's version:
    where the compiled part of its Python code does not import, DGL takes ``ctypes``.
    """
    pip = f"{shlex.quote(sys.executable)} -m pip install {DGL}"
    if tuple(sys.version_info) < (3, 12):
        return pip
    tag = DGL_PLATFORMS.get(f"{platform.system()}-{platform.machine()}", "PLATFORM")
    where = shlex.quote(sysconfig.get_path("platlib"))
    first = "" if _version("dgl") is None else f"{shlex.quote(sys.executable)} -m pip uninstall -y dgl && "
    return f"{first}{pip} --no-deps --only-binary=:all: --python-version 3.11 --platform {tag} --target {where}"


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        ok: whether playlistrec can work with it; something that is merely absent, such as a GPU, is ok.
        advice: what to do, empty where there is nothing to do.
    """

    ok: bool
    what: str
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at Python, the packages, DGL and the GPU."""
    lowest, highest = TRIED
    found, advice = sys.version_info[:2], ""
    if found < lowest:
        advice = "too old: make an environment with Python 3.11, for example by `uv venv --python 3.11`"
    elif found > highest:
        advice = "not tried yet: the tests run on Python 3.10 to 3.13"
    findings = [
        Finding(True, "playlistrec", __version__),
        Finding(found >= lowest, "python", platform.python_version(), advice),
    ]
    for name in ("numpy", "pandas", "scipy", "pyarrow", "msgspec", "click", "rich", "packaging"):
        version = _version(name)
        findings.append(
            Finding(version is not None, name, version or "missing", "" if version else f"pip install {name}")
        )
    return [*findings, *_torch(), *_dgl()]


def _torch() -> list[Finding]:
    try:
        import torch
    except Exception as error:
        return [Finding(False, "torch", _reason(error), 'pip install "torch>=2.3"')]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none seen by torch"
    return [Finding(True, "torch", torch.__version__), Finding(True, "gpu", gpu)]


def _dgl() -> list[Finding]:
    advice = dgl_command()
    try:
        import dgl
        import torch
    except Exception as error:
        return [Finding(False, "dgl", f"{_version('dgl') or 'missing'}: {_reason(error)}", advice)]
    findings = [Finding(True, "dgl", f"{dgl.__version__} imports")]
    try:
        graph = dgl.graph(([0, 1], [1, 2]))
        total = float(dgl.ops.copy_u_sum(graph, torch.ones(3, 1)).sum())
        findings.append(
            Finding(
                total == 2.0,
                "dgl kernels",
                "message passing works" if total == 2.0 else f"sum is {total}, not 2.0",
            )
        )
    except Exception as error:
        findings.append(Finding(False, "dgl kernels", _reason(error), advice))
        return findings
    if not torch.cuda.is_available():
        return [*findings, Finding(True, "dgl cuda", "not needed without a GPU")]
    try:
        graph.to("cuda")
        found = "graphs can lie on the GPU"
    except Exception:
        found = "DGL has no CUDA: graphs stay on the CPU, their sparse products run in torch on the GPU"
    return [*findings, Finding(True, "dgl cuda", found)]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _reason(error: BaseException) -> str:
    return f"does not import ({type(error).__name__}: {' '.join(str(error).split())[:120]})"
