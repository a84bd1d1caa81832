"""The commands that draw: sample, reconstruct, interpolate, traverse, manifold, project. They need no screen."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.options import (
    ANCHOR,
    ClassName,
    DataRoot,
    FramesPerSecond,
    RunsDir,
    Scale,
    Seed,
    SourceArgument,
    Split,
)
from vae_tui.cli.outfiles import write_out
from vae_tui.cli.picture_files import FIGURES, MOVING, STILL, check_picture_out, open_space, write_picture
from vae_tui.errors import VaeTuiError
from vae_tui.wording import counted


class LatentAt(StrEnum):
    """Where an image is in latent space."""

    MEAN = "mean"
    DRAW = "draw"


class PosteriorChoice(StrEnum):
    """What of an image's posterior is decoded."""

    MEAN = "mean"
    DRAW = "draw"
    DOUBLY = "doubly"


class Method(StrEnum):
    """Which way leads from one point to another."""

    LERP = "lerp"
    SLERP = "slerp"


class ProjectionKind(StrEnum):
    """How codes are brought to a plane."""

    DIMENSIONS = "dimensions"
    PCA = "pca"
    TSNE = "tsne"


LabelsFlag = Annotated[
    bool, typer.Option("--labels/--no-labels", help="Write numbers and names beside the images of a still.")
]
Around = Annotated[str | None, typer.Option(metavar="IMAGE", help=f"The image to start from: {ANCHOR}.")]


def sample(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif, .svg, .pdf or .npz to write.")] = Path("samples.png"),
    count: Annotated[
        int | None, typer.Option(min=1, max=65536, help="How many images [default: 64; 8 to walk between in a GIF].")
    ] = None,
    seed: Seed = 0,
    columns: Annotated[int | None, typer.Option(min=1, help="Images a row [default: a square].")] = None,
    scale: Scale = None,
    by_class: Annotated[
        bool, typer.Option("--grid", help="Of a conditional model: a row for each latent, a column for each class.")
    ] = False,
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
            'training images chosen at random. "mixture(10)": ten Gaussians fitted to those posteriors, which improves the '
            'samples of a model whose codes are not where its prior is. The same for each latent: "N(0,1)" (mean, '
            'standard deviation), "Beta(0.25,0.25)" or "U(-1,1)".',
        ),
    ] = "model",
    path: Annotated[
        Path | None, typer.Option(metavar="WALK", help="Replay a walk recorded as TOML, with the checkpoint it names.")
    ] = None,
    frames_per_second: FramesPerSecond = 10.0,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Draw images from the prior, or replay a recorded walk. Prints the file's path.

    A .png is a grid; a .gif walks from sample to sample; an .npz holds images and latents. Only --prior aggregated and
    mixture look at the training images.

    Examples: `vae-tui sample beta10 --out grid.png --count 100 --scale 2`;
    `vae-tui sample beta0 --prior "mixture(10)" --out mixture.png`; `vae-tui sample --path walk.toml --out walk.gif`;
    `vae-tui sample conditional --class 7 --out sevens.png`.
    """
    import math

    from vae_tui.latent.priors import parse_prior

    suffix = check_picture_out(out, MOVING)
    if not math.isfinite(temperature):
        raise VaeTuiError(f"--temperature {temperature}: expected a finite number")
    distribution = parse_prior(prior)
    if path is not None:
        others = class_name is not None or by_class
        if count is not None or distribution != parse_prior("model") or temperature != 1 or others:
            raise VaeTuiError(
                "--path replays a walk as it is: give it without --count, --prior, --temperature, --class and --grid"
            )
        _replay(path, source, runs_dir, out, columns, scale)
        return
    moving = suffix == ".gif"
    if by_class and (moving or class_name is not None or columns is not None):
        raise VaeTuiError("--grid draws every class side by side: as a still or .npz, without --class and --columns")
    wanted = count or (8 if moving or by_class else 64)
    total = "classes side by side" if by_class else counted(wanted, "image")
    with open_space(source, runs_dir, data_root, f"drawing {total}", class_name) as space:
        from vae_tui.latent.prior_draws import draw_prior_samples

        picture = draw_prior_samples(
            space,
            prior=distribution,
            count=wanted,
            columns=columns,
            seed=seed,
            temperature=temperature,
            by_class=by_class,
            moving=moving,
            frames_per_second=frames_per_second,
            scale=scale,
        )
        write_picture(out, picture, space, scale)


def reconstruct(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .svg, .pdf or .npz to write.")] = Path("reconstructions.png"),
    image: Annotated[list[str] | None, typer.Option(metavar="IMAGE", help=f"An image, repeatable: {ANCHOR}.")] = None,
    count: Annotated[int, typer.Option(min=1, max=65536, help="How many images, evenly over the split.")] = 32,
    split: Annotated[Split, typer.Option(help="Which images to take them from.")] = Split.TEST,
    at: Annotated[
        PosteriorChoice,
        typer.Option(
            help="Decode each posterior's mean, a draw from it, or a doubly stochastic draw: mean and variance drawn "
            "first, then the latent."
        ),
    ] = PosteriorChoice.MEAN,
    seed: Seed = 0,
    columns: Annotated[int, typer.Option(min=1, help="Images a row.")] = 8,
    scale: Scale = None,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Show images over what the model makes of them. Prints the file's path.

    Example: `vae-tui reconstruct beta0 --at draw --out posterior.png` shows draws from the posteriors.
    """
    check_picture_out(out, STILL)
    with open_space(source, runs_dir, data_root, "reconstructing images", class_name) as space:
        from vae_tui.latent.reconstruct import choose_images, draw_reconstructions

        sources = [space.find(name) for name in image] if image else choose_images(space, split.value, count)
        picture = draw_reconstructions(space, sources, at=at.value, seed=seed, columns=columns, scale=scale)
        write_picture(out, picture, space, scale)


