"""Commands about recipes and machines: check, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.exits import EXIT_WRONG_INPUT
from vae_tui.cli.options import DataRoot, RunsDir, Set
from vae_tui.cli.output import give, say
from vae_tui.errors import RecipeError, VaeTuiError
from vae_tui.wording import counted


def check(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Recipes: files, or names of shipped ones.")],
    set_: Set = None,
) -> None:
    """Validate recipes, and files of sweeps, without training.

    Prints every problem of every recipe; exit code 2 if there is one.
    """
    from vae_tui.recipe import load_recipe
    from vae_tui.sweep.plan import check_plan, find_sweep_file, read_plan

    wrong = False
    for name in recipes:
        try:
            if (sweep := find_sweep_file(name)) is not None:
                plan = read_plan(sweep, fixed=set_ or ())
                check_plan(plan)
                give(f"{name}: ok, {counted(plan.run_count, 'run')} of {plan.base_name}")
                continue
            loaded = load_recipe(name, set_ or [])
        except RecipeError as error:
            wrong = True
            say(error)
        else:
            give(f"{name}: ok")
            for note in loaded.notes:
                say(f"  {note}")
    if wrong:
        raise typer.Exit(EXIT_WRONG_INPUT)


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
