"""Errors of msgspec in words for a person."""

from __future__ import annotations

import re

__all__ = ["in_words"]

KINDS = {
    "str": "text",
    "int": "a whole number",
    "object": "an object",
    "array": "a list",
    "float": "a number",
}


def in_words(error: str, whole: str) -> str:
    """msgspec's account of a wrong value, such as ``Expected `int`, got `str` - at `$.pid```, in words."""
    rule, _, path = error.partition(" - at `$")
    names = [
        f"{name.removesuffix('s')} {int(index) + 1}" if index else name
        for name, index in re.findall(r"\.(\w+)(?:\[(\d+)\])?", path)
    ]
    if missing := re.search(r"missing required field `(\w+)`", rule):
        return ", ".join([*names, f"field {missing[1]} is missing"])
    where = ", ".join([*names[:-1], f"field {names[-1]}" if names else whole])
    if size := re.search(r"`array` of (at \w+ )?length (\d+)", rule):
        return f"{where if path else 'a list in it'} must be a list of {size[1] or ''}{size[2]}"
    if ">= 1" in rule:
        return f"{where} is empty"
    if enum := re.search(r"Invalid enum value '(.{0,40})", rule):
        return f"{where} must be the text true or false (got {enum[1].removesuffix(chr(39))})"
    if types := re.search(r"Expected `(.+?)`, got `(\w+)`", rule):
        wanted = " or ".join(KINDS.get(kind, kind) for kind in types[1].split(" | "))
        return f"{where} must be {wanted} (got {KINDS.get(types[2], types[2])})"
    return f"{where} is out of range"
