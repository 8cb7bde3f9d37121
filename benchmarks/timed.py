"""A command, and a row of what it took: seconds, processor seconds and peak memory of it and its processes.

python benchmarks/timed.py "preprocess" playlistrec preprocess slices -o data
python benchmarks/timed.py --record TABLE --data "100 playlists" "preprocess" playlistrec preprocess slices -o data
"""

from __future__ import annotations

import click
from preprocess_speed import measure
from records import Recorder


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("label")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
@click.option("--data", default="", help="The data, for the record.")
@click.option("--script", default="", help="The command that prints all rows, for the record.")
def main(label: str, command: tuple[str, ...], record: str | None, data: str, script: str) -> None:
    seconds, processor, peak, printed = measure(list(command))
    last = printed.splitlines()[-1] if printed else ""
    print(f"| {label} | {seconds:,.0f} | {processor:,.0f} | {peak / 1e6:,.0f} MB | {last} |", flush=True)
    shared = {"command": script} if script else {}
    recorder = Recorder(record, data=data, split="none", part="none", seed=0, chosen="the presets", **shared)
    taken = {"clock": round(seconds), "processor": round(processor)}
    recorder.add(row=label, model=label, seconds=taken, memory_mb=round(peak / 1e6))
    recorder.save()


if __name__ == "__main__":
    main()
