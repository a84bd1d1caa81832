"""What every command that draws does before and after: the checkpoint it opens, and the file it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vae_tui import __version__
from vae_tui.cli.options import choose_checkpoint
from vae_tui.cli.outfiles import check_out, write_out
from vae_tui.cli.output import say

if TYPE_CHECKING:
    from vae_tui.latent.picture import Picture
    from vae_tui.latent.space import Space

FIGURES = (".svg", ".pdf")
"""How the names of files end that matplotlib draws."""
STILL, MOVING = (".png", *FIGURES, ".npz"), (".png", ".gif", *FIGURES, ".npz")
"""How those end to which something is drawn that does not move, or may."""


def check_picture_out(out: Path, suffixes: Sequence[str]) -> str:
    """As `check_out`; raises VaeTuiError too for a figure where matplotlib is not installed."""
    suffix = check_out(out, suffixes)
    if suffix in FIGURES:
        from vae_tui.tui.paper import check_matplotlib

        check_matplotlib()
    return suffix


@contextmanager
def open_space(
    source: str | None, runs_dir: Path, data_root: Path | None, doing: str, class_name: str | None = None
) -> Iterator[Space]:
    """A checkpoint's latent space, given a class or not, whose long stages are shown on stderr."""
    from vae_tui.headless import StageProgress

    checkpoint = choose_checkpoint(source, runs_dir)
    say(f"{doing} with {checkpoint}")
    from vae_tui.latent.space import Space

    stages = StageProgress()
    try:
        space = Space(checkpoint, data_root=data_root, progress=stages.update)
        if class_name is not None:
            space.give(class_name)
        yield space
    finally:
        stages.close()
    for note in space.sets.notes if space.has_sets else ():
        say(note)


def write_picture(out: Path, picture: Picture, space: Space, scale: int | None, *, labels: bool = True) -> None:
    """Write what was drawn, with the checkpoint it is of among its comments, and print its path."""
    from vae_tui.imaging.grid import choose_channels
    from vae_tui.latent.picture import encode_picture

    picture = picture if labels else replace(picture, labels=None)
    for note in picture.notes:
        say(note)
    suffix, channels = out.suffix.lower(), space.vae.shown_channels
    if suffix in FIGURES:
        from vae_tui.cli.grid_figures import draw_grid

        assert picture.still is not None
        about = {"Checkpoint": space.full_name, "Comment": picture.facts}
        still = choose_channels(picture.still, None if picture.is_plot else channels)
        write_out(out, draw_grid(still, picture.labels, suffix, scale=scale, about=about))
        return
    text = {"Software": f"vae-tui {__version__}", "Checkpoint": space.full_name}
    write_out(out, encode_picture(picture, suffix, scale=scale, text=text, channels=channels))
