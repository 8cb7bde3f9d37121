"""A command, and a row of what it took: seconds, processor seconds and peak memory of it and its processes.

python benchmarks/timed.py "preprocess" playlistrec preprocess slices -o data
"""

from __future__ import annotations

import sys

from preprocess_speed import measure


def main() -> None:
    label, command = sys.argv[1], sys.argv[2:]
    seconds, processor, peak, printed = measure(command)
    last = printed.splitlines()[-1] if printed else ""
    print(f"| {label} | {seconds:,.0f} | {processor:,.0f} | {peak / 1e6:,.0f} MB | {last} |", flush=True)


if __name__ == "__main__":
    main()
