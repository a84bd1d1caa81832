"""The command that trains."""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WRONG_INPUT, drop_stdout
from vae_tui.cli.options import DataRoot, Device, Notify, PictureMode, PictureModeOption, RunsDir, Set
from vae_tui.cli.output import give_path, say
from vae_tui.cli.screen import import_screen, on_a_terminal
from vae_tui.errors import RunError

if TYPE_CHECKING:
    from vae_tui.runs.feed import RunFeed
    from vae_tui.runs.job import TrainingJob
    from vae_tui.runs.layout import Run
    from vae_tui.runs.notify import WatcherNotices


class Ui(StrEnum):
    """How a run is shown."""

    AUTO = "auto"
    TUI = "tui"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="RECIPE", help="A recipe's file, or the name of a shipped one [default: digits]."),
    ] = None,
    set_: Set = None,
    device: Device = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="How many devices train the run: GPUs, or processes on the CPU.")
    ] = 1,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
    run: Annotated[
        str | None, typer.Option("--run", "--name", help="Name of the new run [default: the recipe's and the time].")
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Continue a run; on the CPU, bit for bit.")] = None,
    from_step: Annotated[
        int | None,
        typer.Option(
            "--from",
            min=0,
            metavar="STEP",
            help="With --resume: from the checkpoint of this step [default: the newest].",
        ),
    ] = None,
    ui: Annotated[Ui, typer.Option(help="auto: the screen on a terminal, plain progress elsewhere.")] = Ui.AUTO,
    images: PictureModeOption = PictureMode.AUTO,
    detach: Annotated[bool, typer.Option("--detach", help="Start, print the run's path and return.")] = False,
    notify: Notify = None,
) -> None:
    """Train a VAE from a recipe, or continue a run.

    The trainer is a process of its own that outlives this terminal. Prints the run's path. The run is a folder: watch
    it with `vae-tui watch`, draw from it with `vae-tui sample`, continue it with `--resume`, past its old end with
    `--set train.epochs=40`.

    Examples: `vae-tui train beta10`; `vae-tui train mnist/fc20 --set train.epochs=10 --data-root ~/data`.
    """
    from vae_tui.runs.job import TrainingJob, start_trainer, wait_until_opened

    if resume is not None and (recipe is not None or run is not None):
        raise RunError("--resume goes on with a run as it is: give it without a RECIPE and without --run")
    if from_step is not None and resume is None:
        raise RunError("--from says from which checkpoint --resume goes on: give it with --resume RUN")
    job = TrainingJob(
        recipe=None if resume is not None else recipe or "digits",
        overrides=tuple(set_ or ()),
        runs_dir=runs_dir,
        name=run,
        resume=resume,
        from_step=from_step,
        device=device,
        devices=devices,
        data_root=data_root,
        notify=notify,
    )
    if "RANK" in os.environ:
        _train_under_torchrun(job)
    trainer = start_trainer(job)
    on_screen = not detach and (ui is Ui.TUI or (ui is Ui.AUTO and on_a_terminal()))
    try:
        if on_screen:
            import_screen()  # while the trainer reads the recipe: neither waits for the other
        opened = wait_until_opened(trainer)
        for note in opened.notes:
            say(f"note: {note}")
        if detach:
            say(f"training in process {trainer.pid}; see it with: vae-tui watch {opened.run.path}")
            give_path(opened.run.path)
        elif on_screen:
            _show_training(opened.feed(trainer), trainer, images, data_root, _notices(notify))
        else:
            _train_headless(opened.feed(trainer), trainer, ui, _notices(notify))
    except KeyboardInterrupt:
        trainer.terminate()
        raise


def _train_under_torchrun(job: TrainingJob) -> None:
    """Be one of the processes that torchrun started, and train here."""
    from vae_tui.training.__main__ import exit_at_once, main

    exit_at_once(main(job))


def _notices(notify: str | None) -> WatcherNotices | None:
    """What a front end does for --notify beside the trainer."""
    from vae_tui.runs.notify import WatcherNotices

    return None if notify is None else WatcherNotices(notify, by_trainer=True)


