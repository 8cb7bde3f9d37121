"""Reasons against loops over playlists."""

from __future__ import annotations

import numpy as np

import playlistrec as pr
from playlistrec.serving.explain import explain


def test_reasons_are_the_loop() -> None:
    rng = np.random.default_rng(3)
    lists = [[f"t{t}" for t in rng.integers(0, 25, rng.integers(1, 14))] for _ in range(60)]
    corpus = pr.Corpus.from_lists(lists)
    holds = [set(corpus.playlist(p).tolist()) for p in range(corpus.n_playlists)]
    seeds, tracks = [4, 9, 4, 1, 7, 11], [0, 2, 3, 5, 24]
    for reason, track in zip(explain(corpus, np.array(seeds), np.array(tracks)), tracks):
        speaking = [p for p, tracks in enumerate(holds) if track in tracks and tracks & {*seeds}]
        weight = {p: len(holds[p] & {*seeds}) / len(holds[p]) ** 0.5 for p in speaking}
        counts = {seed: sum(seed in holds[p] for p in speaking) for seed in seeds}
        assert reason.n_playlists == len(speaking)
        ordered = sorted(counts, key=lambda seed: (-counts[seed], seeds.index(seed)))[:3]
        assert reason.seeds == [(seed, counts[seed]) for seed in ordered if counts[seed]]
        best = sorted(speaking, key=lambda p: (-weight[p], p))[:3]
        np.testing.assert_allclose([weight[p] for p in reason.playlists], [weight[p] for p in best])
        assert set(reason.playlists) <= set(speaking)


def test_nothing_shared_and_nothing_asked() -> None:
    corpus = pr.Corpus.from_lists([["a", "b"], ["c", "d"]])
    (reason,) = explain(corpus, np.array([0]), np.array([2]))
    assert (reason.n_playlists, reason.seeds, reason.playlists) == (0, [], [])
    (reason,) = explain(corpus, np.array([], dtype=np.int64), np.array([2]))
    assert (reason.n_playlists, reason.seeds, reason.playlists) == (0, [], [])
