"""``playlistrec doctor``"""

from __future__ import annotations

import sys

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, as_json: bool) -> None:
    """Show the versions found, whether DGL imports and torch sees a GPU, and what to install where it is missing.

    \b
    playlistrec doctor
    """
    from .environment import examine

    findings = examine()
    if as_json:
        screen.json({"ok": all(f.ok for f in findings), "findings": [vars(f) for f in findings]})
    else:
        screen.table([("ok" if f.ok else "OFF", f.what, f.found) for f in findings], ["", "what", "found"])
        for finding in findings:
            if finding.advice:  # on a line of its own, so that a command can be copied
                screen.line(f"\n{finding.what}:\n  {finding.advice}")
    if not all(finding.ok for finding in findings):
        sys.exit(1)
