"""The inputs of the commands that are killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobs import prepare


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kills")
    prepare(out)
    return out
