"""Every command line in README and the documentation parses: its verb, options and arguments exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from playlistrec.cli.main import VERBS, main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[!r_]*/*.md")]
PAGES += (ROOT / "docs" / "results").glob("*.md")
A_COMMAND = re.compile(r"^\s*(?:\$ )?(?:[A-Z]+=\S+ )*playlistrec (.+)", re.M)
ENDS = (">", "|", "&&", ";", "&")


def commands(text: str) -> Iterator[list[str]]:
    """The words of each, up to a redirection; those with ``…`` or ``$S`` stand for several and are left out."""
    for found in A_COMMAND.finditer(text.replace("\\\n", " ")):
        if "`" in found[1]:
            continue  # a sentence
        words = shlex.split(found[1], comments=True)
        end = next((i for i, word in enumerate(words) if word in ENDS), len(words))
        if words[0] in VERBS and not any("…" in word or word.startswith(("$", "[")) for word in words[:end]):
            yield words[:end]


def parse(words: list[str]) -> None:
    """Raise a UsageError of click where a word is not known, or one is missing."""
    command: click.Command | None = main
    while isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(click.Context(command), name)
        assert command is not None, name
    assert command is not None
    if "--help" not in words:
        command.make_context("", words).close()


def fault(words: list[str]) -> str | None:
    try:
        parse(words)
    except click.ClickException as error:
        return error.format_message()
    return None


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_parse(page: Path) -> None:
    wrong = {shlex.join(words): said for words in commands(page.read_text()) if (said := fault(words))}
    assert not wrong


def test_commands_are_found_and_a_wrong_one_fails() -> None:
    text = "    playlistrec fit d -m mf \\\n      -o r > log\n\n$ A=1 playlistrec stats d  # counts\nplaylistrec `a`"
    assert list(commands(text)) == [["fit", "d", "-m", "mf", "-o", "r"], ["stats", "d"]]
    with pytest.raises(click.NoSuchOption):
        parse(["evaluate", "run", "--metric", "hit"])
    assert sum(len(list(commands(page.read_text()))) for page in PAGES) > 200
