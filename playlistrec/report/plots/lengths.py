"""The lengths of several data sets beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...corpus.corpus import Corpus
from ..analysis.data_facts import at_least, thinned
from .figure import Annotation, Figure, Panel
from .style import curve, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["compared_lengths"]


def compared_lengths(corpora: Mapping[str, Corpus]) -> Figure:
    """The share of the playlists of each data set that have at least so many entries; empty ones are left out."""
    held = {name: corpus.lengths[corpus.lengths > 0] for name, corpus in corpora.items()}

    def draw(axes: Axes) -> Sequence[Annotation]:
        annotations = []
        for index, (name, lengths) in enumerate(held.items()):
            values, share = at_least(lengths)
            few = thinned(len(values), 12)
            kept = np.union1d(thinned(len(values)), few)
            curve(axes, values[kept], share[kept], index, label=name, marks=np.isin(kept, few))
            annotations += [
                Annotation(float(v), float(s), f"{name}: {s:.2%} of the playlists have at least {v:,} entries")
                for v, s in zip(values[few], share[few])
            ]
        axes.set(
            xscale="log", ylim=(0, 1.03), xlabel="entries in a playlist, at least", ylabel="share of the playlists"
        )
        plain_ticks(axes, y=False)
        return annotations

    rows = [
        (
            name,
            len(lengths),
            round(float(lengths.mean()), 1),
            *(round(float(np.percentile(lengths, q))) for q in QUANTILES),
        )
        for name, lengths in held.items()
    ]
    return Figure(
        "lengths",
        "Lengths of the playlists, data set by data set",
        "The share of the playlists that have at least so many entries, repeats included. The further right a curve "
        "falls, the longer the playlists.",
        [
            Panel(
                "Playlists by length",
                draw,
                "Lengths: " + "; ".join(f"{row[0]} {row[1]:,} playlists, median {row[4]:,}" for row in rows) + ".",
                numbers=(("data", "playlists", "mean", *(f"{q} %" for q in QUANTILES)), rows),
            )
        ],
    )


QUANTILES = (10, 50, 90, 99)
