"""Ids between blanks, many lines at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Tokens", "tokens", "tokens_of"]

BLANKS = b" \t\n\v\f\r"
IS_BLANK = np.isin(np.arange(256), np.frombuffer(BLANKS, np.uint8))


class Tokens(NamedTuple):
    """The words between the blanks of some lines.

    Attributes:
        ids: (n,) the tokens of all lines.
        counts: (n_lines,) how many each line has.
        plain: no control character is among them.
    """

    ids: pa.StringArray
    counts: npt.NDArray[np.int64]
    plain: bool


def tokens(text: bytes) -> Tokens:
    r"""Part lines of UTF-8 at ASCII blanks.

    >>> found = tokens(b"1 20\t3\n\n 4 \n5")
    >>> found.ids.to_pylist(), found.counts.tolist()
    (['1', '20', '3', '4', '5'], [3, 0, 1, 1])
    """
    if not text.endswith(b"\n"):
        text += b"\n"
    codes = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(codes <= ord(" "))
    at_ends = codes[ends]
    plain = bool((known := IS_BLANK[at_ends]).all())
    if not plain:
        ends, at_ends = ends[known], at_ends[known]
    lengths = np.diff(ends, prepend=-1) - 1
    there = lengths > 0
    if there.all():
        upto = np.flatnonzero(at_ends == ord("\n")) + 1
    else:
        lengths, upto = lengths[there], np.cumsum(there)[at_ends == ord("\n")]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    ids = pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(text.translate(None, BLANKS)))
    return Tokens(ids, np.diff(upto, prepend=0), plain and b"\x7f" not in text)


def tokens_of(texts: pa.StringArray) -> Tokens:
    r"""The tokens of texts, each as a line.

    >>> tokens_of(pa.array(["a b", "", "c\nd"])).counts.tolist()
    [2, 0, 2]
    """
    if pc.any(pc.match_substring(texts, "\n")).as_py():
        texts = pc.replace_substring(texts, "\n", " ")
    lines = pc.binary_join_element_wise(texts, "", "\n")
    size = int(np.frombuffer(lines.buffers()[1], np.int32)[len(lines)])
    return tokens(lines.buffers()[2].slice(0, size).to_pybytes()) if size else tokens(b"\n" * len(texts))