def _train_headless(feed: RunFeed, trainer: subprocess.Popen[bytes], ui: Ui, notices: WatcherNotices | None) -> None:
    from vae_tui.headless import JsonView, PlainView, SilentView, View, show_to_end

    view: View = JsonView() if ui is Ui.JSON else SilentView() if ui is Ui.NONE else PlainView()
    feed.catch_up()
    try:
        status = show_to_end(feed, view, trainer, notices=notices)
    except BrokenPipeError:
        with suppress(BrokenPipeError):
            say(f"training goes on in process {trainer.pid}; see it with: vae-tui watch {feed.run.path}")
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        drop_stdout()
        say(
            f"stdout cannot be written ({error.strerror}), but training goes on in process {trainer.pid}; see it with: "
            f"vae-tui watch {feed.run.path}"
        )
        raise typer.Exit(EXIT_FAILED) from error
    _leave_where_absent(feed.run, trainer)
    if ui is not Ui.JSON:
        _finish(feed.run, summary=ui is not Ui.NONE)
    if feed.died:
        say(_end_of_log(feed.run))
    _exit(feed.run, status.phase, trainer)


def _show_training(
    feed: RunFeed,
    trainer: subprocess.Popen[bytes],
    images: PictureMode,
    data_root: Path | None,
    notices: WatcherNotices | None,
) -> None:
    from vae_tui.tui.app import VaeTuiApp
    from vae_tui.tui.screens.training import TrainingScreen

    run = feed.run
    screen = VaeTuiApp(TrainingScreen(feed, data_root, notices), images=images.value)
    outcome = screen.run()
    if outcome == "detached" or (screen.return_code and trainer.poll() is None):
        say(f"training goes on in process {trainer.pid}; see it with: vae-tui watch {run.path}")
        give_path(run.path)
        if screen.return_code:
            raise typer.Exit(screen.return_code)
        return
    _leave_where_absent(run, trainer)
    _finish(run, summary=True)
    feed.poll()
    _exit(run, feed.status.phase, trainer)


def _leave_where_absent(run: Run, trainer: subprocess.Popen[bytes]) -> None:
    """Say that a run's folder is not there any more, where it is so, and leave as its trainer did."""
    if run.absence:
        say(run.absence)
        status = trainer.wait()
        raise typer.Exit(status if status >= 0 else EXIT_FAILED)


def _exit(run: Run, phase: str, trainer: subprocess.Popen[bytes]) -> None:
    """Leave with the exit code a run's end asks for; one that was stopped says how to go on with it."""
    from vae_tui.runs.find import how_to_go_on

    if phase == "stopped":
        say(f"go on with: {how_to_go_on(run)}")
        raise typer.Exit(EXIT_INTERRUPTED)
    if phase != "completed":
        raise typer.Exit(EXIT_WRONG_INPUT if trainer.wait() == EXIT_WRONG_INPUT else EXIT_FAILED)


def _finish(run: Run, *, summary: bool) -> None:
    """The run's path on stdout; what came of it on stderr."""
    from vae_tui.runs.best import best_checkpoint

    if summary and run.checkpoints():
        say(f"checkpoint {best_checkpoint(run).path}")
        grids = sorted(run.images_path.glob("samples-*.png"))
        if grids:
            say(f"samples    {grids[-1]}")
        say(f"draw more  vae-tui sample {run.path} --out grid.png")
    give_path(run.path)


def _end_of_log(run: Run) -> str:
    """The end of the output of a trainer that died."""
    go_on = f"go on with: vae-tui train --resume {run.path}"
    lines = run.worker_log_path.read_text(errors="replace").splitlines()[-20:] if run.worker_log_path.is_file() else []
    if not lines:
        return f"the trainer died, killed or out of memory, and left nothing in its log; {go_on}"
    return "\n".join(["the trainer died; the end of its log:", *lines, f"(all of it: {run.worker_log_path}); {go_on}"])
