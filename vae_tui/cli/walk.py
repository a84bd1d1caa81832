"""The command that walks a latent space on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.options import DataRoot, PictureMode, PictureModeOption, RunsDir, SourceArgument, note_on_stderr
from vae_tui.cli.screen import import_screen, on_a_terminal
from vae_tui.errors import VaeTuiError


def walk(
    source: SourceArgument = None,
    runs_dir: RunsDir = Path("checkpoints"),
    data_root: DataRoot = None,
    images: PictureModeOption = PictureMode.AUTO,
    beside: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|CHECKPOINT",
            help="Another model, whose pictures stand beneath: of the same place, or, key B, of the same image.",
        ),
    ] = None,
) -> None:
    """Walk a latent space by keyboard.

    Sliders, traversals, maps, scatters, anchors, animation; ? lists every key.

    Without a run of your own it opens a small model of digits that ships with vae-tui. Without a terminal, see
    `vae-tui sample`, `traverse`, `manifold`, `project` and `interpolate`.
    """
    from vae_tui.runs.find import PRETRAINED, find_checkpoint
    from vae_tui.runs.metadata import read_metadata

    checkpoint = find_checkpoint(source, runs_dir, note_on_stderr)
    read_metadata(checkpoint)
    second = None if beside is None else find_checkpoint(beside, runs_dir, note_on_stderr)
    if not on_a_terminal():
        raise VaeTuiError(
            "a walk needs a terminal, for stderr too, where its screen is drawn; vae-tui sample, traverse, manifold or interpolate "
            "need none"
        )
    shipped = source is None and checkpoint == PRETRAINED
    import_screen()
    from vae_tui.tui.app import VaeTuiApp
    from vae_tui.tui.screens.walk import WalkScreen

    note = "no run yet: this is the digits model that ships with vae-tui; train your own with: vae-tui train"
    screen = WalkScreen(checkpoint, data_root=data_root, note=note if shipped else "", beside=second)
    app = VaeTuiApp(screen, images=images.value)
    app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)
