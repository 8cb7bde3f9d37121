"""Mutations of valid inputs, the same for the same seed."""

from __future__ import annotations

import os
import random

__all__ = ["CASES", "mutated"]

CASES = int(os.environ.get("FUZZ_CASES", "200"))
"""Cases of each reader; set FUZZ_CASES for any other number."""
TOKENS = (
    *(b"-1", b"0", b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""', b"9" * 30, b"2147483648", b"\x00"),
    *(
        b"\x1b[2J",
        b"\n",
        b"\r\n",
        b",",
        b'"',
        b"\xff\xfe",
        b"\xe2\x80\xae",
        b"../../etc/passwd",
        b"/dev/zero",
        b"[" * 500,
    ),
    *(b"a" * 5000, b"\xed\xa0\x80", b"=1+1", b"evil:X", b"\\ud800", b":", b"{", b"}"),
)


def mutated(content: bytes, seed: int) -> bytes:
    """``content`` with one to four changes: bytes flipped, cut, repeated, moved, or replaced by something hostile."""
    dice = random.Random(seed)
    for _ in range(dice.randint(1, 4)):
        at, to = sorted(dice.randrange(len(content) + 1) for _ in range(2))
        kind = dice.randrange(7)
        if kind == 0:
            content = content[:at]
        elif kind == 1:
            content = content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]
        elif kind == 2:
            content = content[:at] + dice.choice(TOKENS) + content[at:]
        elif kind == 3:
            content = content[:at] + dice.choice(TOKENS) + content[min(to, at + dice.randint(1, 30)) :]
        elif kind == 4:
            content = content[:to] + content[at : min(to, at + 2000)] + content[to:]
        elif kind == 5:
            content = content[:at] + content[min(to, at + dice.randint(1, 200)) :]
        else:
            lines = content.split(b"\n")
            dice.shuffle(lines)
            content = b"\n".join(lines)
    return content
