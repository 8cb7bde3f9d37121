"""How long full ranking takes: random embeddings, every track scored by a dot product, seeds masked, top k judged.

The defaults have the size of Gowalla. Prints the machine's cores, the seed, and seconds with one and with all threads.
"""

from __future__ import annotations

import resource
import sys
import time

import click
import numpy as np
import torch
from torch import Tensor

from playlistrec.corpus.split import Questions
from playlistrec.models.base import Query, Recommender
from playlistrec.rank.protocols import METRICS, evaluate
from playlistrec.rank.topk import top_k


class Dot(Recommender):
    """Inner products of random vectors; evaluation sees no more of a model than this."""

    name = "dot"
    from_corpus = from_arrays = arrays = None  # type: ignore[assignment]

    def __init__(self, n_playlists: int, n_tracks: int, dim: int) -> None:
        self.n_tracks = n_tracks
        self.playlists, self.tracks = torch.randn(n_playlists, dim), torch.randn(n_tracks, dim)

    def score(self, query: Query) -> Tensor:
        return self.playlists[torch.from_numpy(query.playlists)] @ self.tracks.T


def make_questions(rng: np.random.Generator, n_playlists: int, n_tracks: int, n_seeds: int, n_truth: int) -> Questions:
    """Random questions; seeds and truth are told apart by parity."""

    def ragged(mean: int, parity: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.concatenate([np.arange(n_playlists), rng.integers(0, n_playlists, n_playlists * (mean - 1))])
        keys = np.unique(rows * n_tracks + 2 * rng.integers(0, n_tracks // 2, len(rows)) + parity)
        offsets = np.searchsorted(keys, np.arange(n_playlists + 1) * n_tracks)
        return offsets, (keys % n_tracks).astype(np.int32)

    return Questions(np.arange(n_playlists), True, *ragged(n_seeds, 0), *ragged(n_truth, 1), 0)


@click.command(context_settings={"show_default": True})
@click.option("--playlists", default=29_858)
@click.option("--tracks", default=40_981)
@click.option("--dim", default=64)
@click.option("--seeds", default=27, help="Seeds of a playlist, on average.")
@click.option("--truth", default=7, help="Hidden tracks of a playlist, on average.")
@click.option("--seed", default=0, help="Of the random numbers.")
@click.option("--repeats", default=3, help="The fastest is printed.")
def main(playlists: int, tracks: int, dim: int, seeds: int, truth: int, seed: int, repeats: int) -> None:
    """Time full ranking and top_k."""
    torch.manual_seed(seed)
    model = Dot(playlists, tracks, dim)
    questions = make_questions(np.random.default_rng(seed), playlists, tracks, seeds, truth)
    cores = torch.get_num_threads()
    print(f"{cores} cores, torch {torch.__version__}, seed {seed}; {playlists:,} x {tracks:,}, {dim} dimensions")
    for threads in sorted({1, cores}):
        torch.set_num_threads(threads)
        for label, names in (("recall and ndcg", ("recall", "ndcg")), ("all metrics", METRICS)):
            runs = [evaluate(model, questions, ks=(20,), metrics=names).seconds for _ in range(repeats)]
            print(f"evaluate, {label}, {threads} threads: {min(runs):.2f} s")
        batch = model.score(Query.of([[]] * 512, range(512)))
        ties = (batch * 2).round()
        for label, scores in (("", batch), (", every row tied", ties)):
            own = min(_seconds(lambda scores=scores: top_k(scores, 20)) for _ in range(repeats))
            torchs = min(_seconds(lambda scores=scores: torch.topk(scores, 20)) for _ in range(repeats))
            print(f"top 20 of 512 rows, {threads} threads{label}: {own:.3f} s (torch.topk {torchs:.3f} s)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"peak memory {peak:,.0f} MB")


def _seconds(call) -> float:  # type: ignore[no-untyped-def]
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
