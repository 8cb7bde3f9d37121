"""``playlistrec export``"""

from __future__ import annotations

from pathlib import Path

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to.")
@click.option(
    "--to",
    multiple=True,
    default=("parquet",),
    show_default=True,
    metavar="KIND",
    help="parquet (there in any case), npz, voyager, faiss, torchscript or dgl; may repeat.",
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
    """Write the vectors of a run, indices of them, a module or a graph, for programs that know nothing of this one."""
    from ..export.export import export

    with screen.events() as on_event:
        manifest = export(run, out, to, data=data, force=force, device=device, on_event=on_event)
    if as_json:
        screen.json(manifest)
        return
    counts = manifest["counts"]
    screen.line(f"{counts['playlists']:,} playlists and {counts['tracks']:,} tracks, {manifest['dim']} dims, in {out}")
    for kind, told in manifest["kinds"].items():
        facts = [f"{name} {value}" for name, value in told.items() if name not in ("files", "edges")]
        screen.line(f"{kind}: {', '.join([*told['files'], *facts])}")
