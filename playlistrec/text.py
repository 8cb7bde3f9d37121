"""One rule for text that somebody else wrote: what an id may hold, and how a name is shown."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["CONTROL", "NOT_IN_IDS", "brief", "csv_cell", "escaped_json", "markdown_cell", "shown"]

NOT_IN_IDS = r"[\x00-\x1f\x7f-\x9f\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}]|^\s*$"
"""For RE2: control characters, line breaks and changes of direction, and nothing but blanks."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a terminal acts on, that break a line, turn the direction of text, or are no text in UTF-8."""
LONGEST = 2000
"""Characters of a message."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown(text: str, keep: str = "") -> str:
    """Text for a person to read: each control character is a visible ``\N{REPLACEMENT CHARACTER}``.

    Args:
        keep: characters that stay, such as the line breaks of several lines.

    >>> shown("a\\x1b[2Jb\\nc")
    'a\ufffd[2Jb\ufffdc'
    """
    return CONTROL.sub(lambda match: match[0] if match[0] in keep else "\ufffd", text)


def brief(text: str) -> str:
    """A message without the middle of what is longer than anybody reads, such as a line that is no name.

    >>> brief("x" * 5000)[598:605], len(brief("x" * 5000))
    ('xx … xx', 1003)
    """
    return text if len(text) <= LONGEST else f"{text[:600]} … {text[-400:]}"


def csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one stands behind an apostrophe.

    >>> csv_cell("=1+1"), csv_cell(-1.5)
    ("'=1+1", -1.5)
    """
    if not isinstance(value, str):
        return value
    return f"'{shown(value)}" if value.lstrip().startswith(FORMULA) or value.startswith(FORMULA) else shown(value)


def markdown_cell(text: str) -> str:
    """Text within a table, or a line, of Markdown: nothing in it is markup.

    >>> markdown_cell("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    plain = shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", plain)


def escaped_json(text: str) -> str:
    """JSON in which control characters, and what is no UTF-8, are escapes; its line breaks between values stay."""
    return CONTROL.sub(lambda match: match[0] if match[0] in "\n\t" else f"\\u{ord(match[0]):04x}", text)
