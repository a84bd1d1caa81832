"""The command line. Imports are deferred, so that each command pays only for what it uses."""

from __future__ import annotations

import gc
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui import __version__
from vae_tui.errors import RecipeError, RunError, VaeTuiError

if TYPE_CHECKING:
    import subprocess

    from vae_tui.launch import Opened
    from vae_tui.run import Run

LARGEST_PICTURE = 200_000_000
"""Pixels; a PNG larger than this no viewer opens."""
EXIT_FAILED, EXIT_WRONG_INPUT, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="Train, watch, steer and walk variational autoencoders without leaving the terminal.",
    epilog="Start with: vae-tui train     (embedded digits, no download, about half a minute)",
    no_args_is_help=True,
    # Plain help: Rich's costs twice the time of all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Ui(StrEnum):
    """How a run is shown."""

    AUTO = "auto"
    TUI = "tui"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where runs live.", envvar="VAE_TUI_RUNS_DIR")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        help="Where MNIST and its like are looked for and downloaded to [default: the user's cache].",
        envvar="VAE_TUI_DATA_ROOT",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override a key of the recipe; may be given often."),
]


def main() -> None:
    """Run the command line; a user's mistake is one message on stderr and exit code 2."""
    # As Ctrl-C, so that what was begun is ended and a screen gives its terminal back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except VaeTuiError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)


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


@app.command()
def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe's file, or the name of a shipped one.", show_default="digits")
    ] = None,
    set_: Set = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps; auto takes CUDA where it is.")] = "auto",
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
    run: Annotated[str | None, typer.Option(help="Name of the new run [default: the recipe's and the time].")] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a run, exactly.")] = None,
    ui: Annotated[Ui, typer.Option(help="auto: the screen on a terminal, plain progress elsewhere.")] = Ui.AUTO,
    detach: Annotated[bool, typer.Option("--detach", help="Start, print the run's path and return.")] = False,
) -> None:
    """Train a VAE from a recipe, in a process of its own that outlives this terminal.

    Prints the run's path. The run is a folder: watch it with `vae-tui watch`, draw from it with `vae-tui sample`, go
    on with it by `--resume`, past its old end with `--set train.epochs=40`.

    Examples: `vae-tui train beta10`; `vae-tui train mnist/fc20 --set train.epochs=10 --data-root ~/data`.
    """
    from vae_tui.launch import opened, start_trainer

    if resume is not None and (recipe is not None or run is not None):
        raise RunError("--resume goes on with a run as it is: give it without a RECIPE and without --run")
    process = start_trainer(
        None if resume is not None else recipe or "digits",
        set_ or [],
        runs_dir=runs_dir,
        name=run,
        resume=resume,
        device=device,
        data_root=data_root,
    )
    on_screen = not detach and (ui is Ui.TUI or (ui is Ui.AUTO and _on_a_terminal()))
    try:
        if on_screen:
            _import_screen()  # while the trainer reads the recipe: neither waits for the other
        begun = opened(process)
        for note in begun.notes:
            sys.stderr.write(f"note: {note}\n")
        if detach:
            sys.stderr.write(f"training in process {process.pid}; see it with: vae-tui watch {begun.run.path}\n")
            typer.echo(begun.run.path)
        elif on_screen:
            _show_training(begun.run, process)
        else:
            _train_headless(begun, process, ui)
    except KeyboardInterrupt:
        process.terminate()
        raise


