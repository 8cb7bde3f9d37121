"""A folder of some kind, for the tests of how folders are written; imports little, for processes that are killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playlistrec.storage import FolderKind, new_folder, write_file, write_json

KIND = FolderKind("a box", "box.json", "playlistrec box")


def make(out: Path, content: str, **how: Any) -> None:
    with new_folder(out, KIND, **how) as folder:
        write_file(folder / "a.txt", content)
        (folder / "sub").mkdir()
        write_file(folder / "sub" / "b.txt", content)
        write_json(folder / "box.json", {"type": KIND.marker, "files": {"a.txt": "", "sub/b.txt": ""}})
