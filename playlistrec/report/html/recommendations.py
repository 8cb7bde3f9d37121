"""What runs recommend for a few playlists, as a section of the report."""

from __future__ import annotations

from html import escape

import numpy as np

from ..analysis.examples import asked
from ..analysis.inputs import ReportInputs
from .page import Html, note

__all__ = ["recommendations"]

MOST_SEEDS = 12
"""Seeds of a playlist that are named."""


def recommendations(material: ReportInputs) -> Html:
    """The section: a card for each playlist, a list for each run."""
    corpus = material.data.corpus
    titled = any(title.strip() for title in material.evaluation_set.titles or ())
    drawn = "drawn at random" + (" among those with a title" if titled else "")
    how = "chosen by their pids" if material.playlists else drawn
    shown = [note(f"Playlists {how}. ✓ marks tracks that were hidden, and so were to be found.")]
    hit = '<li class="hit">{} <span class="unseen">(hit)</span></li>'
    for at, example in enumerate(asked(material.evaluation_set, corpus, material.examples)):
        title = f"“{example.title}”" if example.title else "Without a title"
        seeds = list(dict.fromkeys(example.seeds.tolist()))
        more = f", and {len(seeds) - MOST_SEEDS:,} more" if len(seeds) > MOST_SEEDS else ""
        lists = []
        for name in material.folders:
            tracks = [track for track in material.recommended(name)[at].tolist() if track >= 0]
            hits = set(example.truth.tolist())
            items = "".join(
                (hit if track in hits else "<li>{}</li>").format(text)
                for track, text in zip(tracks, _tracks(material, tracks))
            )
            found = sum(track in hits for track in tracks)
            lists.append(f"<div><h4>{escape(name)}: {found} of {len(tracks)}</h4><ol>{items}</ol></div>")
        shown.append(
            f'<article class="playlist"><h3>{escape(title)}</h3>'
            f"<p>Playlist {escape(example.pid)}, {len(seeds):,} tracks shown, {len(example.truth):,} hidden.</p>"
            f"<p>Seeds: {'; '.join(_tracks(material, seeds[:MOST_SEEDS]))}{more}.</p>"
            f'<div class="lists">{"".join(lists)}</div></article>'
        )
    return "".join(shown)


def _tracks(material: ReportInputs, tracks: list[int]) -> list[str]:
    """Tracks in HTML: title and, softer, artist."""
    return [
        escape(row["track_name"] or row["track_uri"] or "")
        + (f' <span class="artist">{escape(row["artist_name"])}</span>' if row["artist_name"] else "")
        for row in material.data.corpus.describe(np.array(tracks))
    ]
