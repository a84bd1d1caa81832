"""`vae-tui inpaint`: what may be in a hidden part of an image."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.options import ANCHOR, ClassName, DataRoot, RunsDir, Scale, Seed, SourceArgument
from vae_tui.cli.picture_files import STILL, check_picture_out, open_space, write_picture


class By(StrEnum):
    """How latents that agree with what is seen are found."""

    WEIGHTS = "weights"
    GRADIENT = "gradient"


def inpaint(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .png, .svg, .pdf or .npz to write.")] = Path("inpainted.png"),
    image: Annotated[str, typer.Option(metavar="IMAGE", help=f"The image: {ANCHOR}.")] = "0",
    hide: Annotated[
        str,
        typer.Option(
            metavar="REGION",
            help="What is hidden: top, bottom, left, right, center, or rows,columns such as 14:28,0:28.",
        ),
    ] = "bottom",
    count: Annotated[int, typer.Option(min=1, max=1024, help="How many completions.")] = 14,
    by: Annotated[
        By,
        typer.Option(
            help="weights: draws from the posterior given what is seen, by importance sampling. gradient: the places that "
            "fit it best, found by optimisation from as many starts."
        ),
    ] = By.WEIGHTS,
    seed: Seed = 0,
    columns: Annotated[int, typer.Option(min=1, help="Images a row.")] = 8,
    scale: Scale = None,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Complete an image of which a part is hidden. Prints the file's path.

    The first picture is the image, the second what is seen of it; then come completions. How many of the weighted draws
    count is said in the file's comment, and where they are few.

    Examples: `vae-tui inpaint --image class:3 --hide bottom --out threes.png`;
    `vae-tui inpaint mnist/fc20 --image photo.png --hide 7:21,7:21 --by gradient`.
    """
    check_picture_out(out, STILL)
    with open_space(source, runs_dir, data_root, "inpainting", class_name) as space:
        from vae_tui.latent.inpainting import draw_inpainted

        picture = draw_inpainted(
            space, space.find(image), hide=hide, by=by.value, count=count, seed=seed, columns=columns, scale=scale
        )
        write_picture(out, picture, space, scale)
