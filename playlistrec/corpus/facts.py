"""A corpus in a line: what its ``repr``, and that of whatever is made of it, says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .corpus import Corpus

__all__ = ["facts"]


def facts(corpus: Corpus) -> str:
    """The numbers of playlists, tracks, artists and entries.

    >>> from playlistrec.corpus.corpus import Corpus
    >>> facts(Corpus.from_lists([["a", "b"], ["b"]]))
    '2 playlists, 2 tracks, 0 artists, 3 entries'
    """
    counts = {
        "playlists": corpus.n_playlists,
        "tracks": corpus.n_tracks,
        "artists": corpus.n_artists,
        "entries": corpus.n_entries,
    }
    return ", ".join(f"{n:,} {name}" for name, n in counts.items())
