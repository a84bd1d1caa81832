"""The program: its commands, and how it starts and ends."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vae_tui import __version__
from vae_tui.cli import (
    encode,
    evaluate,
    evolve,
    export,
    import_vae,
    inpaint,
    pictures,
    runs,
    serve,
    steer,
    sweep,
    tidy,
    tools,
    train,
    walk,
)
from vae_tui.cli.exits import EXIT_INTERRUPTED, EXIT_WRONG_INPUT, end, errors_to_exit_codes
from vae_tui.cli.options import DataRoot, PictureMode, PictureModeOption, RunsDir, note_on_stderr
from vae_tui.cli.output import give, prepare_streams, say
from vae_tui.cli.screen import import_screen, on_a_terminal
from vae_tui.runs.job import environment_of_torch
from vae_tui.runs.trust import TRUST_ALL
from vae_tui.settings import Settings, describe_problems, read_settings, settings_path

_Misuse: Any = typer.BadParameter.__base__
"""What Typer raises for arguments that it cannot take."""


class _Commands(TyperGroup):
    """All commands; a wrong value is named without the words of the library that validates it."""

    def main(self, *args: Any, **given: Any) -> Any:
        """Run the program; what was wrong on its command line is repeated as it can be read."""
        try:
            status = super().main(*args, **given | {"standalone_mode": False})
        except _Misuse as error:
            message = io.StringIO()
            error.show(message)
            say(message.getvalue().rstrip("\n"))
            status = EXIT_WRONG_INPUT
        sys.exit(status if isinstance(status, int) else 0)

    def make_context(self, *args: Any, **given: Any) -> Any:
        """Read the command line, with the user's settings for what neither it nor the environment says."""
        settings, problems = read_settings(settings_path())
        return super().make_context(*args, **given, default_map=default_values(self, settings), obj=problems)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise
        except (BrokenPipeError, SystemExit) as error:
            # Where a reader has left, Rich exits by itself, and Typer would take it for a failure.
            if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
                raise
            end(EXIT_INTERRUPTED)


app = typer.Typer(
    cls=_Commands,
    epilog="Start with: vae-tui train     (embedded digits, no download, about half a minute)",
    invoke_without_command=True,
    # Plain help: Rich's costs twice the time of all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    train.train,
    sweep.sweep,
    runs.watch,
    runs.compare,
    steer.stop,
    steer.pause,
    steer.unpause,
    steer.save,
    tidy.tag,
    tidy.rename,
    tidy.delete,
    tidy.prune,
    walk.walk,
    serve.serve,
    pictures.sample,
    pictures.reconstruct,
    pictures.interpolate,
    pictures.traverse,
    pictures.manifold,
    pictures.project,
    inpaint.inpaint,
    evolve.evolve,
    encode.encode,
    evaluate.evaluate,
    export.export,
    tools.check,
    tools.doctor,
):
    app.command()(command)
app.command("set")(steer.set_)
app.command("import")(import_vae.import_vae)
# What is asked of runs may begin with a -, which is no option.
app.command(context_settings={"ignore_unknown_options": True})(runs.runs)


def default_values(group: Any, settings: Settings) -> dict[str, Any]:
    """What options of all commands are where they are not given, for Typer: of the program's own, and a table for each command."""
    values = {"--runs-dir": settings.runs_dir, "--data-root": settings.data_root, "--images": settings.pictures}

    def defaults(command: Any) -> dict[str, Any]:
        return {one.name: values[option] for one in command.params for option in one.opts if option in values}

    return defaults(group) | {name: defaults(command) for name, command in group.commands.items()}


def main() -> None:
    """Run the command line."""
    # As Ctrl-C, so that what was begun is ended and a screen gives its terminal back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    prepare_streams()
    os.environ.update(environment_of_torch(os.environ))
    if not any(name in os.environ for name in ("LOGNAME", "USER", "LNAME", "USERNAME")):
        from vae_tui.folders import prepare_libraries

        prepare_libraries()
    try:
        Path.cwd()
    except OSError as error:
        say(f"the working folder cannot be found ({error.strerror}); go to one that is there: cd")
        sys.exit(EXIT_WRONG_INPUT)
    with errors_to_exit_codes():
        app()


def _print_version(wanted: bool) -> None:
    if wanted:
        give(f"vae-tui {__version__}")
        raise typer.Exit


@app.callback()
def home(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
    runs_dir: RunsDir = Path("checkpoints"),
    images: PictureModeOption = PictureMode.AUTO,
    data_root: DataRoot = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the code that a checkpoint or a run brings along for its networks.")
    ] = False,
) -> None:
    """Train, watch, steer and walk variational autoencoders without leaving the terminal.

    Without a command, on a terminal: all runs, to open, steer, compare and keep in order.
    """
    if trust:
        os.environ[TRUST_ALL] = "1"
    if context.obj:
        note_on_stderr(describe_problems(settings_path(), context.obj))
    if context.invoked_subcommand is not None:
        for name in ("runs_dir", "images", "data_root"):
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                option = f"--{name.replace('_', '-')}"
                raise typer.BadParameter(
                    f"{option} goes after the command: vae-tui {context.invoked_subcommand} {option} ..."
                )
        return
    if not on_a_terminal():
        typer.echo(context.get_help())
        return
    import_screen()
    from vae_tui.tui.app import VaeTuiApp
    from vae_tui.tui.screens.home import HomeScreen

    screen = VaeTuiApp(HomeScreen(runs_dir, data_root), images=images.value, data_root=data_root)
    screen.run()
    if screen.return_code:
        raise typer.Exit(screen.return_code)
