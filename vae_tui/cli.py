"""The command line. Imports are deferred, so that each command pays only for what it uses."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui import __version__
from vae_tui.errors import RecipeError, RunError, VaeTuiError

if TYPE_CHECKING:
    import subprocess

    from vae_tui.latent.picture import Picture
    from vae_tui.latent.space import Space
    from vae_tui.launch import Opened
    from vae_tui.run import Run

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


class At(StrEnum):
    """Where an image is in latent space."""

    MEAN = "mean"
    DRAW = "draw"


class Through(StrEnum):
    """What of an image's posterior is decoded."""

    MEAN = "mean"
    DRAW = "draw"
    DOUBLY = "doubly"


class Method(StrEnum):
    """Which way leads from one point to another."""

    LERP = "lerp"
    SLERP = "slerp"


class Split(StrEnum):
    """Which images of a set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class ProjectionKind(StrEnum):
    """How codes are brought to a plane."""

    DIMENSIONS = "dimensions"
    PCA = "pca"
    TSNE = "tsne"


class Images(StrEnum):
    """How pictures are drawn in the terminal."""

    AUTO = "auto"
    KITTY = "kitty"
    SIXEL = "sixel"
    HALF = "half"
    ASCII = "ascii"


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
SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN|CHECKPOINT]",
        help="A run, whose best checkpoint is taken, or a file [default: newest run, or the digits that ship].",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same bytes.")]
Scale = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Enlarge each pixel this many times [default: as is easy to look at]."),
]
FramesPerSecond = Annotated[float, typer.Option("--fps", min=0.1, max=50, help="Frames a second of a GIF.")]
_ANCHOR = "12 (of the test images), train:12, class:4 (or its name), class:4:3, mean:4, or an image file"
Around = Annotated[str | None, typer.Option(metavar="IMAGE", help=f"The image to start from: {_ANCHOR}.")]
_STILL, _MOVING = (".png", ".npz"), (".png", ".gif", ".npz")

ImagesOption = Annotated[
    Images, typer.Option("--images", help="How pictures are drawn; auto asks the terminal what it can show.")
]


def main() -> None:
    """Run the command line; a user's mistake is one message on stderr and exit code 2."""
    # As Ctrl-C, so that what was begun is ended and a screen gives its terminal back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in ("stdin", "stdout", "stderr"):
        # Closed by whoever started us; files that are opened must not take its place.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: SIM115, PTH123
    try:
        app()
        sys.stdout.flush()
    except VaeTuiError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.stderr.write(f"stdout cannot be written: {error.strerror}\n")
            sys.exit(EXIT_FAILED)
        if error.errno not in (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOSPC, errno.EROFS):
            raise
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        sys.exit(EXIT_WRONG_INPUT)


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
    devices: Annotated[int, typer.Option(min=1, help="Train on so many at once: GPUs, or processes on the CPU.")] = 1,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
    run: Annotated[str | None, typer.Option(help="Name of the new run [default: the recipe's and the time].")] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a run, exactly.")] = None,
    ui: Annotated[Ui, typer.Option(help="auto: the screen on a terminal, plain progress elsewhere.")] = Ui.AUTO,
    images: ImagesOption = Images.AUTO,
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
        devices=devices,
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
            _show_training(begun.run, process, images, data_root)
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
    images: ImagesOption = Images.AUTO,
    data_root: DataRoot = None,
) -> None:
    """Show a live run again with its whole history, or a finished one as it was; plain without a terminal."""
    from vae_tui.run import find_run

    chosen = find_run(run, runs_dir)
    if _on_a_terminal():
        _import_screen()
        from vae_tui.tui.app import VaeTuiApp

        app_ = VaeTuiApp(chosen, images=images.value, data_root=data_root)
        app_.run()
        if app_.return_code:
            raise typer.Exit(app_.return_code)
    else:
        from vae_tui.headless import PlainView, watch_to_end

        watch_to_end(chosen, PlainView())


