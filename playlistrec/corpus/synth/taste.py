"""Drawing playlists from hidden tastes: genre, scene, artist and track, all as integer keys.

The catalogue is not listed anywhere. An artist is a rank in a scene and a track a rank in its artist's work, and
ranks fall off as power laws; so, as in the genuine dataset, most tracks occur once and the number of distinct ones
keeps growing with the number of playlists. The constants were fitted to the statistics of genuine samples that
``tests/corpus/test_synth.py`` lists.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..corpus import Mask

__all__ = ["Drawn", "Keys", "album_of", "artist_of", "draw", "draw_followers", "draw_lengths", "rank_of"]

Keys = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

GENRES, SCENES, ARTISTS, TRACKS = 24, 4, 1 << 18, 1 << 12
"""Genres, scenes of a genre; artists of a genre (every fourth is of one scene), tracks of an artist, at most."""
GENRE_SLOPE = 0.56
"""Popularity of a genre is ``rank ** -slope``."""
TWO_TASTES = 0.58
"""Playlists that mix two tastes, the first for half or more of the artists."""
WIDTH = (2.0, 1.0)
"""Temperature: the share of a playlist's artists from the whole genre rather than its scene, Kumaraswamy(a, b)."""
ARTIST_LAW = (0.82, 7.8)
"""Popularity of an artist in its genre: a Lomax law (exponent, scale) of its rank."""
WORK_LAW, WORK_DECAY = (1.6, 6.7), 0.35
"""Popularity of a track: a Lomax law, its scale shrinking as ``(1 + rank / scale) ** -decay`` of the artist's rank."""
REUSE, FOCUSED, RUN = (0.54, 2.0), 0.085, 0.82
"""Chance that an entry takes up an artist of its playlist: Kumaraswamy(a, b), but above 0.8 for the focused share
of playlists; and the chance that this is the artist just before."""
REPEATING, REPEATS = 0.72, 0.0165
"""Playlists that may repeat tracks, and the share of all rows that do."""

SPREAD = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
LENGTHS = (4.5, 16, 26, 50, 91, 149, 230, 250.4)
LENGTHS_FOLLOWED = (4.5, 21, 43, 87, 145, 200, 242, 250.4)
"""Quantiles of the number of tracks at ``SPREAD``; below, of playlists with ten followers or more."""
FOLLOWERS = ((1, 2, 3, 5, 10, 16, 113, 2_468, 60_000), (1, 0.25, 0.12, 0.06, 0.028, 0.014, 0.0028, 0.00028, 1e-6))
"""Numbers of followers, and the share of playlists that have at least as many."""


class Drawn(NamedTuple):
    """Playlists as keys: ``lengths`` (n,) and main ``genre`` (n,), then the ``track`` (n_entries,) of each entry."""

    lengths: Keys
    genre: Keys
    track: Keys


def artist_of(works: Keys) -> Keys:
    """The artist key of track or album keys."""
    return works // TRACKS


def rank_of(tracks: Keys) -> Keys:
    """The rank of tracks in the work of their artists, 0 the best known."""
    return tracks % TRACKS


def album_of(tracks: Keys) -> Keys:
    """The album key of track keys: four tracks of neighbouring rank."""
    return tracks - rank_of(tracks) + rank_of(tracks) // 4


def draw_followers(n: int, random: np.random.Generator) -> Keys:
    """(n,) numbers of followers, at least 1."""
    at_least, share = np.log(FOLLOWERS)
    return _whole(np.exp(np.interp(np.log1p(-random.random(n)), share[::-1], at_least[::-1])))


def draw_lengths(followers: Keys, random: np.random.Generator) -> Keys:
    """(n,) numbers of tracks, 5 to 250, more where there are followers.

    Stratified: each n-th of the distribution gives one, so that a few playlists too are spread like many.
    """
    u = (np.argsort(random.random(len(followers))) + random.random(len(followers))) / len(followers)
    short, long = (np.exp(np.interp(u, SPREAD, np.log(q))) for q in (LENGTHS, LENGTHS_FOLLOWED))
    return _whole(np.rint(np.where(followers < 10, short, long)))


def draw(lengths: Keys, random: np.random.Generator) -> Drawn:
    """Draw playlists of the given lengths (n,), each at least 5; every one has three artists or more."""
    n = len(lengths)
    every = np.repeat(np.arange(n), lengths)
    rate = np.where(random.random(n) < REPEATING, -np.log1p(-random.random(n)) * REPEATS / REPEATING, 0.0)
    place = _places(every, n)
    source = _follow(random.random(len(every)) < rate[every] * (place >= 3), _earlier(place, random))
    own = np.flatnonzero(source == np.arange(len(every)))

    rows = every[own]
    tastes = _Tastes.draw(n, random)
    artists = _draw_artists(rows, n, tastes, random)
    tracks = artists * TRACKS + _ranks_of_work(artists, 1.0, random)
    heat = 1.0
    while (again := np.flatnonzero(_repeats(rows, tracks))).size:
        heat *= 1.2  # ever further down the artist's work, so that an end is certain
        tracks[again] = artists[again] * TRACKS + _ranks_of_work(artists[again], heat, random)
    slot = np.zeros(len(every), dtype=np.int64)
    slot[own] = np.arange(len(own))
    return Drawn(lengths, tastes.genre[:, 0], tracks[slot[source]])


