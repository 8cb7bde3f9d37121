"""Experiments of other works: one file each, as `compare FILE.toml` reads, but for the data, which the caller has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ...errors import ConfigError, nearest
from ...storage import parse_toml

__all__ = ["studies", "study"]


def studies() -> list[str]:
    """The names of all of them."""
    return sorted(path.name.removesuffix(".toml") for path in files(__package__).iterdir() if _is_study(path.name))


def study(name: str) -> Mapping[str, Any]:
    """The content of one. Raises ConfigError where there is none of that name.

    >>> study("gnnie")["preprocess"]["k_core"]
    30
    """
    if name not in studies():
        raise ConfigError(f"experiment must be one of {', '.join(studies())}{nearest(name, studies())} (got {name!r})")
    path = files(__package__) / f"{name}.toml"
    return parse_toml(path.read_bytes(), path.name)


def _is_study(name: str) -> bool:
    return name.endswith(".toml")
