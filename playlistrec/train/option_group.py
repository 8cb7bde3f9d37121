"""The base of groups of options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ..config import Config, require

__all__ = ["OptionGroup"]


@dataclass(frozen=True, kw_only=True)
class OptionGroup(Config):
    """Options with one owner, which check their own numbers."""

    AT_LEAST_1: ClassVar[tuple[str, ...]] = ()
    AT_LEAST_0: ClassVar[tuple[str, ...]] = ()
    ABOVE_0: ClassVar[tuple[str, ...]] = ()
    SHARES: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for group in type(self).__mro__:
            if issubclass(group, OptionGroup):
                self._check(group)

    def _check(self, group: type[OptionGroup]) -> None:
        rules: tuple[tuple[tuple[str, ...], str, Callable[[float], bool]], ...] = (
            (group.AT_LEAST_1, "at least 1", lambda value: value >= 1),
            (group.AT_LEAST_0, "at least 0", lambda value: value >= 0),
            (group.ABOVE_0, "above 0", lambda value: value > 0),
            (group.SHARES, "above 0 and at most 1", lambda value: 0 < value <= 1),
        )
        for names, rule, holds in rules:
            for name in names:
                require(holds(getattr(self, name)), name, rule, getattr(self, name))
