"""The temperature that lightgcn wants by the length of playlists: validation NDCG@20 on subsets of collections.

    python benchmarks/presets.py --polimi ../shared/data/polimi2018 --gowalla ../shared/data/gowalla

Each set is some playlists of a collection with some tracks of each left out; its 4-core is divided into train, valid
and test, of which the test part is not read. The prior is half the temperature.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from records import Recorder, add_record

import playlistrec as pr
from playlistrec.corpus.filters import k_core
from playlistrec.corpus.sources.read import read
from playlistrec.corpus.splitting import split_edges


def thinned(source: Path, playlists: int, longest: int, seed: int) -> pr.Data:
    """Some playlists of a collection, each with at most ``longest`` of its tracks, at random."""
    corpus = read(source)[0]
    rng = np.random.default_rng(seed)
    kept = np.zeros(corpus.n_playlists, dtype=bool)
    kept[rng.choice(corpus.n_playlists, min(playlists, corpus.n_playlists), replace=False)] = True
    place = np.empty(corpus.n_entries)
    order = np.argsort(corpus.entry_playlist + rng.random(corpus.n_entries), kind="stable")
    place[order] = np.arange(corpus.n_entries) - corpus.offsets[corpus.entry_playlist[order]]
    corpus = corpus.where((place < longest) & kept[corpus.entry_playlist])
    corpus = corpus.subset(*k_core(corpus, 4))[0]
    return pr.Data.of(corpus, split_edges(corpus, seed=seed))


def row(name: str, data: pr.Data, temperatures: Sequence[float], epochs: int, seed: int, recorder: Recorder) -> str:
    """NDCG@20 of each temperature, and of gfcf, on the validation part."""
    train = data.split.counts()["train"]
    cells = [
        f"{name}: {data.corpus.n_playlists:,} playlists, {train / data.corpus.n_playlists:.1f} training tracks each"
    ]
    named = {"row": cells[0], "data": name.partition(",")[0]}
    for temperature in temperatures:
        options = {"temperature": temperature, "popularity_prior": temperature / 2, "epochs": epochs}
        run = pr.fit(data, "lightgcn", preset="lightgcn", options=options, seed=seed)
        cells.append(f"T {temperature:g} {run.info['valid']['ndcg@20']:.4f}")
        found = {"ndcg@20": run.info["valid"]["ndcg@20"]}
        recorder.add(**named, column=f"T {temperature:g}", model="lightgcn", options=options, metrics=found)
    gfcf = pr.fit(data, "gfcf").evaluate("valid", k=[20]).metrics["ndcg@20"]
    recorder.add(**named, column="gfcf", model="gfcf", metrics={"ndcg@20": gfcf})
    return ", ".join([*cells, f"gfcf {gfcf:.4f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polimi", type=Path)
    parser.add_argument("--gowalla", type=Path)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.1, 0.17, 0.2, 0.3])
    parser.add_argument("--playlists", type=int, default=3500)
    parser.add_argument("--longest", type=int, nargs="+", default=[10, 14, 60])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    add_record(parser)
    arguments = parser.parse_args()
    split = "edges, of the 4-core of some playlists with some tracks left out"
    shared = {"split": split, "part": "valid", "seed": arguments.seed}
    recorder = Recorder(arguments.record, **shared, chosen="the epoch by the same part")
    for name in ("polimi", "gowalla"):
        source = getattr(arguments, name)
        for longest in arguments.longest if source else ():
            data = thinned(source, arguments.playlists, longest, arguments.seed)
            print(
                row(
                    f"{name}, at most {longest}",
                    data,
                    arguments.temperatures,
                    arguments.epochs,
                    arguments.seed,
                    recorder,
                ),
                flush=True,
            )
    recorder.save()


if __name__ == "__main__":
    main()
