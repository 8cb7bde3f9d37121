"""An Optuna study in a folder: what `tune` keeps of its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...errors import ConfigError, RunError
from ...storage import locked, make_folder

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

__all__ = ["CUT_OFF", "PRUNED", "Failed", "Outcome", "ask", "counts", "done", "last_error", "opened", "tell"]

CUT_OFF: Literal["cut off"] = "cut off"
PRUNED: Literal["pruned"] = "pruned"


@dataclass(frozen=True)
class Failed:
    """Why a trial has no value."""

    error: str

    def __str__(self) -> str:
        return f"failed: {self.error}"


Outcome = float | Failed | Literal["cut off", "pruned"]
"""Of a trial: its value, or what else became of it."""


@contextmanager
def opened(folder: Path, about: Mapping[str, Any]) -> Iterator[optuna.Study]:
    """The study in ``folder/study.db``, begun or gone on with. Within this block Optuna tells only warnings.

    Args:
        about: what the searches of one study have in common.

    Raises:
        ConfigError: Optuna is not installed.
        RunError: the folder cannot be written, another process searches in it, or its study is about something else.
    """
    try:
        import optuna
    except ImportError:
        raise ConfigError("tune needs Optuna, which is not installed: pip install 'playlistrec[tune]'") from None
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    own = ExitStack()
    try:
        make_folder(folder)
        own.enter_context(locked(folder, RunError))
        study = optuna.create_study(
            storage=f"sqlite:///{(folder / 'study.db').absolute()}",
            study_name="tune",
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(),
            load_if_exists=True,
        )
        for name, value in about.items():
            before = study.user_attrs.get(name, value)
            if before != value:
                raise RunError(f"{folder} holds a search with another {name}: {before!r}, not {value!r}")
            study.set_user_attr(name, value)
        for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):  # its process was killed
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        yield study
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}") from error
    except SQLAlchemyError as error:
        raise RunError(f"{folder}/study.db cannot be used: {str(error).splitlines()[0]}") from error
    finally:
        own.close()
        optuna.logging.set_verbosity(verbosity)


def ask(study: optuna.Study, sampler: str, seed: int, n_done: int) -> optuna.Trial:
    """The next trial. Its draws depend on ``seed`` and the trials that are done, not on when the study was opened."""
    import optuna

    own = seed * 1_000_003 + n_done
    made = optuna.samplers.TPESampler(seed=own) if sampler == "tpe" else optuna.samplers.RandomSampler(seed=own)
    study.sampler = made
    return study.ask()


def tell(study: optuna.Study, trial: optuna.Trial, outcome: Outcome) -> None:
    """Keep what became of a trial. One that was cut off counts for nothing, so that :func:`ask` draws it again."""
    import optuna

    if isinstance(outcome, float):
        study.tell(trial, outcome)
    elif outcome == PRUNED:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    elif isinstance(outcome, Failed):
        trial.set_user_attr("error", outcome.error)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)


def done(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that have a value, were pruned, or failed by themselves: not those that were cut off or killed."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in ("COMPLETE", "PRUNED") or "error" in trial.user_attrs
    ]


def counts(study: optuna.Study) -> dict[str, int]:
    """The numbers of trials that were ``finished``, ``pruned``, and ``failed``."""
    states = [trial.state.name for trial in done(study)]
    return {
        outcome: states.count(state)
        for outcome, state in (("finished", "COMPLETE"), ("pruned", "PRUNED"), ("failed", "FAIL"))
    }


def last_error(study: optuna.Study) -> str | None:
    errors = [trial.user_attrs["error"] for trial in done(study) if "error" in trial.user_attrs]
    return errors[-1] if errors else None
