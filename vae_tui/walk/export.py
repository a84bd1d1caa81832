"""Files that a walk writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_tui import __version__
from vae_tui.errors import VaeTuiError
from vae_tui.imaging.grid import choose_scale, encode_png, make_grid
from vae_tui.runs.files import write_whole

_KINDS = (".png", ".gif", ".toml")


def check_export(out: Path) -> None:
    """Raise VaeTuiError where no file of that name is to be written."""
    if out.suffix.lower() not in _KINDS:
        raise VaeTuiError(f"{out}: expected a name that ends in .png, .gif or .toml")
    if not out.absolute().parent.is_dir():
        raise VaeTuiError(f"{out}: there is no folder {out.absolute().parent}")
    if out.exists():
        raise VaeTuiError(f"{out} is there already; choose another name")


def free_name(stem: str, suffix: str) -> str:
    """A file name here that is not taken."""
    number = 1
    while Path(f"{stem}-{number}{suffix}").exists():
        number += 1
    return f"{stem}-{number}{suffix}"


def _in_rows(stacks: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """The images of stacks (N, S, H, W, C) in the order in which they stand in so many columns."""
    if stacks.shape[1] == 1:
        return stacks[:, 0]
    missing = -len(stacks) % columns
    whole = np.concatenate([stacks, np.zeros((missing, *stacks.shape[1:]), np.uint8)])
    rows = whole.reshape(-1, columns, *stacks.shape[1:]).swapaxes(1, 2)
    return rows.reshape(-1, *stacks.shape[2:])


def write_picture(out: Path, stacks: NDArray[np.uint8], columns: int, checkpoint: Path) -> None:
    """Write stacks (N, S, H, W, C) as a PNG that names the checkpoint they are of; raises VaeTuiError where it cannot be."""
    images = _in_rows(stacks, columns)
    grid = images[0] if len(images) == 1 else make_grid(images, columns)
    text = {"Software": f"vae-tui {__version__}", "Checkpoint": "/".join(checkpoint.resolve().parts[-2:])}
    try:
        write_whole(out, encode_png(grid, scale=choose_scale(*grid.shape[:2]), text=text))
    except OSError as error:
        raise VaeTuiError(f"{out} cannot be written: {error.strerror}") from error
