"""One line about a run, from bounded reads: the head and the tail of its log, and the headers of its checkpoints.

However long the run, a summary costs the same, so a folder of hundreds opens at once. `Summaries` remembers each by the
size and time of its log, its tags and its folder, and reads it again only when those changed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from vae_tui import events as ev
from vae_tui.errors import CheckpointError
from vae_tui.runs.about import About, read_about
from vae_tui.runs.best import choose_best, is_better
from vae_tui.runs.files import folder_size, open_file, read_small
from vae_tui.runs.identity import recipe_name
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_tail
from vae_tui.runs.status import Phase

_E = TypeVar("_E", bound=ev.Event)
_HEAD_BYTES = 1 << 16
_TAIL_BYTES = 1 << 15
_Stamp = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Summary:
    """A run in one line; figures are in nats per image, times in Unix seconds, None where not known.

    `train` and `validation` are those of the last epoch, `best` the validation of the best checkpoint at `best_step`,
    `rate_per_dimension` (Z,) that of the last epoch. `recipe_name` is what the recipe is called that it was made of, `sweep` the sweep it was made for.
    """

    path: Path
    phase: Phase
    live: bool
    recipe: dict[str, dict[str, Any]]
    about: About
    recipe_name: str = ""
    sweep: str = ""
    loss_name: str = ""
    reason: str = ""
    started: float | None = None
    updated: float | None = None
    epoch: int = 0
    step: int = 0
    train: ev.Figures | None = None
    validation: ev.Figures | None = None
    best: ev.Figures | None = None
    best_step: int | None = None
    rate_per_dimension: tuple[float | None, ...] = ()
    beta: float | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @cached_property
    def size_bytes(self) -> int:
        """What its folder takes on disk; every file is looked at, once."""
        return folder_size(self.path)

    @property
    def active_dimensions(self) -> int:
        """Latent dimensions that carry more than 0.01 nats."""
        return sum((rate or 0.0) > ev.ACTIVE_NATS for rate in self.rate_per_dimension)


class Summaries:
    """The summaries of runs, each remembered for as long as its log is the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Stamp, Summary]] = {}

    def of(self, run: Run) -> Summary:
        """The summary of a run, read only where its log has changed since the last time."""
        key, stamp = os.fspath(run.path), _stamp(run)
        known = self._known.get(key)
        if known is not None and known[0] == stamp:
            # A trainer may have died without writing anything.
            return _with_liveness(run, known[1]) if known[1].live else known[1]
        summary = summarize(run)
        self._known[key] = stamp, summary
        return summary


def summarize(run: Run) -> Summary:
    """Read the summary of a run."""
    head, tail = _read_head(run), list(_read_backwards(run))
    training = _first(tail, ev.TrainingStarted) or _first(head, ev.TrainingStarted)
    epoch = _first(tail, ev.EpochCompleted)
    finished = tail[0] if tail and isinstance(tail[0], ev.RunFinished) else None
    first = head[0] if head else None
    written_by_others = isinstance(first, ev.RunStarted) and bool(first.trainer)
    best, best_step = _best_in_log(run) if written_by_others else _read_best(run)
    summary = Summary(
        path=run.path,
        phase=(finished.stood or finished.status) if finished else "starting",
        live=False,
        recipe=_read_recipe(run) or (first.recipe if isinstance(first, ev.RunStarted) else {}),
        about=read_about(run),
        recipe_name=recipe_name(run, first),
        sweep=first.sweep if isinstance(first, ev.RunStarted) else "",
        loss_name=training.loss if training else "",
        reason=finished.reason if finished else "",
        started=first.time if first else None,
        updated=tail[0].time if tail else None,
        epoch=max((getattr(event, "epoch", 0) for event in tail), default=0),
        step=tail[0].step if tail else 0,
        train=epoch.train if epoch else None,
        validation=epoch.validation if epoch else None,
        best=best,
        best_step=best_step,
        rate_per_dimension=tuple(epoch.rate_per_dimension) if epoch else (),
        beta=epoch.beta if epoch else None,
    )
    return summary if finished else _with_liveness(run, replace(summary, phase=_phase_of_a_live_run(tail)))


