"""The readability check of the documentation: `make docs` runs it, and it fails on a page that misses the bar.

    python docs/readability.py [FOLDER or PAGES] [--table]

It judges prose alone: paragraphs and items of lists. It leaves out code, tables, headings and items that begin with a
code span, since those list options. `docs/style.md` states the bar.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import textstat
from markdown_it import MarkdownIt
from markdown_it.token import Token

GRADE = 6.5
"""The highest Flesch-Kincaid grade of a page."""

WORDS = 25
"""The most words of a sentence. A code span, a link and a number are one word each."""

OPENINGS = re.compile(r"(?:That|Those) of |What |Whether |Of ")
"""Beginnings that hide the subject, or need the sentence before."""

SHORTEST = 100
"""A page with fewer words of prose has no grade: a few long terms decide it."""

SKIPPED = ("changelog.md", "templates/*", "templates/results/*", "reference/*")
"""The changelog, docstrings, and templates: the pages that are made of them are read."""

SPLIT = re.compile(r"(?<=[.!?])[\"')*]*\s+(?=[\"'(*]*(?:[A-Z0-9]|\w ))")
ABBREVIATIONS = re.compile(r"\b(al|e\.g|i\.e|vs|eq|cf|section)\.(?=\s)")


@dataclass(frozen=True)
class Page:
    """The prose of a page as its sentences."""

    name: str
    sentences: tuple[str, ...]

    @property
    def words(self) -> int:
        return sum(len(sentence.split()) for sentence in self.sentences)

    @property
    def grade(self) -> float:
        """The Flesch-Kincaid grade: .39 words a sentence + 11.8 syllables a word - 15.59."""
        if not self.sentences:
            return 0.0
        syllables = textstat.syllable_count(" ".join(_plain(sentence) for sentence in self.sentences))
        return 0.39 * self.words / len(self.sentences) + 11.8 * syllables / self.words - 15.59

    def faults(self) -> list[str]:
        """A line for each rule that the page breaks, the worst sentences named."""
        found = []
        if self.words >= SHORTEST and self.grade > GRADE:
            found.append(f"grade {self.grade:.1f}, at most {GRADE:.1f}; its longest sentences:")
            found += [f"  {len(s.split())} words: {s}" for s in sorted(self.sentences, key=_length, reverse=True)[:3]]
        for sentence in self.sentences:
            if _length(sentence) > WORDS:
                found.append(f"{_length(sentence)} words, at most {WORDS}: {sentence}")
            if sentence.count(";") > 1:
                found.append(f"more than one semicolon: {sentence}")
            if opening := OPENINGS.match(sentence):
                found.append(f"begins with {opening[0].strip()!r}: {sentence}")
        return found


def read_page(path: Path, name: str) -> Page:
    """The prose of a page in Markdown."""
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    return Page(name, tuple(sentence for text in _prose(tokens) for sentence in _sentences(text)))


def _prose(tokens: list[Token]) -> Iterator[str]:
    """The text of paragraphs and of items that do not begin with code."""
    for before, token in pairwise(tokens):
        if token.type == "inline" and before.type == "paragraph_open":
            children = [child for child in token.children or [] if child.type != "text" or child.content.strip()]
            if before.level == 0 or not children or children[0].type != "code_inline":
                yield "".join(_text(child) for child in token.children or [])


def _text(token: Token) -> str:
    if token.type == "code_inline":
        return "Code"
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content if token.type == "text" else ""


def _sentences(text: str) -> list[str]:
    text = ABBREVIATIONS.sub(r"\1", text)
    return [sentence.strip() for sentence in SPLIT.split(text) if re.search(r"\w", sentence)]


def _plain(sentence: str) -> str:
    """The words alone; a number is one syllable."""
    return re.sub(r"[^\w\s'-]", "", re.sub(r"[-.]?\d[\d.,:/]*", "one", sentence))


def _length(sentence: str) -> int:
    return len(sentence.split())


def find_pages(paths: list[Path]) -> list[Page]:
    """The pages of files and folders, in order; of a folder those that somebody writes by hand."""
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(page.relative_to(path) for page in path.rglob("*.md"))
            kept = [page for page in inside if not any(page.match(skipped) for skipped in SKIPPED)]
            found += [read_page(path / page, str(page)) for page in kept]
        else:
            found.append(read_page(path, str(path)))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check that the pages of the documentation read easily.")
    docs = Path(__file__).parent
    parser.add_argument(
        "paths", nargs="*", type=Path, default=[docs, docs.parent / "README.md"], help="pages or folders"
    )
    parser.add_argument("--table", action="store_true", help="print words, grade and faults of each page")
    asked = parser.parse_args(arguments)
    pages = find_pages(asked.paths)
    faults = {page.name: page.faults() for page in pages}
    if asked.table:
        for page in pages:
            longest = max(map(_length, page.sentences), default=0)
            row = f"{page.name:32} {page.words:6} {page.grade:5.1f} {longest:4} {len(faults[page.name]):4}"
            sys.stdout.write(row + "\n")
    for name, lines in faults.items():
        for line in lines:
            sys.stderr.write(f"{name}: {line}\n")
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
