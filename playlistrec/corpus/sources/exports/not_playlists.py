"""The error for a file that may be sound but holds no playlists."""

from __future__ import annotations

from ....errors import DataError

__all__ = ["NotPlaylists"]


class NotPlaylists(DataError):
    """A file that lists no tracks: among others it is passed over, alone it is an error."""
