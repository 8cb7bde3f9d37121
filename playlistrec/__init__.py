"""playlistrec: playlists in, the tracks that belong next out."""

from __future__ import annotations

import os

# DGL asks for its backend at import, and otherwise writes a file into the home directory.
os.environ.setdefault("DGLBACKEND", "pytorch")

__version__ = "0.1.0"