@app.command()
def walk(
    source: SourceArgument = None,
    runs_dir: RunsDir = Path("checkpoints"),
    data_root: DataRoot = None,
    images: ImagesOption = Images.AUTO,
) -> None:
    """Walk the latent space by keyboard: sliders, traversals, maps, scatters, anchors, animation; ? lists every key.

    Without a run of your own it opens a small model of digits that ships with vae-tui. Without a terminal, see
    `vae-tui sample`, `traverse`, `manifold`, `project` and `interpolate`.
    """
    from vae_tui.run import PRETRAINED, find_checkpoint, read_metadata

    checkpoint = find_checkpoint(source, runs_dir)
    read_metadata(checkpoint)
    if not _on_a_terminal():
        raise VaeTuiError("a walk needs a terminal; vae-tui sample, traverse, manifold or interpolate need none")
    shipped = checkpoint == PRETRAINED
    from vae_tui.tui.walk_app import WalkApp

    note = "no run yet: this is the digits model that ships with vae-tui; train your own with: vae-tui train"
    app_ = WalkApp(checkpoint, data_root=data_root, images=images.value, note=note if shipped else "")
    app_.run()
    if app_.return_code:
        raise typer.Exit(app_.return_code)


@app.command()
def sample(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif or .npz to write.")] = Path("samples.png"),
    count: Annotated[
        int | None, typer.Option(min=1, max=65536, help="How many images [default: 64; 8 to walk between in a GIF].")
    ] = None,
    seed: Seed = 0,
    columns: Annotated[int | None, typer.Option(min=1, help="Images a row [default: a square].")] = None,
    scale: Scale = None,
    temperature: Annotated[
        float,
        typer.Option(
            min=0,
            help="Factor of the draws' standard deviation; of a mixture, within its components. Below 1 samples are "
            "safer and more alike.",
        ),
    ] = 1.0,
    prior: Annotated[
        str,
        typer.Option(
            metavar="DISTRIBUTION",
            help='What latents are drawn from. "model": the prior it was trained with. "aggregated": the posteriors of '
            'training images chosen by lot. "mixture(10)": so many Gaussians fitted to those posteriors, which mends the '
            'samples of a model whose codes are not where its prior is. Each latent from the same: "N(0,1)" (mean, '
            'standard deviation), "Beta(0.25,0.25)" or "U(-1,1)".',
        ),
    ] = "model",
    path: Annotated[
        Path | None, typer.Option(metavar="WALK", help="Replay a walk kept as TOML, with the checkpoint it names.")
    ] = None,
    frames_per_second: FramesPerSecond = 10.0,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Draw images from the prior, or replay a walk; needs no screen. Prints the file's path.

    A .png is a grid; a .gif walks from sample to sample; an .npz holds images and latents. Only --prior aggregated and
    mixture look at the training images.

    Examples: `vae-tui sample beta10 --out grid.png --count 100 --scale 2`;
    `vae-tui sample beta0 --prior "mixture(10)" --out mended.png`; `vae-tui sample --path walk.toml --out walk.gif`.
    """
    import math

    from vae_tui.latent.priors import parse_prior

    suffix = _check_out(out, _MOVING)
    if not math.isfinite(temperature):
        raise VaeTuiError(f"--temperature {temperature}: expected a finite number")
    distribution = parse_prior(prior)
    if path is not None:
        if count is not None or distribution != parse_prior("model") or temperature != 1:
            raise VaeTuiError("--path replays a walk as it is: give it without --count, --prior and --temperature")
        _replay(path, source, runs_dir, out, columns, scale)
        return
    moving = suffix == ".gif"
    wanted = count or (8 if moving else 64)
    with _opened_space(source, runs_dir, data_root, f"drawing {wanted} images") as space:
        from vae_tui.latent.prior_draws import draw_prior_samples

        picture = draw_prior_samples(
            space,
            prior=distribution,
            count=wanted,
            columns=columns,
            seed=seed,
            temperature=temperature,
            moving=moving,
            frames_per_second=frames_per_second,
            scale=scale,
        )
        _write_picture(out, picture, space, scale)


@app.command()
def reconstruct(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png or .npz to write.")] = Path("reconstructions.png"),
    image: Annotated[
        list[str] | None, typer.Option(metavar="IMAGE", help=f"An image; may be given often: {_ANCHOR}.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=65536, help="How many images, evenly over the split.")] = 32,
    split: Annotated[Split, typer.Option(help="Which images to take them from.")] = Split.TEST,
    at: Annotated[
        Through,
        typer.Option(
            help="Decode each posterior's mean, a draw from it, or a doubly stochastic draw: mean and variance drawn "
            "first, then the latent."
        ),
    ] = Through.MEAN,
    seed: Seed = 0,
    columns: Annotated[int, typer.Option(min=1, help="Images a row.")] = 8,
    scale: Scale = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Show images over what the model makes of them. Prints the file's path.

    Example: `vae-tui reconstruct beta0 --at draw --out posterior.png` shows draws from the posteriors.
    """
    _check_out(out, _STILL)
    with _opened_space(source, runs_dir, data_root, "reconstructing images") as space:
        from vae_tui.latent.reconstruct import choose_images, draw_reconstructions

        sources = [space.find(name) for name in image] if image else choose_images(space, split.value, count)
        picture = draw_reconstructions(space, sources, at=at.value, seed=seed, columns=columns, scale=scale)
        _write_picture(out, picture, space, scale)


@app.command()
def interpolate(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif or .npz to write.")] = Path("interpolation.png"),
    from_: Annotated[
        str | None, typer.Option("--from", metavar="IMAGE", help=f"Where to start: {_ANCHOR} [default: 0].")
    ] = None,
    through: Annotated[list[str] | None, typer.Option(metavar="IMAGE", help="On the way; may be given often.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Where to end [default: the first of another class].")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(min=2, max=10_000, help="Images from each to the next, both included [default: 11; 31 in a GIF]."),
    ] = None,
    method: Annotated[Method, typer.Option(help="In a straight line, or along an arc.")] = Method.LERP,
    at: Annotated[
        At, typer.Option(help="Start from the posteriors' means, or from draws with one epsilon for all.")
    ] = At.MEAN,
    bounce: Annotated[
        bool, typer.Option("--bounce/--loop", help="A GIF goes to and fro, or from the last on to the first.")
    ] = True,
    seed: Seed = 0,
    columns: Annotated[int | None, typer.Option(min=1, help="Images a row [default: one strip].")] = None,
    scale: Scale = None,
    frames_per_second: FramesPerSecond = 15.0,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Go from one image to another through latent space, as a strip or a GIF. Prints the file's path.

    Examples: `vae-tui interpolate --from class:4 --to class:9 --at draw --out four-to-nine.png`;
    `vae-tui interpolate --from mean:1 --to mean:7 --out between.gif`.
    """
    suffix = _check_out(out, _MOVING)
    with _opened_space(source, runs_dir, data_root, "interpolating") as space:
        from vae_tui.latent.interpolate import choose_ends, draw_interpolation

        start, end = choose_ends(space, from_, to)
        picture = draw_interpolation(
            space,
            [start, *(space.find(name) for name in through or []), end],
            frames=frames or (31 if suffix == ".gif" else 11),
            method=method.value,
            at=at.value,
            seed=seed,
            bounce=bounce,
            columns=columns,
            frames_per_second=frames_per_second,
            scale=scale,
        )
        _write_picture(out, picture, space, scale)


@app.command()
def traverse(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif or .npz to write.")] = Path("traversal.png"),
    around: Around = None,
    dimensions: Annotated[
        str | None, typer.Option(metavar="I,J,...", help="Which latent dimensions [default: all active ones].")
    ] = None,
    range_: Annotated[
        str,
        typer.Option(
            "--range",
            metavar="RANGE",
            help="How far: 3 (from -3 to 3), quantiles (of the prior), data (what the codes use) or posterior:3 "
            "(3 standard deviations about the image's mean).",
        ),
    ] = "3",
    columns: Annotated[
        int | None, typer.Option(min=2, max=1000, help="Steps of each dimension [default: 11; 21 in a GIF].")
    ] = None,
    at: Annotated[At, typer.Option(help="Start from the image's posterior mean, or from a draw.")] = At.MEAN,
    seed: Seed = 0,
    scale: Scale = None,
    frames_per_second: FramesPerSecond = 10.0,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Move one latent dimension at a time, a row each, the one with the highest KL first. Prints the file's path.

    Example: `vae-tui traverse --around class:3 --range data --out dimensions.png`.
    """
    from vae_tui.latent.ranges import parse_range

    suffix = _check_out(out, _MOVING)
    chosen = None if dimensions is None else _whole_numbers("--dimensions", dimensions)
    reach = parse_range(range_)
    with _opened_space(source, runs_dir, data_root, "traversing latent dimensions") as space:
        from vae_tui.latent.traverse import draw_traversal

        picture = draw_traversal(
            space,
            space.find(around or "0"),
            dimensions=chosen,
            range_=reach,
            count=columns or (21 if suffix == ".gif" else 11),
            at=at.value,
            seed=seed,
            frames_per_second=frames_per_second,
            scale=scale,
        )
        _write_picture(out, picture, space, scale)


@app.command()
def manifold(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png or .npz to write.")] = Path("manifold.png"),
    plane: Annotated[
        str | None, typer.Option(metavar="I,J", help="Which latent dimensions [default: the two with the highest KL].")
    ] = None,
    around: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help=f"What the other dimensions are taken from: {_ANCHOR} [default: 0 in all]."),
    ] = None,
    range_: Annotated[
        str,
        typer.Option(
            "--range",
            metavar="RANGE",
            help="How far: quantiles (each image as probable as any other), 3 (from -3 to 3), data (what the codes use) "
            "or posterior:3 (3 standard deviations about the image's mean).",
        ),
    ] = "quantiles",
    columns: Annotated[int, typer.Option(min=2, max=500, help="Images a row, and rows.")] = 20,
    at: Annotated[At, typer.Option(help="Take the image's posterior mean, or a draw.")] = At.MEAN,
    seed: Seed = 0,
    scale: Scale = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Draw the map of two latent dimensions. Prints the file's path.

    Examples: `vae-tui manifold fc2 --out map.png`; `vae-tui manifold --plane 0,3 --range data --out map.png`.
    """
    from vae_tui.latent.ranges import parse_range

    _check_out(out, _STILL)
    reach = parse_range(range_)
    if reach.kind == "posterior" and around is None:
        raise VaeTuiError(
            f"--range {range_}: name the image whose posterior it is about with --around, such as --around 0"
        )
    chosen = None
    if plane is not None:
        chosen = _pair("--plane", plane)
    with _opened_space(source, runs_dir, data_root, "drawing the map") as space:
        from vae_tui.latent.manifold import draw_manifold

        centre = None if around is None else space.find(around)
        picture = draw_manifold(
            space, centre, plane=chosen, range_=reach, side=columns, at=at.value, seed=seed, scale=scale
        )
        _write_picture(out, picture, space, scale)


@app.command()
def project(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png or .npz to write.")] = Path("codes.png"),
    projection: Annotated[
        ProjectionKind | None,
        typer.Option(help="To which plane [default: dimensions where there are but two, else pca]."),
    ] = None,
    plane: Annotated[str | None, typer.Option(metavar="I,J", help="Which two latent dimensions.")] = None,
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.TEST,
    seed: Seed = 0,
    scale: Annotated[int, typer.Option(min=1, max=8, help="Draw it this many times as large.")] = 1,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Scatter the codes of a set's images in a plane, coloured by class. Prints the file's path.

    An .npz holds means, log-variances, labels, class names and coordinates.

    Example: `vae-tui project fc20 --projection tsne --out codes.png`.
    """
    _check_out(out, _STILL)
    if plane is not None and projection not in (None, ProjectionKind.DIMENSIONS):
        raise VaeTuiError(f"--plane goes with --projection dimensions, not with {projection}")
    chosen = None if plane is None else _pair("--plane", plane)
    with _opened_space(source, runs_dir, data_root, "projecting codes") as space:
        from vae_tui.latent.project import draw_projection

        picture = draw_projection(
            space,
            kind=None if projection is None else projection.value,
            plane=chosen,
            split=split.value,
            seed=seed,
            scale=scale,
        )
        _write_picture(out, picture, space, 1)


@app.command()
def evaluate(
    source: SourceArgument = None,
    samples: Annotated[int, typer.Option(min=1, max=1_000_000, help="Draws of z for each image.")] = 1000,
    count: Annotated[
        int, typer.Option(min=1, help="How many images, drawn by the seed; all where there are fewer.")
    ] = 1000,
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.TEST,
    frechet: Annotated[
        bool, typer.Option("--frechet", help="Train a small classifier, and compare samples in its features.")
    ] = False,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps; auto takes CUDA where it is.")] = "auto",
    json_: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Tell a checkpoint's figures in true nats: ELBO, importance-sampled likelihood, active units, information.

    Sums over pixels and latent dimensions, means over images; where factors are known, scores of disentanglement too.

    Examples: `vae-tui evaluate fc20`; `vae-tui evaluate beta10 --samples 5000 --count 10000 --json`.
    """
    from vae_tui.headless import StageTeller

    checkpoint = _find_checkpoint(source, runs_dir)
    sys.stderr.write(f"evaluating {checkpoint}\n")
    from vae_tui.evaluation.evaluate import evaluate as evaluate_checkpoint
    from vae_tui.evaluation.report import print_table, to_json

    teller = StageTeller()
    try:
        found = evaluate_checkpoint(
            checkpoint,
            data_root=data_root,
            split=split.value,
            count=count,
            samples=samples,
            seed=seed,
            frechet=frechet,
            device=device,
            progress=teller.tell,
        )
    finally:
        teller.close()
    if json_:
        typer.echo(to_json(found))
    else:
        print_table(found)


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


@app.command()
def doctor(
    json_: Annotated[bool, typer.Option("--json", help="For programs: the same and more, as one JSON object.")] = False,
    runs_dir: RunsDir = Path("checkpoints"),
    data_root: DataRoot = None,
) -> None:
    """Say what was found, and why, for terminal, pictures, colours, device, threads, data and disk; and what to do.

    Run it where something looks wrong: in that terminal, over that line, on that machine.
    """
    from vae_tui.doctor import examine
    from vae_tui.doctor.report import print_json, print_table

    sys.stderr.write("asking the terminal, and torch, which takes a few seconds to start\n")
    findings = examine(runs_dir=runs_dir, data_root=data_root)
    if json_:
        print_json(findings)
    else:
        print_table(findings)


def _check_out(out: Path, suffixes: Sequence[str]) -> str:
    """The ending of the file to write, once it can be; raises VaeTuiError for one that makes no sense."""
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        still = " (nothing moves here, so there is no GIF of it)" if suffix == ".gif" else ""
        raise VaeTuiError(f"--out {out}: expected a name that ends in {' or '.join(suffixes)}{still}")
    if not out.absolute().parent.is_dir():
        raise VaeTuiError(f"--out {out}: there is no folder {out.absolute().parent}")
    return suffix


def _whole_numbers(option: str, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise VaeTuiError(f"{option} {text}: expected whole numbers with commas between them, such as 0,3")
    return [int(part) for part in parts]


def _pair(option: str, text: str) -> tuple[int, int]:
    numbers = _whole_numbers(option, text)
    if len(numbers) != 2 or numbers[0] == numbers[1]:
        raise VaeTuiError(f"{option} {text}: expected two different latent dimensions, such as 0,3")
    return numbers[0], numbers[1]


def _find_checkpoint(source: str | None, runs_dir: Path) -> Path:
    from vae_tui.run import PRETRAINED, find_checkpoint

    checkpoint = find_checkpoint(source, runs_dir)
    if checkpoint == PRETRAINED:
        sys.stderr.write(
            f"no checkpoint under {runs_dir} yet: using the digits model that ships with vae-tui; "
            "train your own with: vae-tui train\n"
        )
    return checkpoint


@contextmanager
def _opened_space(source: str | None, runs_dir: Path, data_root: Path | None, doing: str) -> Iterator[Space]:
    """A checkpoint's latent space, whose long stages are told on stderr."""
    from vae_tui.headless import StageTeller

    checkpoint = _find_checkpoint(source, runs_dir)
    sys.stderr.write(f"{doing} with {checkpoint}\n")
    from vae_tui.latent.space import Space

    teller = StageTeller()
    try:
        space = Space(checkpoint, data_root=data_root, progress=teller.tell)
        yield space
    finally:
        teller.close()
    for note in space.sets.notes if space.has_sets else ():
        sys.stderr.write(f"{note}\n")


def _write_picture(out: Path, picture: Picture, space: Space, scale: int | None) -> None:
    from vae_tui.latent.picture import encode_picture

    for note in picture.notes:
        sys.stderr.write(f"{note}\n")
    text = {"Software": f"vae-tui {__version__}", "Checkpoint": space.full_name}
    _write_out(out, encode_picture(picture, out.suffix.lower(), scale=scale, text=text))


def _write_out(out: Path, content: bytes) -> None:
    from vae_tui.run import write_whole

    try:
        write_whole(out, content)
    except OSError as error:
        raise VaeTuiError(f"--out {out} cannot be written: {error.strerror}") from error
    typer.echo(out)


def _replay(path: Path, source: str | None, runs_dir: Path, out: Path, columns: int | None, scale: int | None) -> None:
    """Play a walk with the checkpoint given, or the one it was made with."""
    from vae_tui.walk.recorded import find_checkpoint_of, read_walk

    walk = read_walk(path)
    if source is None:
        source = find_checkpoint_of(walk, path)
    with _opened_space(source, runs_dir, None, f"replaying {len(walk.points)} points") as space:
        from vae_tui.latent.replay import draw_walk, render_walk

        if out.suffix.lower() == ".gif":
            _write_out(out, render_walk(space.vae, walk, scale=scale, made_with=space.full_name))
        else:
            _write_picture(out, draw_walk(space.vae, walk, columns=columns, scale=scale), space, scale)


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


def _show_training(run: Run, process: subprocess.Popen[bytes], images: Images, data_root: Path | None) -> None:
    from vae_tui.tui.app import VaeTuiApp

    screen = VaeTuiApp(run, process=process, images=images.value, data_root=data_root)
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