def interpolate(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif, .svg, .pdf or .npz to write.")] = Path("interpolation.png"),
    from_: Annotated[
        str | None, typer.Option("--from", metavar="IMAGE", help=f"Where to start: {ANCHOR} [default: 0].")
    ] = None,
    through: Annotated[list[str] | None, typer.Option(metavar="IMAGE", help="On the way; repeatable.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Where to end [default: the first of another class].")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(min=2, max=10_000, help="Images from each to the next, both included [default: 11; 31 in a GIF]."),
    ] = None,
    method: Annotated[Method, typer.Option(help="In a straight line, or along an arc.")] = Method.LERP,
    at: Annotated[
        LatentAt, typer.Option(help="Start from the posteriors' means, or from draws with one epsilon for all.")
    ] = LatentAt.MEAN,
    bounce: Annotated[
        bool, typer.Option("--bounce/--loop", help="A GIF goes to and fro, or from the last on to the first.")
    ] = True,
    seed: Seed = 0,
    columns: Annotated[int | None, typer.Option(min=1, help="Images a row [default: one strip].")] = None,
    scale: Scale = None,
    frames_per_second: FramesPerSecond = 15.0,
    labels: LabelsFlag = True,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Go from one image to another through latent space. Prints the file's path.

    A .png is a strip, a .gif moves, an .npz holds images and latents. A conditional model goes from class to class, too, unless
    --class gives one for all.

    Examples: `vae-tui interpolate --from class:4 --to class:9 --at draw --out four-to-nine.png`;
    `vae-tui interpolate --from mean:1 --to mean:7 --out between.gif`.
    """
    suffix = check_picture_out(out, MOVING)
    with open_space(source, runs_dir, data_root, "interpolating", class_name) as space:
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
        write_picture(out, picture, space, scale, labels=labels)


def traverse(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif, .svg, .pdf or .npz to write.")] = Path("traversal.png"),
    around: Around = None,
    dimensions: Annotated[
        str | None, typer.Option(metavar="I,J,...", help="Which latent dimensions [default: all active ones].")
    ] = None,
    along: Annotated[
        str | None,
        typer.Option(
            metavar="WAY,...",
            help="Directions in place of dimensions: pca:1 (a principal component of the codes), class:4-9 (from one class's mean "
            "code to another's), jacobian:1 (what changes this picture most), with commas between.",
        ),
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
    at: Annotated[
        LatentAt, typer.Option(help="Start from the image's posterior mean, or from a draw.")
    ] = LatentAt.MEAN,
    seed: Seed = 0,
    scale: Scale = None,
    frames_per_second: FramesPerSecond = 10.0,
    labels: LabelsFlag = True,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Move one latent dimension at a time, a row each. Prints the file's path.

    The dimension with the highest KL comes first. With --along, the image is where a row begins to go both ways: 3 is so far in
    latent space.

    Examples: `vae-tui traverse --around class:3 --range data --out dimensions.png`;
    `vae-tui traverse --along pca:1,pca:2,jacobian:1 --out ways.png`.
    """
    from vae_tui.latent.ranges import parse_range

    suffix = check_picture_out(out, MOVING)
    chosen = None if dimensions is None else _whole_numbers("--dimensions", dimensions)
    if along is not None and chosen is not None:
        raise VaeTuiError("--dimensions and --along: give one of them")
    reach = parse_range(range_)
    count = columns or (21 if suffix == ".gif" else 11)
    with open_space(source, runs_dir, data_root, "traversing latent dimensions", class_name) as space:
        from vae_tui.latent.traverse import draw_along, draw_traversal

        center = space.find(around or "0")
        if along is not None:
            picture = draw_along(
                space,
                center,
                along=along.split(","),
                range_=reach,
                count=count,
                at=at.value,
                seed=seed,
                frames_per_second=frames_per_second,
                scale=scale,
            )
        else:
            picture = draw_traversal(
                space,
                center,
                dimensions=chosen,
                range_=reach,
                count=count,
                at=at.value,
                seed=seed,
                frames_per_second=frames_per_second,
                scale=scale,
            )
        write_picture(out, picture, space, scale, labels=labels)


def manifold(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .svg, .pdf or .npz to write.")] = Path("manifold.png"),
    plane: Annotated[
        str | None, typer.Option(metavar="I,J", help="Which latent dimensions [default: the two with the highest KL].")
    ] = None,
    around: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help=f"What the other dimensions are taken from: {ANCHOR} [default: 0 in all]."),
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
    at: Annotated[LatentAt, typer.Option(help="Take the image's posterior mean, or a draw.")] = LatentAt.MEAN,
    seed: Seed = 0,
    scale: Scale = None,
    labels: LabelsFlag = True,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Draw the map of two latent dimensions. Prints the file's path.

    Examples: `vae-tui manifold fc2 --out map.png`; `vae-tui manifold --plane 0,3 --range data --out map.png`.
    """
    from vae_tui.latent.ranges import parse_range

    check_picture_out(out, STILL)
    reach = parse_range(range_)
    if reach.kind == "posterior" and around is None:
        raise VaeTuiError(
            f"--range {range_}: name the image whose posterior it is about with --around, such as --around 0"
        )
    chosen = None
    if plane is not None:
        chosen = _pair("--plane", plane)
    with open_space(source, runs_dir, data_root, "drawing the map", class_name) as space:
        from vae_tui.latent.manifold import draw_manifold

        center = None if around is None else space.find(around)
        picture = draw_manifold(
            space, center, plane=chosen, range_=reach, side=columns, at=at.value, seed=seed, scale=scale
        )
        write_picture(out, picture, space, scale, labels=labels)


def project(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .svg, .pdf or .npz to write.")] = Path("codes.png"),
    projection: Annotated[
        ProjectionKind | None,
        typer.Option(help="To which plane [default: dimensions if there are only two, else pca]."),
    ] = None,
    plane: Annotated[str | None, typer.Option(metavar="I,J", help="Which two latent dimensions.")] = None,
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.TEST,
    seed: Seed = 0,
    scale: Annotated[int, typer.Option(min=1, max=8, help="Draw it this many times as large.")] = 1,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Scatter the codes of a set's images in a plane. Prints the file's path.

    Points are coloured by class. An .npz holds means, log-variances, labels, class names and coordinates. An .svg or .pdf is
    drawn by matplotlib: pip install 'vae-tui[figures]'.

    Example: `vae-tui project fc20 --projection tsne --out codes.png`.
    """
    suffix = check_picture_out(out, STILL)
    if plane is not None and projection not in (None, ProjectionKind.DIMENSIONS):
        raise VaeTuiError(f"--plane goes with --projection dimensions, not with {projection}")
    chosen = None if plane is None else _pair("--plane", plane)
    with open_space(source, runs_dir, data_root, "projecting codes") as space:
        from vae_tui.latent.project import draw_projection

        picture = draw_projection(
            space,
            kind=None if projection is None else projection.value,
            plane=chosen,
            split=split.value,
            seed=seed,
            scale=scale,
        )
        if suffix not in FIGURES:
            write_picture(out, picture, space, 1)
            return
        from vae_tui.cli.code_figures import draw_codes

        title = f"{space.name}, {counted(len(picture.arrays['indexes']), f'{split.value} image')}"
        write_out(out, draw_codes(picture.arrays, title, suffix))


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


def _replay(path: Path, source: str | None, runs_dir: Path, out: Path, columns: int | None, scale: int | None) -> None:
    """Play a walk with the checkpoint given, or the one it was made with."""
    from vae_tui.walk.recorded import find_checkpoint_of, read_walk

    walk = read_walk(path)
    if source is None:
        source = find_checkpoint_of(walk, path)
    replaying = f"replaying {counted(len(walk.points), 'point')}"
    with open_space(source, runs_dir, None, replaying, walk.class_name or None) as space:
        from vae_tui.latent.replay import draw_walk, render_walk

        if out.suffix.lower() == ".gif":
            write_out(out, render_walk(space.vae, walk, scale=scale, made_with=space.full_name))
        else:
            write_picture(out, draw_walk(space.vae, walk, columns=columns, scale=scale), space, scale)
