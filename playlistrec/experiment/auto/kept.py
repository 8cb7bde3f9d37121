"""A run of what ``auto`` kept: one model, or a blend of several."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ...models.base import Arrays
from ...models.ensemble.blend import Blend, BlendConfig
from ...storage import checksums, make_folder, toml_text, write_arrays, write_file
from ..data import Data
from ..fit_steps import peak_memory_mb, versions
from ..loading import carry
from ..run_folder import FORMAT_VERSION, RUN, begun_folder, model_card, write_info
from ..runs import Run
from .choice import AUTO
from .tries import Tried

__all__ = ["folder_of", "kept"]


def _begun(data: Data, seed: int) -> dict[str, Any]:
    """The entries of ``run.json`` before anything is known."""
    return {
        "format": FORMAT_VERSION,
        "model": AUTO,
        "options": {},
        "training": None,
        "preset": None,
        "seed": seed,
        "data": str(data.path.absolute()) if data.path else None,
        "vocabulary": data.corpus.vocabulary_hash,
        "split": data.split.fingerprint,
        "refit": False,
    }


def folder_of(data: Data, out: Path | None, *, seed: int, force: bool) -> AbstractContextManager[Path | None]:
    """The folder in which the run is made; none in memory. Raises RunError where ``out`` exists."""
    if out is None:
        return nullcontext()
    sources = [data.path] if data.path else []
    return begun_folder(out, _begun(data, seed), force=force, sources=sources, refit=False)


def kept(
    data: Data,
    out: Path | None,
    work: Path | None,
    parts: Sequence[Tried],
    weights: Sequence[float],
    refits: Sequence[Arrays] | None,
    table: dict[str, Any],
    *,
    seconds: float,
    seed: int,
    slim: bool,
) -> Run:
    """The run of one part, or of the blend of several, written to ``work`` where there is a folder ``out``."""
    [first, *others] = parts
    kind, config, training = first.steps.model_type, first.steps.options, first.steps.training
    arrays, again = first.arrays, None if refits is None else refits[0]
    if others:
        config = BlendConfig(parts=tuple(part.candidate.model for part in parts), weights=tuple(weights))
        kind, training = Blend, None
        arrays = Blend([part.model for part in parts], weights, config).state()
        if refits is not None:
            known = data.split.ranking(data.corpus, "test")
            models = [p.steps.model_type.from_state(known, p.steps.options, a) for p, a in zip(parts, refits)]
            again = Blend(models, weights, config).state()
    state = None if others else first.state
    info: dict[str, Any] = {
        **_begun(data, seed),
        "model": kind.name,
        "options": config.as_dict(),
        "training": training.as_dict() if training else None,
        "refit": again is not None,
        "best_epoch": state.best_epoch if state else None,
        "stopped": state.stopped if state else None,
        "valid": None if others else first.metrics,
        "seconds": round(seconds, 2),
        "peak_memory_mb": peak_memory_mb(),
        "device": str(first.steps.device),
        "versions": versions(),
        "auto": table,
    }
    if out is not None and work is not None:
        write_arrays(work / "weights.npz", arrays, {})
        if again is not None:
            make_folder(work / "refit")
            write_arrays(work / "refit" / "weights.npz", again, {})
        if not slim:
            carry(work, data)
        write_file(work / "config.toml", toml_text({**info["options"], **(info["training"] or {})}))
        write_file(work / "MODEL.md", model_card(out, info, kind.summary, data))
        info |= {"type": RUN.marker, "files": checksums(work, RUN.manifest)}
        write_info(work, info)
    return Run(data, kind, config, arrays, again, info, out)
