"""Calling a command in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from playlistrec.cli.main import main


def call(*arguments: object, code: int = 0) -> Result:
    """What a command printed; it must end with the exit code ``code``."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result
