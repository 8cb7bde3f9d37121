"""List the installed packages, and what to do about those that are missing or wrong."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib import metadata

from .. import __version__

__all__ = ["Finding", "examine"]

PINS = 'pip install "torch==2.2.1" "torchdata==0.7.1" "numpy<2" pydantic pyyaml "dgl==2.1.0"'


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
    good_python = (3, 10) <= sys.version_info[:2] <= (3, 12)
    findings = [
        Finding(True, "playlistrec", __version__),
        Finding(
            good_python,
            "python",
            platform.python_version(),
            ""
            if good_python
            else "DGL has wheels for Python 3.10, 3.11 and 3.12: make an environment with one of them",
        ),
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
        return [Finding(False, "torch", _reason(error), 'pip install "torch>=2.2"')]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none seen by torch"
    return [Finding(True, "torch", torch.__version__), Finding(True, "gpu", gpu)]


def _dgl() -> list[Finding]:
    advice = PINS if sys.version_info >= (3, 12) else 'pip install "dgl==1.1.3" packaging'
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