@app.command()
def watch(
    run: Annotated[
        str | None, typer.Argument(help="A run's name, a unique prefix or its path [default: newest].")
    ] = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Show a live run again with its whole history, or a finished one as it was; plain without a terminal."""
    from vae_tui.run import find_run

    chosen = find_run(run, runs_dir)
    if _on_a_terminal():
        _import_screen()
        from vae_tui.tui.app import VaeTuiApp

        app_ = VaeTuiApp(chosen)
        app_.run()
        if app_.return_code:
            raise typer.Exit(app_.return_code)
    else:
        from vae_tui.headless import PlainView, watch_to_end

        watch_to_end(chosen, PlainView())


@app.command()
def sample(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|CHECKPOINT]", help="A run, whose best checkpoint is taken, or a file [default: newest]."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("samples.png"),
    count: Annotated[int, typer.Option(min=1, max=65536, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same bytes.")] = 0,
    columns: Annotated[int | None, typer.Option(min=1, help="Images a row [default: a square].")] = None,
    scale: Annotated[int, typer.Option(min=1, max=64, help="Enlarge each pixel this many times.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, help="Standard deviation of the draws.")] = 1.0,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Draw images from the prior into a PNG; needs no screen. Prints the PNG's path.

    Example: `vae-tui sample beta10 --out grid.png --count 100 --scale 2`.
    """
    import math

    from vae_tui.imaging.grid import encode_png, make_grid
    from vae_tui.run import find_checkpoint, read_metadata, write_whole

    if out.suffix.lower() != ".png":
        raise VaeTuiError(f"--out {out}: expected a name that ends in .png")
    if not out.absolute().parent.is_dir():
        raise VaeTuiError(f"--out {out}: there is no folder {out.absolute().parent}")
    if not math.isfinite(temperature):
        raise VaeTuiError(f"--temperature {temperature}: expected a finite number")
    checkpoint = find_checkpoint(source, runs_dir)
    _, height, width = read_metadata(checkpoint)["image_shape"]
    in_a_row = min(count, columns or math.ceil(math.sqrt(count)))
    pixels = in_a_row * width * -(-count // in_a_row) * height * scale**2
    if pixels > LARGEST_PICTURE:
        raise VaeTuiError(f"a picture of {pixels:,} pixels is too large: give a smaller --count or --scale")
    sys.stderr.write(f"drawing {count} images from {checkpoint}\n")

    from vae_tui.latent.sample import draw_samples
    from vae_tui.model.checkpoint import load_checkpoint

    images = draw_samples(load_checkpoint(checkpoint), count, seed=seed, temperature=temperature)
    grid = make_grid(images, in_a_row)
    comments = {"Software": f"vae-tui {__version__}", "Comment": f"seed {seed}, temperature {temperature:g}"}
    try:
        write_whole(out, encode_png(grid, scale=scale, text=comments))
    except OSError as error:
        raise VaeTuiError(f"--out {out} cannot be written: {error.strerror}") from error
    typer.echo(out)


@app.command()
def check(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Files or names of shipped recipes.")],
    set_: Set = None,
) -> None:
    """Validate recipes without training: every problem of every file, and exit code 2 if there is one."""
    from vae_tui.recipe import load_recipe

    wrong = False
    for name in recipes:
        try:
            loaded = load_recipe(name, set_ or [])
        except RecipeError as error:
            wrong = True
            sys.stderr.write(f"{error}\n")
        else:
            typer.echo(f"{name}: ok")
            for note in loaded.notes:
                sys.stderr.write(f"  {note}\n")
    if wrong:
        raise typer.Exit(EXIT_WRONG_INPUT)


def _import_screen() -> None:
    """Import what paints; without garbage collection, which costs a tenth of it and finds nothing."""
    gc.disable()
    import vae_tui.tui.app  # noqa: F401

    gc.enable()


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in (None, "dumb")


def _train_headless(begun: Opened, process: subprocess.Popen[bytes], ui: Ui) -> None:
    from vae_tui.headless import JsonView, PlainView, SilentView, View, run_to_end

    view: View = JsonView() if ui is Ui.JSON else SilentView() if ui is Ui.NONE else PlainView()
    try:
        status = run_to_end(begun.reader, process, view)
    except BrokenPipeError:
        sys.stderr.write(f"training goes on in process {process.pid}; see it with: vae-tui watch {begun.run.path}\n")
        raise
    if ui is not Ui.JSON:
        _finish(begun.run, summary=ui is not Ui.NONE)
    if status == "died":
        sys.stderr.write(_last_words(begun.run))
    _exit(status, process)


def _show_training(run: Run, process: subprocess.Popen[bytes]) -> None:
    from vae_tui.tui.app import VaeTuiApp

    screen = VaeTuiApp(run, process=process)
    outcome = screen.run()
    if outcome == "detached" or (screen.return_code and process.poll() is None):
        sys.stderr.write(f"training goes on in process {process.pid}; see it with: vae-tui watch {run.path}\n")
        typer.echo(run.path)
        if screen.return_code:
            raise typer.Exit(screen.return_code)
        return
    _finish(run, summary=True)
    _exit(run.state(), process)


def _exit(status: str, process: subprocess.Popen[bytes]) -> None:
    """Leave with the exit code a run's end asks for."""
    if status == "stopped":
        raise typer.Exit(EXIT_INTERRUPTED)
    if status != "completed":
        raise typer.Exit(EXIT_WRONG_INPUT if process.wait() == EXIT_WRONG_INPUT else EXIT_FAILED)


def _finish(run: Run, *, summary: bool) -> None:
    """The run's path on stdout; what came of it on stderr."""
    if summary and run.checkpoints():
        sys.stderr.write(f"checkpoint {run.best().path}\n")
        grids = sorted(run.images_path.glob("samples-*.png"))
        if grids:
            sys.stderr.write(f"samples    {grids[-1]}\n")
        sys.stderr.write(f"draw more  vae-tui sample {run.path} --out grid.png\n")
    typer.echo(run.path)


def _last_words(run: Run) -> str:
    """What a trainer that ended without a word left in its log."""
    lines = run.worker_log_path.read_text(errors="replace").splitlines()[-20:]
    return "\n".join(["the trainer died; the end of its log:", *lines, f"(all of it: {run.worker_log_path})", ""])
