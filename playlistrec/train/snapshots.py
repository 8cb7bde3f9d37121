"""The tracks' vectors of chosen epochs, kept beside a run so that one can see how they moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..storage import make_folder, read_arrays, write_arrays

__all__ = ["read_snapshot", "snapshot_epochs", "track_vectors", "write_snapshot"]

Vectors = npt.NDArray[np.float32]


@torch.no_grad()
def track_vectors(model: Any) -> Vectors:
    """(n_tracks, d) what the model compares playlists with: the final vectors, or else the tracks' embeddings."""
    return np.asarray(model.track_vectors().detach().float().cpu().numpy())


def write_snapshot(folder: Path, model: Any, epoch: int) -> None:
    """Keep the tracks' vectors after ``epoch`` epochs in ``folder/snapshots``, as float16 and of length 1 at most.

    Vectors longer than 1 are all divided by the longest one's length, since float16 ends at 65,504.
    """
    vectors = track_vectors(model)
    longest = np.linalg.norm(vectors, axis=1).max(initial=1.0)
    make_folder(folder / "snapshots")
    write_arrays(_path(folder, epoch), {"track": (vectors / longest).astype(np.float16)}, {"epoch": epoch})


def snapshot_epochs(folder: Path) -> list[int]:
    """The epochs whose vectors the run folder keeps."""
    return sorted(int(path.stem) for path in (folder / "snapshots").glob("*.npz") if path.stem.isdecimal())


def read_snapshot(folder: Path, epoch: int) -> Vectors:
    """(n_tracks, d) what :func:`write_snapshot` kept. Raises RunError when it is missing or damaged."""
    return np.asarray(read_arrays(_path(folder, epoch))[0]["track"], dtype=np.float32)


def _path(folder: Path, epoch: int) -> Path:
    return folder / "snapshots" / f"{epoch:05d}.npz"
