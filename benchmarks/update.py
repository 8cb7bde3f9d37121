"""What `playlistrec update` costs and gives, beside a fit to the new data.

    python benchmarks/update.py ../shared/data/polimi2018 --seed 1

The first playlists are divided into those of before and a day's; a run fitted to the former is updated to both. NDCG@20
is that of the test part, of the new playlists and of the others. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from records import Recorder, add_record

import playlistrec as pr
from playlistrec.corpus.sources.read import read
from playlistrec.corpus.splitting import split_edges
from playlistrec.experiment.updating import update
from playlistrec.rank.protocols import evaluate


def timed(work: Callable[[], pr.Run]) -> tuple[float, pr.Run]:
    """The seconds of the processor that some work takes, and its result."""
    began = time.process_time()
    run = work()
    return time.process_time() - began, run


def days(source: Path, playlists: int, share: float, seed: int) -> tuple[pr.Data, pr.Data]:
    """The data before the day, and with it."""
    corpus = read(source)[0]
    rng = np.random.default_rng(seed)
    kept = np.zeros(corpus.n_playlists, dtype=bool)
    kept[rng.choice(corpus.n_playlists, min(playlists, corpus.n_playlists), replace=False)] = True
    corpus = corpus.subset(kept, corpus.where(kept[corpus.entry_playlist]).popularity > 0)[0]
    old = np.ones(corpus.n_playlists, dtype=bool)
    old[rng.choice(corpus.n_playlists, int(share * corpus.n_playlists), replace=False)] = False
    before = corpus.subset(old, corpus.where(old[corpus.entry_playlist]).popularity > 0)[0]
    return pr.Data.of(before, split_edges(before, seed=seed)), pr.Data.of(corpus, split_edges(corpus, seed=seed + 1))


def ndcg(run: pr.Run, first_new: int) -> tuple[float, float, int]:
    """NDCG@20 of the new playlists and of the others, and how many are new."""
    queries = run.data.split.evaluation_set(run.data.corpus, "test")
    found = evaluate(run.recommender("test"), queries, ks=[20], metrics=["ndcg"]).per_query["ndcg@20"]
    new = queries.playlists >= first_new
    return float(found[new].mean()), float(found[~new].mean()), int(new.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--playlists", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.01, help="of the playlists that are the day's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("-m", "--models", nargs="+", default=["lightgcn", "mf"])
    add_record(parser)
    arguments = parser.parse_args()
    before, after = days(arguments.source, arguments.playlists, arguments.share, arguments.seed)
    first_new, options = before.corpus.n_playlists, {"epochs": arguments.epochs}
    split = f"edges; {arguments.share:.0%} of {arguments.playlists:,} playlists are new"
    shared = {"data": arguments.source.name, "split": split, "part": "test", "seed": arguments.seed, "options": options}
    recorder = Recorder(arguments.record, **shared, chosen="nothing: the presets")
    for name in arguments.models:
        base = pr.fit(before, name, options=options)
        seconds, updated = timed(lambda base=base: update(base, after))  # type: ignore[misc]
        refit_seconds, again = timed(lambda name=name, data=updated.data: pr.fit(data, name, options=options))  # type: ignore[misc]
        new, others, n = ndcg(again, first_new)
        print(f"{name}, fitted anew: {refit_seconds:.1f} s, new playlists {new:.4f} ({n}), others {others:.4f}")
        mine, theirs, _ = ndcg(updated, first_new)
        print(
            f"{name}, updated: {seconds:.1f} s ({seconds / refit_seconds:.1%}), "
            f"new playlists {mine:.4f} ({mine / new:.1%}), others {theirs:.4f}"
        )
        for row, spent, figures in (
            ("fitted anew", refit_seconds, (new, others)),
            ("updated", seconds, (mine, theirs)),
        ):
            for column, value in zip(("new playlists", "others"), figures):
                fields = {"row": f"{name}, {row}", "column": column, "model": name}
                recorder.add(**fields, metrics={"ndcg@20": value}, seconds={"processor": spent})
    recorder.save()


if __name__ == "__main__":
    main()
