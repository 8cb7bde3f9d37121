"""Fitting several models one after the other, each in a process of its own."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .. import errors
from ..config import require
from ..errors import ConfigError, PlaylistrecError, RunError
from ..events import Event, OnEvent, ignore
from ..models.registry import model_class
from ..processes import start
from ..storage import locked, make_folder
from .auto.choice import AUTO
from .run_folder import read_info

__all__ = ["FitRequest", "fit_each"]


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """One fit of :func:`fit_each`.

    Attributes:
        model, options, preset, epochs, time_limit, device, seed, refit: as of
            :func:`~playlistrec.experiment.fitting.fit`.
        label: the name of the model in tables, and of its folder; if empty, the model and its options.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    epochs: int | None = None
    time_limit: float | None = None
    device: str = "auto"
    seed: int | None = None
    refit: bool = False
    label: str = ""

    @property
    def name(self) -> str:
        """The label, or else the model and all that is not as by default."""
        if self.label:
            return self.label
        parts = [f"{name}={value}" for name, value in self.options.items()]
        for name in ("preset", "epochs", "time_limit", "seed"):
            value = getattr(self, name)
            parts += [] if value is None else [f"{name}={value}"]
        return " ".join([self.model, *parts, *(["refit"] if self.refit else [])])

    @property
    def folder_name(self) -> str:
        """The label as the name of a folder."""
        return re.sub(r"[^\w.=,+-]+", "-", "-".join(word.strip("-") for word in self.name.split()))


def fit_each(
    data: str | Path,
    requests: Sequence[FitRequest | str],
    out: str | Path,
    *,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> tuple[dict[str, Path], dict[str, PlaylistrecError]]:
    """Fit models one after the other, each in a process of its own, into folders below ``out``.

    Models that are fitted there already are left as they are; interrupted fits are resumed.

    Args:
        requests: fits, or names of models.
        seed: of each that has none of its own.

    Returns:
        The run folders of those that are fitted, and the errors of the others, both by name.

    Raises:
        ConfigError: a model that does not exist, or two that would share a folder. RunError: another process fits into
            ``out``.
    """
    folders: dict[str, Path] = {}
    chosen: dict[str, FitRequest] = {}
    for given in requests:
        request = FitRequest(model=given) if isinstance(given, str) else given
        require(bool(request.model), "models", "a name and options of fit", request.model)
        if request.model != AUTO:
            model_class(request.model)
        if request.seed is None and seed:
            request = replace(request, seed=seed, label=request.name)
            folder = Path(out) / replace(request, label=f"{request.name} --seed {seed}").folder_name
        else:
            folder = Path(out) / request.folder_name
        if chosen.get(request.name, request) != request:
            raise ConfigError(f"two different fits are called {request.name!r}: give each a label of its own")
        if request.name not in folders and folder in folders.values():
            other = next(name for name, known in folders.items() if known == folder)
            raise ConfigError(
                f"models must differ in letters or digits: {other!r} and {request.name!r} are both {folder}"
            )
        folders[request.name], chosen[request.name] = folder, request
    fitted: dict[str, Path] = {}
    failed: dict[str, PlaylistrecError] = {}
    make_folder(Path(out))
    with locked(Path(out), RunError):
        for name, folder in folders.items():
            if not _is_fitted(folder):
                on_event(Event("message", f"fitting {name} into {folder}"))
                error = _fit_apart(Path(data), folder, chosen[name], on_event)
                if error is not None:
                    on_event(Event("warning", f"{name}: {error}"))
                    failed[name] = error
                    continue
            fitted[name] = folder
    return fitted, failed


def _fit_apart(data: Path, folder: Path, request: FitRequest, on_event: OnEvent) -> PlaylistrecError | None:
    """Fit in a process of its own; its error where it failed."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, data, folder, request, os.getpid()), daemon=False)
    start(process)
    sender.close()
    error: PlaylistrecError | None = None
    try:
        while True:
            what, kind, text, hint = receiver.recv()
            if what == "error":
                error = getattr(errors, kind)(text, hint)
            else:
                on_event(Event(kind, f"{request.name}: {text}"))
    except EOFError:
        process.join()
    except BaseException:
        process.terminate()
        process.join()
        raise
    if error is None and process.exitcode:
        if process.exitcode < 0:
            ended = f"ended by signal {-process.exitcode} (9: by hand, or for lack of memory)"
            return RunError(f"the fit was {ended}")
        return RunError(f"the fit ended with exit code {process.exitcode}")
    return error


def _work(sender: Connection, data: Path, folder: Path, request: FitRequest, parent: int) -> None:
    """The work of one process: warnings and the error go through the pipe as text."""
    _end_with(parent)
    from .fitting import fit

    def on_event(event: Event) -> None:
        if event.kind == "warning":
            sender.send(("event", event.kind, event.text, None))

    resume = (folder / "checkpoint.npz").exists()
    try:
        fit(
            data,
            request.model,
            folder,
            options=request.options,
            preset=None if resume else request.preset,  # a resumed run keeps its preset
            epochs=request.epochs,
            time_limit=request.time_limit,
            device=request.device,
            seed=request.seed,
            resume=resume,
            refit=request.refit,
            force=not resume and (folder / "run.json").exists(),  # killed before the first epoch was done
            on_event=on_event,
        )
    except PlaylistrecError as error:
        sender.send(("error", type(error).__name__, error.message, error.hint))
    except MemoryError as error:
        sender.send(("error", "RunError", f"not enough memory: {error}" if str(error) else "not enough memory", None))
    except OSError as error:
        named = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        sender.send(("error", "RunError", named, None))
    except Exception as error:
        sender.send(("error", "RunError", f"unexpected {type(error).__name__}: {error}", None))


def _end_with(parent: int) -> None:
    """Have the system end this process when the one that began it is killed, where it can (Linux)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it was killed before
        sys.exit(1)


def _is_fitted(folder: Path) -> bool:
    return (folder / "run.json").exists() and "seconds" in read_info(folder)