class _Tastes(NamedTuple):
    """The hidden tastes of playlists: two genres and scenes (n, 2), shares of the first and of any scene (n,)."""

    genre: Keys
    scene: Keys
    first: Floats
    width: Floats

    @classmethod
    def draw(cls, n: int, random: np.random.Generator) -> _Tastes:
        genre = _zipf(random.random((n, 2)), GENRES, GENRE_SLOPE)
        scene = (random.random((n, 2)) * SCENES).astype(np.int64)
        first = np.where(random.random(n) < TWO_TASTES, 0.5 + 0.5 * random.random(n), 1.0)
        return cls(genre, scene, first, _kumaraswamy(random.random(n), *WIDTH))

    def artists(self, rows: Keys, random: np.random.Generator) -> Keys:
        """An artist for each of the playlists ``rows`` (m,)."""
        u = random.random((3, len(rows)))
        which = (u[0] >= self.first[rows]).astype(np.int64)
        exponent, scale = ARTIST_LAW
        anyone = _lomax(u[2], exponent, scale, ARTISTS)
        insider = _lomax(u[2], exponent, scale / SCENES, ARTISTS // SCENES) * SCENES + self.scene[rows, which]
        artists: Keys = self.genre[rows, which] * ARTISTS + np.where(u[1] < self.width[rows], anyone, insider)
        return artists


def _draw_artists(rows: Keys, n: int, tastes: _Tastes, random: np.random.Generator) -> Keys:
    """(m,) an artist for each entry, most of them new to the playlist, the others taken up from before.

    A new one becomes popular within its playlist by being copied at random (Simon 1955, "On a class of skew
    distribution functions").
    """
    reuse = _kumaraswamy(random.random(n), *REUSE)
    reuse = np.where(random.random(n) < FOCUSED, 0.8 + 0.2 * random.random(n), reuse)
    place, m = _places(rows, n), len(rows)
    before = np.where(random.random(m) < RUN, np.arange(m) - 1, _earlier(place, random))
    origin = _follow((random.random(m) < reuse[rows]) & (place > 0), before)
    new = np.flatnonzero(origin == np.arange(m))
    artists = np.zeros(m, dtype=np.int64)
    artists[new] = tastes.artists(rows[new], random)
    for _ in range(2):
        known = new[_repeats(rows[new], artists[new])]
        artists[known] = tastes.artists(rows[known], random)
    artists = artists[origin]
    while True:
        distinct = np.bincount(rows[~_repeats(rows, artists)], minlength=n)
        few = np.flatnonzero((distinct < 3)[rows] & (random.random(m) * (place + 1) < 1))
        if not (distinct < 3).any():
            return artists
        artists[few] = tastes.artists(rows[few], random)


def _ranks_of_work(artists: Keys, heat: float, random: np.random.Generator) -> Keys:
    exponent, scale = WORK_LAW
    decline = (1 + artists % ARTISTS / ARTIST_LAW[1]) ** -WORK_DECAY
    return _lomax(random.random(len(artists)), exponent / heat, scale * decline, TRACKS)


def _places(rows: Keys, n: int) -> Keys:
    """(m,) the place, from 0, of each entry in its playlist."""
    lengths = np.bincount(rows, minlength=n)
    return np.arange(len(rows)) - (np.cumsum(lengths) - lengths)[rows]


def _earlier(place: Keys, random: np.random.Generator) -> Keys:
    """(m,) for each entry a random one before it in its playlist; itself for the first."""
    return np.arange(len(place)) - place + (random.random(len(place)) * place).astype(np.int64)


def _follow(again: Mask, before: Keys) -> Keys:
    """(m,) the entry where each one's chain of ``before`` ends: the first that is not ``again``."""
    origin = np.where(again, before, np.arange(len(before)))
    while (origin[origin] != origin).any():
        origin = origin[origin]
    return origin


def _repeats(rows: Keys, values: Keys) -> Mask:
    """(m,) whether a playlist has had the value before."""
    pairs = rows * (GENRES * ARTISTS * TRACKS) + values
    order = np.argsort(pairs, kind="stable")
    repeats = np.zeros(len(pairs), dtype=bool)
    repeats[order[1:]] = pairs[order[1:]] == pairs[order[:-1]]
    return repeats


def _zipf(u: Floats, n: int, slope: float) -> Keys:
    """Ranks 0..n-1 with chances falling as ``(rank + 1) ** -slope``, from uniform numbers."""
    ends = np.cumsum(np.arange(1.0, n + 1) ** -slope)
    ranks: Keys = np.searchsorted(ends, u * ends[-1], side="right")
    return ranks


def _lomax(u: Floats, exponent: float, scale: float | Floats, n: int) -> Keys:
    """Ranks 0..n-1 with ``P(rank >= r) ~ (1 + r / scale) ** -exponent``, from uniform numbers."""
    least = (1 + n / scale) ** -exponent
    return _whole(np.minimum(scale * ((least + (1 - least) * u) ** (-1 / exponent) - 1), n - 1))


def _kumaraswamy(u: Floats, a: float, b: float) -> Floats:
    """Shares in (0, 1), much like Beta(a, b), from uniform numbers (Kumaraswamy 1980)."""
    return (1 - (1 - u) ** (1 / b)) ** (1 / a)


def _whole(values: Floats) -> Keys:
    return values.astype(np.int64)
