"""Drawing playlists from hidden tastes: lengths, artists and tracks as plain integer keys.

The catalogue has no list. An artist is a rank in a scene and a track a rank in its artist's work; ranks fall off
as power laws, so that as in the genuine dataset the number of distinct tracks grows with the number of playlists
(about as its 0.6th power) while most of them occur once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["GENRES", "Drawn", "draw", "draw_lengths"]

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

GENRES = 24
SCENES = 16
"""Scenes of a genre; scene 0 is its mainstream, on which all its playlists draw."""
ARTISTS, TRACKS = 1 << 16, 1 << 12
"""Artists of a scene and tracks of an artist, at most."""

P = dict(genre_slope=.9, scene_slope=.8, second=.5, main_a=1.0, main_b=1.0, art_alpha_m=.9, art_q_m=10., art_alpha_s=.7, art_q_s=5.,
   trk_alpha=.55, trk_q=1.5, reuse_a=.8, reuse_b=1.6, run=.3, focus=.06, dup=.016, dup_shape=.5)


class Drawn(NamedTuple):
    lengths: Keys
    taste: Keys
    artist: Keys
    track: Keys


def draw_lengths(n, random):
    knots = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]
    return np.exp(np.interp(random.random(n), knots, np.log([5, 16, 26, 50, 91, 149, 230, 250.99]))).astype(np.int64)


def power(u, alpha, q, n):
    """Truncated Pareto (Lomax) rank 0..n-1."""
    low = (1 + n / q) ** -alpha
    return np.minimum(q * ((low + (1 - low) * u) ** (-1 / alpha) - 1), n - 1).astype(np.int64)


def kuma(u, a, b):
    return (1 - (1 - u) ** (1 / b)) ** (1 / a)


def zipf(u, n, slope):
    w = np.cumsum(np.arange(1.0, n + 1) ** -slope)
    return np.searchsorted(w, u * w[-1], side="right")


def draw(lengths, random, P=P) -> Drawn:
    n = len(lengths)
    rows = np.repeat(np.arange(n), lengths)
    m = len(rows)
    start = (np.cumsum(lengths) - lengths)[rows]
    place = np.arange(m) - start
    U = random.random
    genre = zipf(U((n, 2)), GENRES, P["genre_slope"])
    scene = genre * SCENES + 1 + zipf(U((n, 2)), SCENES - 1, P["scene_slope"])
    first = np.where(U(n) < P["second"], .5 + .5 * U(n), 1.)
    main = kuma(U(n), P["main_a"], P["main_b"])
    reuse = kuma(U(n), P["reuse_a"], P["reuse_b"])
    reuse = np.where(U(n) < P["focus"], .8 + .2 * U(n), reuse)

    def artists(which):
        r = rows[which]
        k = len(r)
        t = (U(k) >= first[r]).astype(int)
        ismain = U(k) < main[r]
        u = U(k)
        rank = np.where(ismain, power(u, P["art_alpha_m"], P["art_q_m"], ARTISTS), power(u, P["art_alpha_s"], P["art_q_s"], ARTISTS))
        pool = np.where(ismain, genre[r, t] * SCENES, scene[r, t])
        return pool * ARTISTS + rank

    idx = np.arange(m)
    u = U(m)
    again = (u < reuse[rows]) & (place > 0)
    parent = np.where(U(m) < P["run"], idx - 1, start + (U(m) * place).astype(np.int64))
    parent = np.where(again, parent, idx)
    while True:
        up = parent[parent]
        if (up == parent).all():
            break
        parent = up
    artist = artists(idx)[parent]
    track = artist * TRACKS + power(U(m), P["trk_alpha"], P["trk_q"], TRACKS)
    # distinct
    rounds = 0
    while True:
        # three artists
        _, i = np.unique(rows * (GENRES * SCENES * ARTISTS) + artist, return_index=True)
        few = np.bincount(rows[i], minlength=n) < 3
        order = np.lexsort((track, rows))
        rep = np.zeros(m, bool)
        rep[order[1:]] = (track[order[1:]] == track[order[:-1]]) & (rows[order[1:]] == rows[order[:-1]])
        lone = few[rows] & (U(m) < 2.5 / lengths[rows])
        if not rep.any() and not few.any():
            break
        artist[lone] = artists(np.flatnonzero(lone))
        redo = rep | lone
        rounds += 1
        track[redo] = artist[redo] * TRACKS + power(U(redo.sum()), P["trk_alpha"] / (1 + rounds / 4), P["trk_q"], TRACKS)
    rate = np.minimum(P["dup"] * -np.log(U(n)) ** 1 * 1.0 if P["dup_shape"] == 1 else P["dup"] / .5 * (-np.log(U(n))) * (U(n) < .5), .5)
    twice = (U(m) < rate[rows]) & (place > 0)
    source = np.where(twice, start + (U(m) * place).astype(np.int64), idx)
    while True:
        up = source[source]
        if (up == source).all():
            break
        source = up
    return Drawn(lengths, scene[:, 0], artist[source], track[source])
