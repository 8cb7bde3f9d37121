"""Configs: frozen keyword-only dataclasses that stand beside their model and refuse what they do not know."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .errors import ConfigError, nearest

__all__ = ["Config", "check_seed", "require"]

C = TypeVar("C", bound="Config")


MOST, MOST_WHOLE = 1e30, 2**31 - 1
"""Of any option: beyond it float32 overflows in a square root of its range, or an index does."""
MOST_OF = {"layers": 1024, "dim": 65_536, "epochs": 10_000_000}
"""Of options that memory or time grows with; of a list, of each of its numbers."""
MOST_SEED = 2**32 - 1


def check_seed(seed: int | None) -> None:
    """Raise ConfigError for a seed that the generators of NumPy and torch do not all take."""
    require(seed is None or 0 <= seed <= MOST_SEED, "seed", f"from 0 to {MOST_SEED:,}", seed)


def require(ok: bool, name: str, rule: str, value: object) -> None:
    """Raise ``ConfigError: <name> must be <rule> (got <value>)`` unless ``ok``."""
    if not ok:
        raise ConfigError(f"{name} must be {rule} (got {value!r})")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Base of all configs. Subclasses add fields with defaults and check them in ``__post_init__``."""

    @classmethod
    def from_options(cls: type[C], options: Mapping[str, Any]) -> C:
        """Build from names and values; text (as from ``--set KEY=VALUE``) is read as the field's type.

        Raises ConfigError for an unknown name, with the nearest known one, and for a value of a wrong type.
        """
        hints = typing.get_type_hints(cls)
        known = [field.name for field in dataclasses.fields(cls)]
        values = {}
        for name, value in options.items():
            if name not in known:
                raise ConfigError(f"unknown option {name!r}{nearest(name, known)}; known: {', '.join(known) or 'none'}")
            values[name] = _read(name, hints[name], value)
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """The fields and their values, as JSON has them: lists for tuples."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}


def _read(name: str, hint: Any, value: Any) -> Any:
    origin, choices = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None or value == "none":
            require(type(None) in choices, name, "given", value)
            return None
        return _read(name, next(c for c in choices if c is not type(None)), value)
    if origin is Literal:
        require(value in choices, name, "one of " + ", ".join(map(str, choices)), value)
        return value
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        require(isinstance(items, list | tuple), name, "a list such as 10,10", value)
        return tuple(_read(name, choices[0], item) for item in items)
    if hint is bool:
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        require(isinstance(value, bool), name, "true or false", value)
        return value
    if hint is str:
        require(isinstance(value, str), name, "text", value)
        return value
    wanted = "a whole number" if hint is int else "a number"
    if isinstance(value, str):
        try:
            number = hint(value)
        except ValueError:
            raise ConfigError(f"{name} must be {wanted} (got {value[:40]!r})") from None
        return _bounded(name, number)
    require(
        isinstance(value, int if hint is int else int | float) and not isinstance(value, bool),
        name,
        wanted,
        value,
    )
    return _bounded(name, value if abs(value) > MOST_WHOLE else hint(value))


def _bounded(name: str, value: Any) -> Any:
    """A number within what any model computes with."""
    if isinstance(value, float):
        require(math.isfinite(value) and abs(value) <= MOST, name, f"a number from {-MOST:g} to {MOST:g}", value)
    else:
        most = MOST_OF.get(name, MOST_WHOLE)
        require(-MOST_WHOLE <= value <= most, name, f"a whole number of at most {most:,}", value)
    return value
