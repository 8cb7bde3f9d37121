"""Models on data of the size of people's own playlists: what `playlistrec recommend DATA` should fit by itself.

    python benchmarks/small_data.py --polimi ../shared/data/polimi2018 --record small-data

For each size, playlists are drawn from a collection, a fifth of each one's tracks is hidden, and each model ranks all
tracks of the draw. A row is the mean of NDCG@20 over the draws.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from records import Recorder, add_record

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.splitting import split_edges
from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.experiment.data import Data, preprocess
from playlistrec.experiment.fitting import fit

CANDIDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "popularity": ("popularity", {}),
    "itemknn": ("itemknn", {}),
    "itemknn-content": ("itemknn", {"preset": "itemknn-content"}),
    "userknn": ("userknn", {}),
    "ease-10": ("ease", {"options": {"l2": 10}}),
    "ease-100": ("ease", {"options": {"l2": 100}}),
    "ease-content": ("ease", {"preset": "ease-content"}),
    "gfcf": ("gfcf", {}),
    "lightgcn": ("lightgcn", {"preset": "lightgcn"}),
    "mf": ("mf", {"preset": "mf"}),
}
SLOW = {"lightgcn", "mf"}


def drawn(corpus: Corpus, n: int, seed: int) -> Corpus:
    """``n`` playlists of at least ten tracks, and the tracks that they hold."""
    long = np.flatnonzero(corpus.lengths >= 10)
    chosen = np.zeros(corpus.n_playlists, dtype=bool)
    chosen[np.random.default_rng(seed).choice(long, min(n, len(long)), replace=False)] = True
    held = np.zeros(corpus.n_tracks, dtype=bool)
    held[corpus.where(chosen[corpus.entry_playlist]).tracks] = True
    return corpus.subset(chosen, held)[0]


def figures(corpus: Corpus, sizes: list[int], draws: int, only: set[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for size in sizes:
        got: dict[str, list[tuple[float, float]]] = {}
        for seed in range(draws if size < 1000 else 1):
            part = drawn(corpus, size, seed)
            data = Data.of(part, split_edges(part, valid=0.0, test=0.2, seed=seed))
            for name, (model, how) in CANDIDATES.items():
                if (only and name not in only) or (name in SLOW and seed):
                    continue
                began = time.perf_counter()
                try:
                    run = fit(data, model, **how)
                    metrics = run.evaluate("test", [20]).metrics
                except Exception as error:
                    print(size, name, str(error)[:90], flush=True)
                    continue
                got.setdefault(name, []).append((metrics["ndcg@20"], time.perf_counter() - began))
        rows[str(size)] = {name: [round(float(x), 4) for x in np.mean(values, axis=0)] for name, values in got.items()}
        print(size, json.dumps(rows[str(size)]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polimi", type=Path, help="the folder of the Polimi playlists")
    parser.add_argument("--sizes", type=int, nargs="*", default=[40, 100, 300, 1000, 3000])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--no-synthetic", action="store_true")
    parser.add_argument("--limit", type=int, help="playlists that are read of each collection")
    parser.add_argument("--only", nargs="*", default=[])
    add_record(parser)
    given = parser.parse_args()
    split = "edges: a fifth of each drawn playlist"
    recorder = Recorder(given.record, split=split, part="test", chosen="nothing: the presets and the options named")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sources = {"polimi": given.polimi} if given.polimi else {}
        if not given.no_synthetic:
            sources["synthetic"] = synthesize(place / "slices", 1500, seed=3)
        for name, source in sources.items():
            print(name, flush=True)
            corpus = preprocess(source, place / name, workers=1, limit=given.limit).corpus
            for size, rows in figures(corpus, given.sizes, given.draws, set(given.only)).items():
                for label, (ndcg, seconds) in rows.items():
                    model, how = CANDIDATES[label]
                    fields = {"model": model, "preset": how.get("preset"), "options": how.get("options", {})}
                    seeds = list(range(given.draws if int(size) < 1000 and label not in SLOW else 1))
                    recorder.add(
                        **{"row": f"{size} playlists", "column": label, "data": name, "seed": seeds, **fields},
                        metrics={"ndcg@20": ndcg},
                        seconds={"fit and rank": seconds},
                    )
    recorder.save()


if __name__ == "__main__":
    main()
