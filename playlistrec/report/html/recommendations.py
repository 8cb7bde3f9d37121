"""A section of the report: the recommendations of runs for a few playlists."""

from __future__ import annotations

from html import escape

import numpy as np

from ..analysis.examples import examples
from ..analysis.inputs import ReportInputs
from .page import Html, note

__all__ = ["recommendations"]

MOST_SEEDS = 12
"""Seeds of a playlist that are named."""


def recommendations(inputs: ReportInputs) -> Html:
    """The section: a card for each playlist, a list for each run."""
    corpus = inputs.data.corpus
    titled = any(title.strip() for title in inputs.evaluation_set.titles or ())
    drawn = "drawn at random" + (" among those with a title" if titled else "")
    how = "chosen by their pids" if inputs.playlists else drawn
    shown = [note(f"Playlists {how}. ✓ marks tracks that were hidden, and so were to be found.")]
    hit = '<li class="hit">{} <span class="unseen">(hit)</span></li>'
    for at, example in enumerate(examples(inputs.evaluation_set, corpus, inputs.examples)):
        title = f"“{example.title}”" if example.title else "Without a title"
        seeds = list(dict.fromkeys(example.seeds.tolist()))
        more = f", and {len(seeds) - MOST_SEEDS:,} more" if len(seeds) > MOST_SEEDS else ""
        lists = []
        for name in inputs.folders:
            tracks = [track for track in inputs.recommended(name)[at].tolist() if track >= 0]
            hits = set(example.truth.tolist())
            items = "".join(
                (hit if track in hits else "<li>{}</li>").format(text)
                for track, text in zip(tracks, _tracks(inputs, tracks))
            )
            found = sum(track in hits for track in tracks)
            lists.append(f"<div><h4>{escape(name)}: {found} of {len(tracks)}</h4><ol>{items}</ol></div>")
        shown.append(
            f'<article class="playlist"><h3>{escape(title)}</h3>'
            f"<p>Playlist {escape(example.pid)}, {len(seeds):,} tracks shown, {len(example.truth):,} hidden.</p>"
            f"<p>Seeds: {'; '.join(_tracks(inputs, seeds[:MOST_SEEDS]))}{more}.</p>"
            f'<div class="lists">{"".join(lists)}</div></article>'
        )
    return "".join(shown)


def _tracks(inputs: ReportInputs, tracks: list[int]) -> list[str]:
    """Tracks in HTML: title and, softer, artist."""
    return [
        escape(row["track_name"] or row["track_uri"] or "")
        + (f' <span class="artist">{escape(row["artist_name"])}</span>' if row["artist_name"] else "")
        for row in inputs.data.corpus.describe(np.array(tracks))
    ]
