"""What is done to runs from a list of them: in a thread, run by run, each with a sentence of what came of it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vae_tui.errors import VaeTuiError
from vae_tui.runs.about import change_about
from vae_tui.runs.answers import ask
from vae_tui.runs.commands import Command
from vae_tui.runs.job import OpenedRun, TrainingJob, start_trainer, wait_until_opened
from vae_tui.runs.layout import Run
from vae_tui.runs.prune import prune as prune_run
from vae_tui.runs.summary import Summary
from vae_tui.sweep.folder import rename_run
from vae_tui.wording import counted, format_bytes


@dataclass
class Report:
    """What came of an action: a sentence a run, and those that failed."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """All of it in a line; failures first."""
        if len(self.done) > 1:
            return "; ".join([*self.failed, f"{counted(len(self.done), 'run')} done: {self.done[-1]}"])
        return "; ".join([*self.failed, *self.done])


def for_each(runs: Iterable[Summary], do: Callable[[Run], str]) -> Report:
    """Do something to each run; one that fails does not keep it from the others."""
    report = Report()
    for summary in runs:
        try:
            report.done.append(do(Run(summary.path)))
        except VaeTuiError as error:
            report.failed.append(str(error))
    return report


def command_to(command: Command) -> Callable[[Run], str]:
    """Send a command to a run's trainer and wait for its answer."""
    return lambda run: f"{run.name}: {ask(run, command)}"


def delete(run: Run) -> str:
    """Delete a run."""
    run.delete()
    return f"deleted {run.name}"


def prune(run: Run) -> str:
    """Delete a run's checkpoints but the best and the newest."""
    return f"pruned {run.name}: {format_bytes(prune_run(run, keep=1))} freed"


def rename_to(name: str) -> Callable[[Run], str]:
    """Give a run another name."""
    return lambda run: f"{run.name} is {rename_run(run, name).name} now"


def tag_with(text: str) -> Callable[[Run], str]:
    """Add the tags of a text to a run; of those with a - before them, take them away."""
    words = text.split()
    added = [word for word in words if not word.startswith("-")]
    removed = [word[1:] for word in words if word.startswith("-")]

    def do(run: Run) -> str:
        tags = change_about(run, add=added, remove=removed).tags
        return f"{run.name}: {' '.join(tags) or 'no tags'}"

    return do


def note_down(note: str) -> Callable[[Run], str]:
    """Write a note to a run, in place of the one before."""

    def do(run: Run) -> str:
        change_about(run, note=note)
        return f"{run.name}: the note was {'written' if note else 'removed'}"

    return do


@dataclass(frozen=True)
class StartedRun:
    """A run that is trained from now on, and its trainer."""

    opened: OpenedRun
    trainer: subprocess.Popen[bytes]


def start(job: TrainingJob) -> StartedRun:
    """Start a trainer and wait until it has opened its run; raises VaeTuiError with the reason where it cannot."""
    trainer = start_trainer(job)
    return StartedRun(wait_until_opened(trainer), trainer)


def read_new_run(text: str, runs_dir: Path, data_root: Path | None) -> TrainingJob:
    """The job of `RECIPE KEY=VALUE... name=NAME`, checked as `vae-tui check` does; raises VaeTuiError with what is wrong."""
    from vae_tui.recipe import load_recipe  # noqa: PLC0415 - pydantic, for this alone

    try:
        recipe, *settings = shlex.split(text)
    except ValueError as error:
        missing = "type the name of a recipe" if not text.strip() else "a quotation mark has no other that ends it"
        raise VaeTuiError(missing) from error
    names = [word.partition("=")[2] for word in settings if word.startswith("name=")]
    settings = [word for word in settings if not word.startswith("name=")]
    if strange := next((word for word in settings if "=" not in word), None):
        raise VaeTuiError(f"{strange!r}: expected KEY=VALUE, such as objective.beta=4")
    load_recipe(recipe, settings)
    name = names[-1] if names else None
    return TrainingJob(
        recipe=recipe, overrides=tuple(settings), name=name or None, runs_dir=runs_dir, data_root=data_root
    )


def suggest_new_run(text: str) -> Sequence[tuple[str, str]]:
    """Recipes that fit what is typed, and once there is one, its settings with their values."""
    from vae_tui.recipe import load_recipe, shipped_recipes  # noqa: PLC0415
    from vae_tui.runs.differences import flatten  # noqa: PLC0415

    recipe, space, rest = text.partition(" ")
    if not space:
        return [(name, _first_comment(path)) for name, path in shipped_recipes().items() if recipe in name][:40]
    *before, last = rest.split(" ")
    try:
        values = flatten(load_recipe(recipe).recipe.resolved())
    except VaeTuiError:
        return []
    key = last.partition("=")[0]
    fitting = [one for one in values if key in one]
    start = " ".join([recipe, *before])
    return [(f"{start} {one}={_written(values[one])}", "") for one in fitting[:40] if "=" not in last]


def _first_comment(path: Path) -> str:
    """What a recipe says it is, in the second line of its file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    comments = [line.lstrip("# ") for line in lines[1:4] if line.startswith("#")]
    return comments[0] if comments else ""


def _written(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
