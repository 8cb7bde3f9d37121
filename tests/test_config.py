"""Configs refuse what they do not know, and read text as the field's type."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from typing import Literal

import pytest

from playlistrec.config import Config, require
from playlistrec.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Example(Config):
    layers: int = 3
    lr: float = 0.1
    artists: bool = False
    name: str = "x"
    kind: Literal["mean", "max"] = "mean"
    neighbours: int | None = None
    fanouts: tuple[int, ...] = (10, 10)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("layers", "4", 4),
        ("layers", 4, 4),
        ("lr", "1e-3", 1e-3),
        ("lr", 1, 1.0),
        ("artists", "true", True),
        ("artists", "False", False),
        ("artists", True, True),
        ("name", "a b", "a b"),
        ("kind", "max", "max"),
        ("neighbours", "20", 20),
        ("neighbours", "none", None),
        ("neighbours", None, None),
        ("fanouts", "5,-1", (5, -1)),
        ("fanouts", [5, 6], (5, 6)),
    ],
)
def test_values_are_read(name: str, text: object, value: object) -> None:
    read = getattr(Example.from_options({name: text}), name)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": 4}, r"unknown option 'layer' \(did you mean 'layers'\?\)"),
        ({"zzz": 4}, r"unknown option 'zzz'; known: layers, lr"),
        ({"layers": "many"}, r"layers must be a whole number \(got 'many'\)"),
        ({"layers": 2.5}, r"layers must be a whole number \(got 2\.5\)"),
        ({"layers": True}, r"layers must be a whole number \(got True\)"),
        ({"layers": "none"}, r"layers must be a whole number"),
        ({"lr": "fast"}, r"lr must be a number \(got 'fast'\)"),
        ({"artists": "yes"}, r"artists must be true or false \(got 'yes'\)"),
        ({"kind": "sum"}, r"kind must be one of mean, max \(got 'sum'\)"),
        ({"name": 3}, r"name must be text \(got 3\)"),
        ({"fanouts": 3}, r"fanouts must be a list such as 10,10 \(got 3\)"),
    ],
)
def test_what_cannot_be_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Example.from_options(options)


def test_configs_are_frozen_and_round_trip() -> None:
    config = Example(layers=2)
    with pytest.raises(FrozenInstanceError):
        config.layers = 3  # type: ignore[misc]
    assert Example.from_options(config.as_dict()) == config
    with pytest.raises(ConfigError, match=r"k_core must be at least 0 \(got -3\)"):
        require(False, "k_core", "at least 0", -3)
