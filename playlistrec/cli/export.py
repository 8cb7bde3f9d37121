"""``playlistrec export``"""

from __future__ import annotations

from pathlib import Path

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("export", reads_runs=True)
@click.argument("run", metavar="RUN | DATA", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to.")
@click.option(
    "--to",
    multiple=True,
    default=("parquet",),
    show_default=True,
    metavar="KIND",
    help="parquet (there in any case), npz, safetensors, onnx, voyager, faiss, dgl; hub-folder alone; may repeat.",
)
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--force", is_flag=True, help="Replace DIR, where it is an export.")
@click.option("--json", "as_json", is_flag=True, help="The manifest as one JSON object.")
def command(
    screen: Screen,
    run: Path,
    out: Path,
    to: tuple[str, ...],
    data: Path | None,
    device: str,
    force: bool,
    as_json: bool,
) -> None:
    """Write the vectors of a run for other programs: as tables, indices, an ONNX model or a graph.

    With a data folder DATA, --to dgl writes the graph of its training entries.

    \b
    playlistrec export run -o out --to parquet --to onnx
    playlistrec export data -o out --to dgl
    """
    from ..export.export import export, export_graph
    from ..export.hub_folder import export_hub_folder

    if (run / "manifest.json").exists() and not (run / "run.json").exists():
        if to != ("dgl",):
            raise click.UsageError(f"{run} is a data folder, which has no vectors: write its graph with --to dgl")
        with screen.events() as on_event:
            manifest = export_graph(run, out, force=force, on_event=on_event)
        if as_json:
            screen.json(manifest)
            return
        edges = ", ".join(f"{etype} {n:,}" for etype, n in manifest["kinds"]["dgl"]["edges"].items())
        screen.line(f"graph.bin in {out}: {edges}")
        return
    if "hub-folder" in to:
        if to != ("hub-folder",):
            raise click.UsageError("--to hub-folder stands alone: the folder is uploaded as it is")
        with screen.events() as on_event:
            info = export_hub_folder(run, out, data=data, force=force, on_event=on_event)
        if as_json:
            screen.json(info)
            return
        screen.line(f"{info['model']} in {out}: upload it as it is, or read it with Run.load")
        return
    with screen.events() as on_event:
        manifest = export(run, out, to, data=data, force=force, device=device, on_event=on_event)
    if as_json:
        screen.json(manifest)
        return
    counts = manifest["counts"]
    screen.line(f"{counts['playlists']:,} playlists and {counts['tracks']:,} tracks, {manifest['dim']} dims, in {out}")
    for kind, about in manifest["kinds"].items():
        facts = [f"{name} {value}" for name, value in about.items() if name not in ("files", "edges")]
        screen.line(f"{kind}: {', '.join([*about['files'], *facts])}")
