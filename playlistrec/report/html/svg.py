"""A panel as SVG that stands in a page: small, in the page's colours, with ids of its own."""

from __future__ import annotations

import re
from html import escape
from io import StringIO

from ..plots.figure import INK, PAPER, Panel
from ..plots.style import rendered

__all__ = ["Marks", "inline"]

Marks = list[tuple[float, float, str]]
"""Of each annotation the place in the coordinates of the SVG, and its text."""


def inline(panel: Panel, name: str) -> tuple[str, Marks]:
    """The SVG element of a panel and the places of its annotations.

    Args:
        name: begins all ids, so that panels of one page do not share them.
    """
    with rendered([panel]) as (mpl_figure, ((axes, annotations),)):
        buffer = StringIO()
        mpl_figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        height = mpl_figure.bbox.height
        places = axes.transData.transform([(a.x, a.y) for a in annotations]).tolist() if annotations else []
    marks = [(round(x, 1), round(height - y, 1), a.text) for (x, y), a in zip(places, annotations)]
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(\b(?:d|x|y|transform|viewBox)=")([^"]*)"', lambda m: f'{m[1]}{_rounded(m[2])}"', text)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r">\s+<", "><", text)
    box = re.search(r'viewBox="([^"]*)"', text)
    assert box is not None, "matplotlib writes a view box"
    head = f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(panel.alt)}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    text = re.sub(r"^<svg[^>]*>", lambda _: head, text)
    return text.replace(INK, "currentColor").replace(PAPER, "var(--page)"), marks


def _rounded(numbers: str) -> str:
    """Numbers to a hundredth of a point, line breaks to spaces."""
    short = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return re.sub(r"\s+", " ", short).strip()
