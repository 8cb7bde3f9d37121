"""Maps of chosen artists and their tracks in two dimensions, and the purity of the artists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...corpus.corpus import Corpus, Ints
from ...errors import ConfigError, DataError
from ...serving.lookup.artists import ArtistIndex

__all__ = ["Chosen", "chance", "choose", "pca", "purity", "tsne"]

Floats = npt.NDArray[np.floating]

N_ARTISTS = 7
"""Artists on a map where none are named: as many as there are colours."""

TRACKS = 40
"""Tracks of one artist at most, the most popular: enough to see a cloud, few enough to point at one."""

FEWEST = 5
"""Tracks that an artist chosen for popularity has at least."""

NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class Chosen:
    """The artists of a map and their tracks.

    Attributes:
        artists: rows of the corpus' artists, the most popular first.
        names: what they are called.
        tracks: (n,) rows of the tracks.
        labels: (n,) for each track the place of its artist in ``artists``.
    """

    artists: list[int]
    names: list[str]
    tracks: Ints
    labels: Ints


def choose(corpus: Corpus, popularity: Ints, names: Sequence[str] = ()) -> Chosen:
    """The artists of these names, or the most popular that have a few tracks, and their most popular tracks.

    Args:
        popularity: (n_tracks,) pairs of each track in the training data; a track without any is left out.

    Raises:
        DataError: an artist of this name is not in the data, or no artist has enough tracks for a map.
    """
    artist = corpus.track_artist
    seen = (artist >= 0) & (popularity > 0)
    if names:
        index = ArtistIndex(corpus)
        chosen = list(dict.fromkeys(index.one(name, popularity)[0] for name in names))
    else:
        weight = np.bincount(artist[seen], popularity[seen], minlength=corpus.n_artists)
        sizes = np.bincount(artist[seen], minlength=corpus.n_artists)
        chosen = np.argsort(-np.where(sizes >= FEWEST, weight, 0), kind="stable")[:N_ARTISTS].tolist()
        chosen = [row for row in chosen if sizes[row] >= FEWEST]
    tracks = [np.flatnonzero(seen & (artist == row)) for row in chosen]
    tracks = [rows[np.argsort(-popularity[rows], kind="stable")[:TRACKS]] for rows in tracks]
    if sum(map(len, tracks)) < FEWEST:
        raise DataError("a map needs artists with tracks in the training data: there are too few here")
    return Chosen(
        chosen,
        corpus.artists["name"].take(chosen).to_pylist(),
        np.concatenate(tracks),
        np.repeat(np.arange(len(chosen)), [len(rows) for rows in tracks]),
    )


def purity(vectors: Floats, labels: Ints, k: int = NEIGHBOURS) -> float:
    """Share of a track's ``k`` nearest by cosine that are by its own artist, mean over the tracks.

    A track whose artist has only m others here counts its m nearest; one without others does not count.

    >>> purity(np.array([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]]), np.array([0, 0, 1, 1]))
    1.0
    """
    unit = _unit(vectors)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    same = labels[np.argsort(-alike, axis=1, kind="stable")] == labels[:, None]
    depth = np.minimum(k, np.bincount(labels)[labels] - 1)
    first = np.arange(len(labels)) < depth[:, None]
    return float(((same & first).sum(1)[depth > 0] / depth[depth > 0]).mean())


def chance(labels: Ints) -> float:
    """The expected value of :func:`purity` if vectors are independent of the artist."""
    others = np.bincount(labels)[labels] - 1
    return float((others[others > 0] / (len(labels) - 1)).mean())


def with_artists(vectors: Floats, labels: Ints) -> Floats:
    """The tracks' vectors brought to length 1, and below them the artists': each the mean of its tracks' here."""
    unit = _unit(vectors)
    means = np.stack([unit[labels == label].mean(0) for label in range(labels.max() + 1)])
    return np.concatenate([unit, means])


def pca(vectors: Floats) -> tuple[Floats, float]:
    """(n, 2) the principal components, and the share of the variance that they keep."""
    centred = vectors - vectors.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    total = float((values**2).sum())
    places = left[:, :2] * values[:2]
    places = places * np.where(places[np.abs(places).argmax(0), [0, 1]] < 0, -1, 1)  # the sign is anybody's choice
    return places, float((values[:2] ** 2).sum()) / total if total else 0.0


def tsne(vectors: Floats, seed: int = 0) -> Floats:
    """(n, 2) by t-SNE with cosine distances, begun from the principal components (van der Maaten & Hinton 2008).

    Raises ConfigError where openTSNE is missing.
    """
    try:
        from openTSNE import TSNE  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigError("a t-SNE map needs the package openTSNE: pip install 'playlistrec[plots]'") from None
    perplexity = max(2.0, min(30.0, (len(vectors) - 1) / 3))
    model = TSNE(
        perplexity=perplexity,
        metric="cosine",
        neighbors="exact",
        negative_gradient_method="bh",
        early_exaggeration_iter=150,
        n_iter=350,  # enough for some hundred points
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(model.fit(np.ascontiguousarray(vectors, dtype=np.float64)))


def _unit(vectors: Floats) -> Floats:
    long = np.asarray(vectors, dtype=np.float64)
    unit: Floats = long / np.maximum(np.linalg.norm(long, axis=1, keepdims=True), 1e-12)
    return unit
