"""Seconds of a training epoch of LightGCN at its paper's settings: ours, RecBole's and PyG's; prints a Markdown table.

    python benchmarks/peers.py DATA --recbole-python PATH --pyg-python PATH --repeats 3

DATA is a folder made by `playlistrec preprocess`; all learn from its training and validation part. Every system runs in
a process of its own, one after another, with the same number of threads, in as many rounds as there are repeats.
Batches of 2,048 pairs, 3 layers, 64 dimensions, one uniform negative a pair, BPR with an l2 of 1e-4, Adam at 1e-3
(He et al. 2020, section 4.1). Each has the loader it comes with:

- ours: `playlistrec.train.fit.fit`, nothing validated, artists left out;
- RecBole (PyPI `recbole`): `create_dataset`, `data_preparation` and `Trainer._train_epoch`. Its code is unpatched,
  which asks for older libraries: `pip install recbole "scipy<1.13" "numpy<2" "pandas<3"`;
- PyG (PyPI `torch_geometric`): the loop its documentation gives for `torch_geometric.nn.LightGCN`, a `DataLoader` over
  the edges, uniform negatives that may be training pairs, `recommendation_loss` over the nodes of the batch;
- PyG, CSR: the same with what PyG advises for speed, the normalised adjacency made once as a sparse CSR tensor.

Start-up is what comes before the first step: imports, reading the data, building the model. It is no part of the epoch.
Memory is the peak of the whole process. With `--device cuda` all of them run on a GPU, where no step is waited for but
the last, and what lies there is not counted. The peers may be installed elsewhere, so this file imports nothing but
Python's own at its top. Threads that wait for one another lose far more than their share on a busy machine: let it be
quiet.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()
BATCH, LAYERS, DIM, L2, LR = 2048, 3, 64, 1e-4, 1e-3
SETTINGS = "nothing: the settings of LightGCN's paper"
WARM_UP = 3
"""Steps before the clock starts, where not the whole epoch is measured."""


class Stepped:
    """A loader that notes the time after each step and ends after ``limit`` of them (None: with the epoch).

    What a GPU still has to do after the last step is waited for.
    """

    def __init__(self, loader: Iterable[Any], limit: int | None) -> None:
        self.loader, self.limit = loader, limit
        self.times: list[float] = []

    def __iter__(self) -> Iterator[Any]:
        self.times = [time.perf_counter()]
        for batch in islice(self.loader, self.limit):
            yield batch
            self.times.append(time.perf_counter())
        self.times[-1] = after_all()


def after_all() -> float:
    """The time when a GPU, if there is one, has done what it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def ours(folder: Path, limit: int | None, device: str) -> tuple[list[float], int]:
    import torch

    import playlistrec as pr
    from playlistrec.models.registry import model_class
    from playlistrec.train.fit import fit
    from playlistrec.train.options import TrainOptions

    class EnoughError(Exception):
        pass

    times = [0.0]

    def note(event: Any) -> None:
        if event.kind == "progress":
            times.append(time.perf_counter())
            if len(times) - 1 == limit:
                raise EnoughError
        elif len(times) == 1:  # what is said last before the first step is said when all is ready for it
            times[0] = time.perf_counter()

    data = pr.Data.load(folder / "data")
    corpus = data.split.training(data.corpus, refit=True)
    kind: Any = model_class("lightgcn")
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": DIM, "layers": LAYERS, "artists": False}))
    settings = {"epochs": 1, "batch_size": BATCH, "lr": LR, "l2": L2, "loss": "bpr", "regime": "full"}
    options = TrainOptions.from_options({**settings, "negatives": "uniform", "n_negatives": 1})
    times[0] = time.perf_counter()
    with suppress(EnoughError):
        fit(model, corpus, options, device=torch.device(device), on_event=note)
    times[-1] = after_all()
    return times, -(-len(corpus.pairs[0]) // BATCH)


def recbole(folder: Path, limit: int | None, device: str) -> tuple[list[float], int]:
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.model.general_recommender import LightGCN
    from recbole.trainer import Trainer
    from recbole.utils import init_seed

    settings = {
        "data_path": str(folder),
        "load_col": {"inter": ["user_id", "item_id"]},
        "eval_args": {"split": {"RS": [1, 0, 0]}, "group_by": None, "order": "RO", "mode": "full"},
        "use_gpu": device == "cuda",
        "gpu_id": "0" if device == "cuda" else "",
        "train_batch_size": BATCH,
        "learning_rate": LR,
        "embedding_size": DIM,
        "n_layers": LAYERS,
        "reg_weight": L2,
        "require_pow": True,  # the squared norm, as in the paper
    }
    sys.argv = sys.argv[:1]  # it reads the command line
    config = Config(model="LightGCN", dataset="pairs", config_dict=settings)
    init_seed(config["seed"], config["reproducibility"])
    loader, _, _ = data_preparation(config, create_dataset(config))
    model = LightGCN(config, loader.dataset).to(config["device"])
    trainer, stepped = Trainer(config, model), Stepped(loader, limit)
    trainer._train_epoch(stepped, 0)
    return stepped.times, len(loader)


def pyg(folder: Path, limit: int | None, device: str, csr: bool = False) -> tuple[list[float], int]:
    import numpy as np
    import torch
    from torch.utils.data import DataLoader
    from torch_geometric.nn import LightGCN
    from torch_geometric.nn.conv.gcn_conv import gcn_norm

    with np.load(folder / "pairs.npz") as arrays:
        users, items, (n_users, n_items) = (arrays[name] for name in ("users", "items", "sizes"))
    n_nodes = int(n_users + n_items)
    positives = torch.from_numpy(np.stack([users, items + n_users])).to(device)
    graph = torch.cat([positives, positives.flip(0)], dim=1)
    model = LightGCN(n_nodes, DIM, LAYERS, normalize=not csr).to(device)
    if csr:
        graph, weights = gcn_norm(graph, num_nodes=n_nodes, add_self_loops=False)
        graph = torch.sparse_coo_tensor(graph, weights, (n_nodes, n_nodes)).to_sparse_csr()  # its own transpose
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    loader = DataLoader(range(len(users)), batch_size=BATCH, shuffle=True)
    stepped = Stepped(loader, limit)
    for rows in stepped:
        source, target = positives[:, rows.to(device)]
        negative = torch.randint(int(n_users), n_nodes, target.shape, device=device)
        pairs = torch.stack([source.repeat(2), torch.cat([target, negative])])
        positive_rank, negative_rank = model(graph, pairs).chunk(2)
        loss = model.recommendation_loss(positive_rank, negative_rank, node_id=pairs.unique(), lambda_reg=L2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return stepped.times, len(loader)


SYSTEMS: dict[str, tuple[str, Callable[[Path, int | None, str], tuple[list[float], int]]]] = {
    "ours": ("playlistrec", ours),
    "RecBole": ("recbole", recbole),
    "PyG": ("torch_geometric", pyg),
    "PyG, CSR": ("torch_geometric", partial(pyg, csr=True)),
}
"""Name in the table -> (module, what measures it: times before and after steps, steps of an epoch)."""


def measure(system: str, folder: Path, steps: int, threads: int, device: str) -> dict[str, Any]:
    """What one process finds out about one system."""
    module, run = SYSTEMS[system]
    try:
        import torch

        version = importlib.import_module(module).__version__
    except ImportError as error:
        return {"missing": str(error)}
    torch.set_num_threads(threads)
    times, steps_an_epoch = run(folder, WARM_UP + steps if steps else None, device)
    measured = times[WARM_UP:] if steps else times
    if len(measured) < 2:
        raise SystemExit(f"an epoch has {steps_an_epoch} steps, too few to leave out {WARM_UP}: say --steps 0")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "version": version,
        "torch": torch.__version__,
        "start": times[0] - STARTED,
        "epoch": (measured[-1] - measured[0]) / (len(measured) - 1) * steps_an_epoch,
        "steps": steps_an_epoch,
        "memory": peak / (2**20 if sys.platform == "darwin" else 2**10),
    }


def prepare(folder: Path) -> dict[str, Any]:
    """Write the training pairs of ``folder/data`` in the formats that the peers read."""
    import numpy as np

    import playlistrec as pr

    data = pr.Data.load(folder / "data")
    corpus = data.split.training(data.corpus, refit=True)
    users, items = (ids.astype(np.int64) for ids in corpus.pairs)
    sizes = corpus.n_playlists, corpus.n_tracks
    np.savez(folder / "pairs.npz", users=users, items=items, sizes=np.array(sizes))
    (folder / "pairs").mkdir()
    with (folder / "pairs" / "pairs.inter").open("w") as file:
        file.write("user_id:token\titem_id:token\n")
        file.writelines(f"{user}\t{item}\n" for user, item in zip(users.tolist(), items.tolist()))
    return {"pairs": len(users), "playlists": sizes[0], "tracks": sizes[1]}


def child(python: str, folder: Path, threads: int, *arguments: str) -> dict[str, Any]:
    """This script in a process of its own; what it returns."""
    variables = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    python = str(Path(str(shutil.which(python))).absolute())  # relative to here, not to the process' folder
    command = [python, str(Path(__file__).absolute()), str(folder), "--threads", str(threads), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=folder)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {ended.stderr}")
    return dict(json.loads(ended.stdout.splitlines()[-1]))


def table(found: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield "| system | version | torch | start-up, s | epoch, s (median) | min to max | times ours | peak memory, MB |"
    yield "|---|---|---|---|---|---|---|---|"
    our_epoch = statistics.median(run["epoch"] for run in found["ours"])
    for system, runs in found.items():
        if "missing" in runs[0]:
            yield f"| {system} | not installed ({runs[0]['missing']}) | | | | | | |"
            continue
        start, epoch, memory = (statistics.median(run[what] for run in runs) for what in ("start", "epoch", "memory"))
        epochs = [run["epoch"] for run in runs]
        yield (
            f"| {system} | {runs[0]['version']} | {runs[0]['torch']} | {start:.1f} | {epoch:.2f} "
            f"| {min(epochs):.2f} to {max(epochs):.2f} | {epoch / our_epoch:.1f} | {memory:,.0f} |"
        )


def record(found: dict[str, list[dict[str, Any]]], given: argparse.Namespace, n_pairs: int) -> None:
    """Keep the medians."""
    from records import Recorder, this_machine

    split = f"train and validation part, {n_pairs:,} pairs"
    machine = f"{this_machine()}, {given.threads} threads used"
    recorder = Recorder(given.record, data=given.data.name, split=split, part="none", machine=machine, chosen=SETTINGS)
    our_epoch = statistics.median(run["epoch"] for run in found["ours"])
    for system, runs in found.items():
        if "missing" not in runs[0]:
            start, epoch, memory = (statistics.median(run[k] for run in runs) for k in ("start", "epoch", "memory"))
            recorder.add(
                **{"row": f"{system} {runs[0]['version']}", "model": system, "memory_mb": round(memory)},
                metrics={"times ours": round(epoch / our_epoch, 2)},
                seconds={"start-up": round(start, 1), "epoch": round(epoch, 2)},
                note=f"torch {runs[0]['torch']}",
            )
    recorder.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder made by `playlistrec preprocess`")
    parser.add_argument("--recbole-python", default=sys.executable, metavar="PATH", help="Python that has RecBole")
    parser.add_argument("--pyg-python", default=sys.executable, metavar="PATH", help="Python that has PyG")
    parser.add_argument("--steps", type=int, default=0, help="steps to measure, scaled to an epoch; 0: a whole epoch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--record", metavar="TABLE", help="keep the figures in benchmarks/results/TABLE.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        reported = prepare(given.data) if given.child == "prepare" else None
        print(json.dumps(reported or measure(given.child, given.data, given.steps, given.threads, given.device)))
        return
    pythons = {"playlistrec": sys.executable, "recbole": given.recbole_python, "torch_geometric": given.pyg_python}
    for python in pythons.values():
        if shutil.which(python) is None:
            parser.error(f"there is no Python {python}")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "data").symlink_to(given.data.absolute())
        size = child(sys.executable, folder, given.threads, "--child", "prepare")
        found: dict[str, list[dict[str, Any]]] = {system: [] for system in SYSTEMS}
        for _ in range(given.repeats):
            for system, (module, _) in SYSTEMS.items():
                options = ["--child", system, "--steps", str(given.steps), "--device", given.device]
                found[system].append(child(pythons[module], folder, given.threads, *options))
    steps = {run["steps"] for runs in found.values() for run in runs if "missing" not in run}
    if len(steps) > 1:
        raise SystemExit(f"the systems do not learn from the same pairs: their epochs have {sorted(steps)} steps")
    extent = f"{given.steps} steps after {WARM_UP} others, scaled to an epoch" if given.steps else "whole epochs"
    print(
        f"{os.cpu_count()} cores, load {load:.1f} before, {given.threads} threads; {size['playlists']:,} x "
        f"{size['tracks']:,}, {size['pairs']:,} training pairs, {steps.pop()} steps of {BATCH:,} an epoch; "
        f"{given.repeats} times {extent}\n"
    )
    print("\n".join(table(found)))
    record(found, given, size["pairs"])


if __name__ == "__main__":
    main()