def _with_liveness(run: Run, summary: Summary) -> Summary:
    if lock_holder(run.path) is not None:
        return replace(summary, live=True)
    return replace(summary, live=False, phase="interrupted")


def _phase_of_a_live_run(newest_first: list[ev.Event]) -> Phase:
    for event in newest_first:
        if isinstance(event, ev.CommandDone) and event.command in ("pause", "unpause"):
            return "paused" if event.command == "pause" else "training"
        if isinstance(event, ev.StepCompleted | ev.EpochStarted | ev.EpochCompleted | ev.TrainingStarted):
            return "training"
        if isinstance(event, ev.RunStarted):
            break
    return "starting"


def _read_recipe(run: Run) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(read_small(run.recipe_path).decode())
    except (OSError, ValueError, RecursionError):
        return {}
    recipe = {name: table for name, table in tables.items() if isinstance(table, dict)}
    changes = tables.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(key := change.get("key"), str):
            table, _, name = key.partition(".")
            recipe.setdefault(table, {})[name] = change.get("value")
    return recipe


def _read_best(run: Run) -> tuple[ev.Figures | None, int | None]:
    try:
        choice = choose_best(run)
    except CheckpointError:
        return None, None
    validation = choice.metadata.get("validation")
    if choice.loss is None or not isinstance(validation, dict):
        return None, None
    return validation, choice.checkpoint.step


def _best_in_log(run: Run) -> tuple[ev.Figures | None, int | None]:
    """The best validation of a run that keeps no checkpoints of ours, where there is one."""
    validated: list[tuple[int, ev.Figures]] = []
    try:
        with open_file(run.events_path) as log:
            for line in log:
                if b'"epoch_completed"' not in line and b'"run_started"' not in line:
                    continue
                event = ev.from_json(line.decode("utf-8", "replace").rstrip("\n"))
                if isinstance(event, ev.RunStarted):
                    # What an attempt did after the step that the next one went on from counts no longer.
                    validated = [one for one in validated if one[0] <= (event.resumed_from or 0)]
                elif isinstance(event, ev.EpochCompleted) and event.validation is not None:
                    validated.append((event.step, event.validation))
    except OSError:
        return None, None
    best: tuple[ev.Figures | None, int | None] = None, None
    best_loss: float | None = None
    for step, figures in validated:
        if is_better(figures.get("loss"), best_loss):
            best, best_loss = (figures, step), figures["loss"]
    return best


def _read_head(run: Run) -> list[ev.Event]:
    """The events at the start of the log."""
    try:
        with open_file(run.events_path) as log:
            lines = log.read(_HEAD_BYTES).rpartition(b"\n")[0].decode("utf-8", "replace")
    except OSError:
        return []
    found = []
    for line in lines.split("\n"):
        if (event := ev.from_json(line)) is not None:
            found.append(event)
            if isinstance(event, ev.TrainingStarted):
                break
    return found


def _read_backwards(run: Run) -> Iterator[ev.Event]:
    """The events at the end of the log, newest first, as far back as the last whole epoch or the first start.

    What was after the step that the run was resumed from is left out.
    """
    resumed_from: int | None = None
    for line in reversed(read_tail(run.events_path, _TAIL_BYTES).split("\n")):
        event = ev.from_json(line)
        if event is None:
            continue
        if resumed_from is not None and (
            event.step > resumed_from or not isinstance(event, ev.EpochCompleted | ev.RunStarted)
        ):
            continue
        yield event
        if isinstance(event, ev.EpochCompleted):
            return
        if isinstance(event, ev.RunStarted):
            if event.resumed_from is None:
                return
            resumed_from = event.resumed_from if resumed_from is None else min(resumed_from, event.resumed_from)


def _first(events: Iterable[ev.Event], kind: type[_E]) -> _E | None:
    return next((event for event in events if isinstance(event, kind)), None)


def _stamp(run: Run) -> _Stamp:
    # The folder's time is that of the newest file in it that came or went.
    return tuple(_size_and_time(path) for path in (run.events_path, run.about_path, run.path))


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
