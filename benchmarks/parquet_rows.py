"""Listens as Parquet, made on the spot and preprocessed: seconds and peak memory.

python benchmarks/parquet_rows.py --rows 100000000 FOLDER   # 1 GB of listens, 10 GB more while they are sorted

FOLDER gets files of a million listens (uid, item_id, timestamp), as Yambda has them: 100 a listener, of items whose
popularity follows Zipf's law. The listens of a listener lie in all files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from preprocess_speed import measure
from records import Recorder

FILE = 1_000_000
"""Rows of a file."""
LISTENS = 100
"""Of a listener, in the mean."""


def write(folder: Path, rows: int, seed: int) -> None:
    """The files of ``rows`` listens."""
    generator = np.random.default_rng(seed)
    listeners, items = max(rows // LISTENS, 1), max(rows // 50, 1)
    for number, first in enumerate(range(0, rows, FILE)):
        n = min(FILE, rows - first)
        # The inverse of Zipf's distribution function, whose tail log(x) approximates.
        item = np.minimum(np.exp(generator.random(n) * np.log(items)).astype(np.int64), items - 1)
        table = pa.table(
            {
                "uid": generator.integers(0, listeners, n),
                "item_id": item,
                "timestamp": generator.integers(0, 26_000_000, n) * 5,
            }
        )
        pq.write_table(table, folder / f"listens-{number:05}.parquet")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--rows", type=int, default=10_000_000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(folder: Path, rows: int, seed: int, record: str | None) -> None:
    (folder / "listens").mkdir(parents=True)
    write(folder / "listens", rows, seed)
    megabytes = sum(path.stat().st_size for path in (folder / "listens").iterdir()) / 1e6
    command = [sys.executable, "-m", "playlistrec", "preprocess", str(folder / "listens"), "-o", str(folder / "data")]
    seconds, processor, peak, printed = measure([*command, "--k-core", "5", "--split", "edges"])
    print(printed)
    print(
        f"{rows:,} rows, {megabytes:,.0f} MB: {seconds:,.0f} s, {processor:,.0f} s of processor, {peak / 1e6:,.0f} MB"
    )
    recorder = Recorder(
        record,
        model="preprocess",
        data="listens made on the spot",
        split="edges",
        part="none",
        seed=seed,
        chosen="nothing",
    )
    taken = {"preprocess": round(seconds), "processor": round(processor)}
    recorder.add(row=f"{rows:,} rows of Parquet, k-core 5", seconds=taken, memory_mb=round(peak / 1e6))
    recorder.save()


if __name__ == "__main__":
    main()
