"""Files and folders: the one room that writes. Each appears whole or not at all; what is read is checked first."""

from __future__ import annotations

from .arrays import read_arrays, read_npz
from .files import (
    Arrays,
    json_text,
    make_folder,
    parse_toml,
    read_toml,
    refused,
    toml_text,
    write_arrays,
    write_file,
    write_json,
    write_json_lines,
    write_npz,
)
from .folders import FolderKind, add_files, check_replaceable, new_folder, remove_ours
from .locks import locked, locked_file
from .reading import OpenFolder, checksum, checksums, open_file, parse_json, read_folder, read_json

__all__ = [
    "Arrays",
    "FolderKind",
    "OpenFolder",
    "add_files",
    "check_replaceable",
    "checksum",
    "checksums",
    "json_text",
    "locked",
    "locked_file",
    "make_folder",
    "new_folder",
    "open_file",
    "parse_json",
    "parse_toml",
    "read_arrays",
    "read_folder",
    "read_json",
    "read_npz",
    "read_toml",
    "refused",
    "remove_ours",
    "toml_text",
    "write_arrays",
    "write_file",
    "write_json",
    "write_json_lines",
    "write_npz",
]
