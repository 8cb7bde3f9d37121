"""Inner products of some vectors with very many: at once, and tile by tile as `graph/products.py` makes them.

    python benchmarks/products_speed.py --keys 40981

prints a Markdown table: GFLOP/s of torch's product at once, of the tiles with the copy to where they belong, and of a
product small enough to stay in the cache; best of all repeats, the three in turn. Random vectors, no bias.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click
import torch
from records import Recorder

from playlistrec.graph.products import TILE, products


@click.command(help=__doc__)
@click.option("--keys", default=40_981)
@click.option("--repeats", default=10)
@click.option("--threads", multiple=True, type=int, default=(1, 2))
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(keys: int, repeats: int, threads: tuple[int, ...], record: str | None) -> None:
    shared = {"data": f"{keys:,} random vectors", "split": "none", "part": "none", "model": "products"}
    recorder = Recorder(record, **shared, chosen="nothing is chosen")
    print("| threads | queries | dimensions | at once | tile by tile | ratio | in the cache |")
    print("|---|---|---|---|---|---|---|")
    for used in threads:
        torch.set_num_threads(used)
        for dim in (64, 256):
            many = torch.randn(keys, dim)
            for n in (51, 204, 1024):
                some, out, small = torch.randn(n, dim), torch.empty(n, keys), torch.empty(n, TILE)
                at_once, tiled, cached = best(
                    repeats,
                    lambda: torch.mm(some, many.T, out=out),  # noqa: B023
                    lambda: products(some, many, out=out),  # noqa: B023
                    lambda: torch.mm(some, many[:TILE].T, out=small),  # noqa: B023
                )
                flop = 2e-9 * n * dim
                rates = flop * keys / at_once, flop * keys / tiled, flop * min(TILE, keys) / cached
                reported = *(f"{rate:.0f}" for rate in rates[:2]), f"{at_once / tiled:.1f}", f"{rates[2]:.0f}"
                print(f"| {used} | {n} | {dim} | {' | '.join(reported)} |")
                for column, rate in zip(("at once", "tile by tile", "in the cache"), rates):
                    row = f"{used} threads, {n} queries, {dim} dimensions"
                    recorder.add(row=row, column=column, metrics={"GFLOP a second": round(rate)})
    recorder.save()


def best(repeats: int, *calls: Callable[[], object]) -> list[float]:
    """The shortest seconds of each call, in turn."""
    shortest = [float("inf")] * len(calls)
    for _ in range(repeats):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            call()
            shortest[index] = min(shortest[index], time.perf_counter() - start)
    return shortest


if __name__ == "__main__":
    main()
