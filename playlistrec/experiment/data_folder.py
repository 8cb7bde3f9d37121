"""The data folder: by what it is known, and what its manifest must say before any of its files is opened."""

from __future__ import annotations

import re
from typing import Any

from ..corpus.files import FILES
from ..corpus.songs import FILES as SONGS
from ..errors import DataError
from ..storage import FolderKind, OpenFolder, read_json

__all__ = ["DATA", "FORMAT_VERSION", "KNOWN", "OWN", "read_manifest"]

FORMAT_VERSION = 1
ALWAYS = (*FILES, "split.npz")
KNOWN = (*ALWAYS, *SONGS)
OWN = "own"
"""The run that `recommend` fits to all of a data folder, and keeps in it."""

OWN_FILES = r"own/(run\.json|config\.toml|MODEL\.md|weights\.npz|checkpoint\.npz|history\.jsonl|timing\.jsonl)"
DATA = FolderKind("a data folder", "manifest.json", "playlistrec data", names=(*map(re.escape, KNOWN), OWN_FILES))


def read_manifest(folder: OpenFolder) -> dict[str, Any]:
    """The manifest of a data folder. Raises DataError where it is missing, damaged or of another version.

    It may name files of the folder alone: a name that is a path could be any file of the machine.
    """
    if not folder.has(DATA.manifest):
        raise DataError(f"{folder.path} is not a data folder: manifest.json is missing")
    name = f"{folder.path}/{DATA.manifest}"
    manifest = read_json(folder.open(DATA.manifest), name, DataError)
    if manifest.get("format") != FORMAT_VERSION:
        raise DataError(
            f"{folder.path} has format {manifest.get('format')!r}, this version reads {FORMAT_VERSION}: "
            "preprocess the source again"
        )
    kinds: dict[str, type] = {"files": dict, "counts": dict, "options": dict, "read": dict, "vocabulary": str}
    for key, kind in kinds.items():
        if not isinstance(manifest.get(key), kind):
            raise DataError(f"{name} is damaged: {key} must be {_WORDS[kind]} (got {manifest.get(key)!r:.60})")
    for file, digest in manifest["files"].items():
        if file not in KNOWN or not isinstance(digest, str):
            raise DataError(f"{name} is damaged: files must be checksums of {', '.join(KNOWN)} (got {file[:60]!r})")
    for file in ALWAYS:
        if file not in manifest["files"]:
            raise DataError(f"{name} is damaged: files must have the checksum of {file}")
    return manifest


_WORDS: dict[type, str] = {dict: "an object", str: "text"}
