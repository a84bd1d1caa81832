"""Commands about recipes and machines: check, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.exits import EXIT_WRONG_INPUT
from vae_tui.cli.options import DataRoot, Device, RunsDir, Set
from vae_tui.cli.output import give, say
from vae_tui.errors import RecipeError, VaeTuiError
from vae_tui.wording import counted, format_bytes, format_clock, format_speed

if TYPE_CHECKING:
    from vae_tui.recipe.tables import TrainTable


def check(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Recipes: files, or names of shipped ones.")],
    set_: Set = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Train each for some seconds too, and say what the whole will take.")
    ] = False,
    device: Device = "auto",
    data_root: DataRoot = None,
) -> None:
    """Validate recipes, and files of sweeps, without training.

    Prints every problem of every recipe; exit code 2 if there is one. With --plan also how many parameters a recipe has, how
    long an epoch and the whole take, and how much memory and disk, by some seconds of training that leave nothing behind.

    Examples: `vae-tui check my.toml`; `vae-tui check --plan mnist/gated40 --set train.batch_size=512`.
    """
    from vae_tui.recipe import load_recipe
    from vae_tui.sweep.plan import check_plan, find_sweep_file, read_plan

    wrong = False
    for name in recipes:
        try:
            if (sweep := find_sweep_file(name)) is not None:
                runs = read_plan(sweep, fixed=set_ or ())
                check_plan(runs)
                give(f"{name}: ok, {counted(runs.run_count, 'run')} of {runs.base_name}")
                if plan:
                    say(f"  what they take: vae-tui sweep {name} --dry-run")
                continue
            loaded = load_recipe(name, set_ or [])
        except RecipeError as error:
            wrong = True
            say(error)
        else:
            give(f"{name}: ok")
            for note in loaded.notes:
                say(f"  {note}")
            if plan:
                try:
                    _give_plan(name, set_ or [], loaded.recipe.train, device, data_root)
                except VaeTuiError as error:
                    wrong = True
                    say(f"{name}: {error}")
    if wrong:
        raise typer.Exit(EXIT_WRONG_INPUT)


def _give_plan(name: str, overrides: list[str], train: TrainTable, device: str, data_root: Path | None) -> None:
    """Print what training a recipe takes, a line each."""
    from vae_tui.headless import StageProgress
    from vae_tui.runs.job import TrainingJob
    from vae_tui.runs.trial import SECONDS_OF_A_TRIAL, try_training

    job = TrainingJob(recipe=name, overrides=tuple(overrides), device=device, data_root=data_root)
    stages = StageProgress()
    stages.update(f"training {name} for {SECONDS_OF_A_TRIAL:.0f} seconds", 0, None)
    try:
        trial = try_training(job, epochs=train.epochs, max_seconds=train.max_seconds)
    finally:
        stages.close()
    ends = [counted(train.epochs, "epoch")] if train.epochs is not None else []
    ends += [f"at most {format_clock(train.max_seconds)} of training"] if train.max_seconds is not None else []
    threads = "" if trial.device.startswith("cuda") else f", {counted(trial.threads, 'thread')}"
    gpu = f", and {format_bytes(trial.gpu_memory_bytes)} of the GPU" if trial.gpu_memory_bytes else ""
    for what, value in (
        ("parameters", f"{trial.parameters:,}"),
        ("device", f"{trial.device}{threads}"),
        ("to begin", _brief(trial.seconds_to_begin)),
        ("an epoch", f"{_brief(trial.seconds_per_epoch)}, at {format_speed(trial.images_per_second)} images/s"),
        ("to its end", f"about {_brief(trial.seconds)} ({', '.join(ends)})"),
        ("memory", f"{format_bytes(trial.memory_bytes)}{gpu}"),
        ("disk", f"at most {format_bytes(trial.disk_bytes)}"),
    ):
        give(f"  {what:<12}{value}")


def _brief(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 60 else format_clock(seconds)


def doctor(
    json_: Annotated[bool, typer.Option("--json", help="For programs: the same and more, as one JSON object.")] = False,
    reset_terminal: Annotated[
        bool,
        typer.Option(
            "--reset-terminal", help="Only give the terminal back, after a screen that was killed with kill -9."
        ),
    ] = False,
    runs_dir: RunsDir = Path("checkpoints"),
    data_root: DataRoot = None,
) -> None:
    """Show what terminal, machine and disk can do, and why.

    Terminal, pictures, colours, device, threads, data and disk: what was found, why, and what to do about it.

    Run it where something looks wrong: in that terminal, over that line, on that machine.
    """
    if reset_terminal:
        from vae_tui.doctor.reset import reset_terminal as give_terminal_back

        if not give_terminal_back():
            raise VaeTuiError("there is no terminal to reset: run this in the one that is out of order")
        return
    from vae_tui.doctor import examine
    from vae_tui.doctor.report import print_json, print_table

    say("querying the terminal, and starting torch, which takes a few seconds")
    findings = examine(runs_dir=runs_dir, data_root=data_root)
    if json_:
        print_json(findings)
    else:
        print_table(findings)
