"""The program: its commands, and how it starts and ends."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vae_tui import __version__
from vae_tui.cli import evaluate, pictures, runs, tools, train, walk
from vae_tui.cli.exits import errors_to_exit_codes


class _Commands(TyperGroup):
    """All commands; a wrong value is named without the words of the library that validates it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    cls=_Commands,
    help="Train, watch, steer and walk variational autoencoders without leaving the terminal.",
    epilog="Start with: vae-tui train     (embedded digits, no download, about half a minute)",
    no_args_is_help=True,
    # Plain help: Rich's costs twice the time of all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    train.train,
    runs.watch,
    walk.walk,
    pictures.sample,
    pictures.reconstruct,
    pictures.interpolate,
    pictures.traverse,
    pictures.manifold,
    pictures.project,
    evaluate.evaluate,
    tools.check,
    tools.doctor,
):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    # As Ctrl-C, so that what was begun is ended and a screen gives its terminal back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in ("stdin", "stdout", "stderr"):
        # Closed by whoever started us; files that are opened must not take its place.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: SIM115, PTH123
    with errors_to_exit_codes():
        app()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vae-tui {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
