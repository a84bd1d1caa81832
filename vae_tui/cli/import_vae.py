"""The command that makes a checkpoint of another library's VAE."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.outfiles import check_out, write_out
from vae_tui.cli.output import say
from vae_tui.wording import counted


def import_vae(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A diffusers AutoencoderKL: config.json and .safetensors.")
    ],
    photos: Annotated[Path, typer.Option(help="The folder of photos to look at with it.")],
    image_size: Annotated[int, typer.Option(min=8, max=1024, help="Side in pixels that photos are brought to.")] = 128,
    sigma: Annotated[
        float,
        typer.Option(min=1e-4, max=1e4, help="Standard deviation of a pixel, in [0, 1], by which NLL is counted."),
    ] = 0.1,
    out: Annotated[Path, typer.Option(help="The .safetensors to write.")] = Path("imported.safetensors"),
) -> None:
    """Make a checkpoint of another library's VAE, to walk in it. Prints the file's path.

    Its latents are a small picture, laid flat. What takes a checkpoint takes the file: reconstruct, interpolate, walk, evaluate, encode,
    export.

    Example: `vae-tui import stable-diffusion/vae --photos photos --image-size 256 --out sd.safetensors`.
    """
    check_out(out, (".safetensors",))
    from vae_tui.errors import DataError
    from vae_tui.model.checkpoint import encode_checkpoint
    from vae_tui.model.diffusers import read_autoencoder_kl

    if not photos.is_dir():
        raise DataError(
            f"--photos {photos} {'is no folder' if photos.exists() else 'is not there'}: give a folder of photos"
        )
    say(f"reading {folder}")
    vae = read_autoencoder_kl(folder, photos.absolute(), image_size, sigma=sigma)
    say(f"{counted(vae.latent_dim, 'latent')}: {vae.network_name}")
    write_out(out, encode_checkpoint(vae, None, {"step": 0, "class_names": []}))
