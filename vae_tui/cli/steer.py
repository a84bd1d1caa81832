"""Commands to the trainers of live runs: stop, pause, unpause, save, set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.exits import EXIT_WRONG_INPUT
from vae_tui.cli.options import RunsDir
from vae_tui.cli.output import say
from vae_tui.errors import RunError
from vae_tui.runs.commands import Command, Pause, Save, Set, Stop, Unpause
from vae_tui.wording import counted

if TYPE_CHECKING:
    from vae_tui.sweep.folder import Request

_SECONDS_WITHOUT_A_WORD = 1.0
LiveRuns = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...",
        help="Live runs, by name, path, recipe or the beginning of a name; sweep:NAME for a whole sweep.",
    ),
]


def stop(runs: LiveRuns, runs_dir: RunsDir = Path("checkpoints")) -> None:
    """Stop live runs: each saves a checkpoint and ends.

    Waits until they have ended. Go on later with: vae-tui train --resume RUN. A sweep's workers stop all of its runs; go on
    with: vae-tui sweep NAME
    """
    _ask(_ask_sweeps(runs, runs_dir, "stop"), runs_dir, Stop())


def pause(runs: LiveRuns, runs_dir: RunsDir = Path("checkpoints")) -> None:
    """Pause live runs: they take no step until `vae-tui unpause`.

    A paused run keeps its memory. A pause holds when the run is stopped or killed, and resumed. The runs of a paused sweep
    are stopped, and its workers wait.
    """
    _ask(_ask_sweeps(runs, runs_dir, "pause"), runs_dir, Pause())


def unpause(runs: LiveRuns, runs_dir: RunsDir = Path("checkpoints")) -> None:
    """Let paused runs, or a paused sweep, go on."""
    _ask(_ask_sweeps(runs, runs_dir, "pause", withdraw=True), runs_dir, Unpause())


def save(runs: LiveRuns, runs_dir: RunsDir = Path("checkpoints")) -> None:
    """Have live runs save a checkpoint now."""
    _ask(runs, runs_dir, Save())


def set_(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A live run, by name, path, recipe or beginning of a name.")
    ],
    settings: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Such as objective.beta=4 or lr=3e-4.")],
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Change how a live run trains, from its next step on.

    objective.beta, gamma, capacity and free_bits, optimizer.lr and clip_norm, train.epochs, max_seconds and
    checkpoint_epochs, data.shift, crop and color_jitter; schedules go on from the new value. The run's recipe.toml has the
    changes with their steps: trained anew, it comes to the same weights. Where the loss is another, the best begins anew.
    """
    from vae_tui.recipe.changes import read_setting

    for key, value in [read_setting(setting) for setting in settings]:
        _ask([run], runs_dir, Set(key, value))


def _ask_sweeps(names: list[str], runs_dir: Path, request: Request, *, withdraw: bool = False) -> list[str]:
    """Ask the workers of those that are sweeps; returns the names of the others, which are runs."""
    from vae_tui.cli.selection import sweep_named

    runs = []
    for name in names:
        sweep = sweep_named(name, runs_dir)
        if sweep is None:
            runs.append(name)
            continue
        sweep.ask(request, withdraw=withdraw)
        asked = "go on" if withdraw else request
        standings = sweep.claims.standings(job.number for job in sweep.read().jobs)
        running = sum(standing.state == "running" for standing in standings.values())
        say(f"{sweep.name}: its workers are asked to {asked} ({counted(running, 'run')} training)")
    return runs


def _ask(names: list[str], runs_dir: Path, command: Command) -> None:
    """Send a command to each run and report its answer; those that fail do not keep it from the others."""
    from vae_tui.cli.selection import find_runs
    from vae_tui.runs.answers import ask
    from vae_tui.runs.find import how_to_go_on
    from vae_tui.runs.status import read_status

    wrong = False
    for run in find_runs(names, runs_dir):
        patience = _Patience(run.name)
        try:
            say(f"{run.name}: {ask(run, command, patience.wait)}")
            if isinstance(command, Stop) and read_status(run).phase == "stopped":
                say(f"go on with: {how_to_go_on(run)}")
        except RunError as error:
            wrong = True
            say(error)
    if wrong:
        raise typer.Exit(EXIT_WRONG_INPUT)


class _Patience:
    """Says after a second that an answer takes longer, once."""

    def __init__(self, name: str) -> None:
        self._name, self._said = name, False

    def wait(self, seconds: float) -> None:
        """So many seconds have passed."""
        if seconds > _SECONDS_WITHOUT_A_WORD and not self._said:
            self._said = True
            say(f"{self._name}: waiting for its trainer to answer")
            sys.stderr.flush()
