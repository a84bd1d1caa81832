"""A search's study, by Optuna: kept as Optuna's own journal in the sweep's folder, so that optuna-dashboard opens it."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from pathlib import Path
from typing import Any, cast

from vae_tui.errors import VaeTuiError
from vae_tui.sweep.search import Search

JOURNAL = "study.journal"


class _JournalLock:
    """Who writes to the journal holds this, and the kernel drops it with the process.

    Optuna's own lock is a file that a killed worker leaves behind: the next one waits half a minute for it, and for ever where
    the journal's path is relative.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self) -> bool:
        """Wait for it."""
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give it back."""
        os.close(self._descriptor)


class Study:
    """The trials of a search, as one worker sees them; any number of workers share it."""

    def __init__(self, folder: Path, name: str, search: Search) -> None:
        """Open the study in a sweep's folder, or begin it.

        Raises VaeTuiError where Optuna is not installed, or the journal cannot be read or written.
        """
        try:
            import optuna  # noqa: PLC0415 - it is optional, and takes a second
            from optuna.storages import JournalStorage  # noqa: PLC0415
            from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415
        except ImportError as error:
            raise VaeTuiError(
                f"searches are Optuna's, and the package {error.name} is not installed: pip install 'vae-tui[search]'"
            ) from error
        optuna.logging.set_verbosity(logging.WARNING)
        self._optuna, self._search = optuna, search
        path, lock = folder / JOURNAL, _JournalLock(folder / "study.lock")
        try:
            _cut_torn_line(path, lock)
            self._study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(path), cast(Any, lock))),
                study_name=name,
                direction="maximize" if search.direction == "maximize" else "minimize",
                pruner=_pruner(optuna, search),
                load_if_exists=True,
            )
        except OSError as error:
            raise VaeTuiError(f"{path} cannot be read and written: {error.strerror}") from error
        except ValueError as error:
            raise VaeTuiError(f"{path} is damaged, and is Optuna's record of this search: {error}") from error

    def ask(self) -> tuple[int, dict[str, Any]]:
        """A new trial: its number, and its values by key; one worker at a time.

        The draws of each trial have a seed of their own: a worker that was started anew would draw the first ones again.
        """
        count = len(self._study.get_trials(deepcopy=False))
        self._study.sampler = _sampler(self._optuna, self._search, self._search.seed + count)
        trial = self._study.ask()
        return trial.number, {key: _suggest(trial, key, dimension) for key, dimension in self._search.space.items()}

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Report a trial's figure after an epoch; whether it is to be stopped, as it lags behind the others."""
        trial = self._trial(number)
        with contextlib.suppress(self._optuna.exceptions.OptunaError):
            trial.report(value, epoch)
        return bool(trial.should_prune())

    def tell(self, number: int, value: float | None, *, pruned: bool = False) -> None:
        """Say how a trial ended: with its figure, or pruned, or failed where it has none."""
        states = self._optuna.trial.TrialState
        state = states.PRUNED if pruned else states.COMPLETE if value is not None else states.FAIL
        self._study.tell(number, value if state is states.COMPLETE else None, state=state, skip_if_finished=True)

    def importances(self) -> dict[str, float]:
        """How much of the variance of the figure each key explains, the most first, by functional ANOVA.

        Hutter et al., An Efficient Approach for Assessing Hyperparameter Importance, 2014. Empty before two trials completed.
        """
        importance = self._optuna.importance
        with contextlib.suppress(ValueError, RuntimeError):
            # The forest it is read off is grown at random: of the same trials always the same one.
            evaluator = importance.FanovaImportanceEvaluator(seed=0)
            return dict(importance.get_param_importances(self._study, evaluator=evaluator))
        return {}

    def _trial(self, number: int) -> Any:
        storage, study_id = self._study._storage, self._study._study_id
        trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, number)
        return self._optuna.trial.Trial(self._study, trial_id)


def read_importances(folder: Path, name: str, search: Search) -> dict[str, float]:
    """`Study.importances` of the search in a sweep's folder; empty where it was not begun, or Optuna is not installed."""
    if not (folder / JOURNAL).exists():
        return {}
    with contextlib.suppress(VaeTuiError, OSError):
        return Study(folder, name, search).importances()
    return {}


def _cut_torn_line(path: Path, lock: _JournalLock) -> None:
    """Cut off a last line that a killed worker did not write whole: Optuna refuses a journal with one in its midst."""
    lock.acquire()
    try:
        written = path.read_bytes() if path.exists() else b""
        if written and not written.endswith(b"\n"):
            os.truncate(path, written.rfind(b"\n") + 1)
    finally:
        lock.release()


def _suggest(trial: Any, key: str, dimension: dict[str, Any]) -> Any:
    if "choices" in dimension:
        # Optuna's choices are plain values: lists go by their number.
        return dimension["choices"][trial.suggest_categorical(key, range(len(dimension["choices"])))]
    low, high, log = dimension["low"], dimension["high"], dimension["log"]
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(key, low, high, log=log)
    return trial.suggest_float(key, low, high, log=log)


def _sampler(optuna: Any, search: Search, seed: int) -> Any:
    samplers = optuna.samplers
    if search.sampler == "cmaes":
        return samplers.CmaEsSampler(seed=seed)
    return samplers.TPESampler(seed=seed) if search.sampler == "tpe" else samplers.RandomSampler(seed=seed)


def _pruner(optuna: Any, search: Search) -> Any:
    pruners = optuna.pruners
    if search.pruner == "hyperband":
        return pruners.HyperbandPruner()
    return pruners.MedianPruner(n_warmup_steps=2) if search.pruner == "median" else pruners.NopPruner()
