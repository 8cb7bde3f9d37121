"""How the test part of the standard Gowalla split was drawn; prints what shows it. No model is involved.

    python benchmarks/gowalla_split.py GOWALLA

GOWALLA is the folder with the papers' train.txt and test.txt. The lines of train.txt are sorted, but its numbers were
given in the order in which places first occur in the unsorted file: within a line, places that no earlier line has are
in the file's own order. Had test been drawn at random, every place would have about the same share of its check-ins
there, and the places of a line would be as near to those of its test part wherever they stand.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from scipy import sparse

Ints = npt.NDArray[np.int64]
BINS = (0, 20, 100, 1_000, 10_000)
TENTHS = 10


def rows(folder: Path, name: str) -> list[Ints]:
    """The places of each line of NAME.txt or NAME.txt.gz, without the user."""
    path = folder / f"{name}.txt"
    with path.open() if path.exists() else gzip.open(f"{path}.gz", "rt") as file:
        return [np.array(line.split()[1:], dtype=np.int64) for line in file]


def shares(train: list[Ints], test: list[Ints]) -> Iterator[str]:
    """By popularity: the share of check-ins in test, how far places spread in it, and how far they would by chance."""
    known, hidden = (np.concatenate(part) for part in (train, test))
    n = int(max(known.max(), hidden.max())) + 1
    counts = np.stack([np.bincount(part, minlength=n) for part in (known, hidden)])
    total, overall = counts.sum(0), len(hidden) / (len(known) + len(hidden))
    order = np.argsort(-total, kind="stable")
    for low, high in zip(BINS, (*BINS[1:], n)):
        some = order[low:high]
        share = counts[1, some] / total[some]
        chance = np.sqrt(overall * (1 - overall) / total[some]).mean()
        reported = f"{counts[1, some].sum() / total[some].sum():.3f} | {share.std():.3f} | {chance:.3f}"
        yield f"| {low + 1:,}-{high:,} | {total[some].mean():.0f} | {reported} |"


def nearness(train: list[Ints], test: list[Ints], least: int = 20) -> tuple[int, npt.NDArray[np.float64]]:
    """How near each tenth of a line's new places is to its test part (cosine of visitors), against their mean."""
    visitors, places = np.repeat(np.arange(len(train)), [len(line) for line in train]), np.concatenate(train)
    n = int(max(places.max(), np.concatenate(test).max())) + 1
    matrix = sparse.csc_array((np.ones(len(places)), (visitors, places)), shape=(len(train), n))
    norm = np.sqrt(np.maximum(matrix.sum(0), 1))
    profiles, highest = [], -1
    for line, hidden in zip(train, test):
        new = line[line > highest]
        highest = max(highest, int(line.max()))
        if len(new) < max(least, len(line) / 2):
            continue
        near = (matrix[:, new].T @ matrix[:, hidden]).toarray() / np.outer(norm[new], norm[hidden])
        tenths = np.array([part.mean() for part in np.array_split(near.mean(1), TENTHS)])
        if tenths.sum():
            profiles.append(tenths / tenths.mean())
    return len(profiles), np.mean(profiles, axis=0)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
def main(folder: Path) -> None:
    train, test = rows(folder, "train"), rows(folder, "test")
    print("| places by popularity | check-ins each | share in test | spread | by chance |\n|---|---|---|---|---|")
    for line in shares(train, test):
        print(line)
    n, profile = nearness(train, test)
    print(f"\nNearness to the test part by tenths of the line, {n} users: {' '.join(f'{x:.2f}' for x in profile)}")


if __name__ == "__main__":
    main()
