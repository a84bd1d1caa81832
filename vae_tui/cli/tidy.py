"""Commands that keep runs in order: rename, delete, prune, tag."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.exits import EXIT_WRONG_INPUT
from vae_tui.cli.options import RunsDir
from vae_tui.cli.output import give, give_path, say
from vae_tui.errors import RunError

if TYPE_CHECKING:
    from vae_tui.sweep.folder import Sweep


def rename(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or path.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Give a run another name.

    Prints its new path. A live run is refused.
    """
    from vae_tui.runs.find import find_run
    from vae_tui.sweep.folder import rename_run

    give_path(rename_run(find_run(run, runs_dir), name).path)


def delete(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Runs by their full names, or paths; sweep:NAME with all its runs."),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Delete runs with all their checkpoints.

    Asks for each run's name to be typed; without a terminal, --yes says that it is meant. A live run is refused.
    """
    from vae_tui.cli.selection import find_runs, sweep_named
    from vae_tui.runs.files import folder_size
    from vae_tui.runs.find import find_exact_run
    from vae_tui.runs.lock import busy_message, lock_holder
    from vae_tui.wording import format_bytes

    for run in find_runs(runs, runs_dir, find_exact_run):
        if lock_holder(run.path) is not None:
            raise RunError(busy_message(run.path))
    _check_that_somebody_answers(yes)
    sweeps = {name: sweep_named(name, runs_dir) for name in runs}
    kept = False
    for sweep in filter(None, sweeps.values()):
        kept |= not _delete_sweep(sweep, yes=yes)
    for run in find_runs([name for name, sweep in sweeps.items() if sweep is None], runs_dir, find_exact_run):
        if not yes:
            say(f"{run.path}: {len(run.checkpoints())} checkpoints, {format_bytes(folder_size(run.path))}")
            if not _is_typed("it", run.name):
                kept = True
                continue
        run.delete()
        say(f"deleted {run.path}")
    if kept:
        raise typer.Exit(EXIT_WRONG_INPUT)


def _delete_sweep(sweep: Sweep, *, yes: bool) -> bool:
    """Delete a sweep with all of its runs; whether that was meant."""
    from vae_tui.cli.selection import runs_of
    from vae_tui.runs.files import folder_size
    from vae_tui.wording import counted, format_bytes

    runs = runs_of(sweep)
    if not yes:
        say(f"{sweep.folder}: {counted(len(runs), 'run')}, {format_bytes(sum(folder_size(run.path) for run in runs))}")
        if not _is_typed("the sweep and all of its runs", sweep.name):
            return False
    for run in runs:
        run.delete()
    sweep.delete()
    say(f"deleted {sweep.folder} and {counted(len(runs), 'run')}")
    return True


def _is_typed(what: str, name: str) -> bool:
    """Whether the name is typed by whoever is asked."""
    say(f"to delete {what}, type its name:")
    if sys.stdin.readline().strip() == name:
        return True
    say(f"{name} is kept")
    return False


def prune(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs, by name, path, recipe or the beginning of a name; sweep:NAME for all of a sweep.",
        ),
    ],
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest checkpoints stay, besides the best.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be freed, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Delete checkpoints of runs, all but the best and the newest.

    Their states go with them. A run can be resumed and drawn from as before; its history, pictures, bookmarks,
    snapshots and averages stay. Without a terminal, --yes says that it is meant. A live run is refused.
    """
    from vae_tui.cli.selection import find_runs
    from vae_tui.runs.files import folder_size
    from vae_tui.runs.lock import busy_message, lock_holder
    from vae_tui.runs.prune import plan_pruning
    from vae_tui.runs.prune import prune as prune_run
    from vae_tui.wording import counted, format_bytes

    found = find_runs(runs, runs_dir)
    for run in found:
        if lock_holder(run.path) is not None:
            raise RunError(busy_message(run.path))
    if not dry_run:
        _check_that_somebody_answers(yes)
    plans = [plan_pruning(run, keep) for run in found]
    for plan in plans:
        names = [f"{kept.path.name}{' (the best)' if kept.step == plan.best else ''}" for kept in plan.kept]
        size = format_bytes(folder_size(plan.run.path))
        say(
            f"{plan.run.path}: {size}; {counted(len(plan.pruned), 'checkpoint')} to delete, "
            f"{format_bytes(plan.freed_bytes)}; kept: {', '.join(names)}"
        )
    plans = [plan for plan in plans if plan.files]
    total = format_bytes(sum(plan.freed_bytes for plan in plans))
    if not plans:
        say("nothing to delete")
        return
    if dry_run:
        say(f"{total} would be freed")
        return
    if not yes:
        say(f"to free {total}, type yes:")
        if sys.stdin.readline().strip().lower() not in ("yes", "y"):
            say("nothing was deleted")
            raise typer.Exit(EXIT_WRONG_INPUT)
    say(f"freed {format_bytes(sum(prune_run(plan.run, keep) for plan in plans))}")


def _check_that_somebody_answers(yes: bool) -> None:
    """Raise RunError where there is nobody to be asked, and it was not said beforehand that it is meant."""
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RunError("nobody is there to be asked: --yes says that they are to be deleted")


def tag(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, path, recipe or the beginning of a name.")],
    tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG...]", help="Tags to add.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", "-r", metavar="TAG", help="Remove a tag.")] = None,
    note: Annotated[str | None, typer.Option(help='Write a note; "" removes it.')] = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Tag a run, or write a note to it.

    Prints the tags it has then. Find tagged runs with: vae-tui runs tag:TAG
    """
    from vae_tui.runs.about import change_about, read_about
    from vae_tui.runs.find import find_run

    found = find_run(run, runs_dir)
    if tags or remove or note is not None:
        about = change_about(found, add=tags or (), remove=remove or (), note=note)
    else:
        about = read_about(found)
    give(" ".join(about.tags))
    if about.note:
        say(about.note)
