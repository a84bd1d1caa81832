"""Commands about runs: watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.options import DataRoot, PictureMode, PictureModeOption, RunsDir
from vae_tui.cli.screen import import_screen, on_a_terminal


def watch(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's name or path, a recipe's name (its newest run), or a unique prefix [default: the newest run].",
        ),
    ] = None,
    runs_dir: RunsDir = Path("checkpoints"),
    images: PictureModeOption = PictureMode.AUTO,
    data_root: DataRoot = None,
) -> None:
    """Show a run with its whole history, live or finished.

    Without a terminal, as plain progress.
    """
    from vae_tui.runs.find import find_run
    from vae_tui.runs.log import EventReader

    chosen = find_run(run, runs_dir)
    next(EventReader(chosen.events_path).read(), None)  # a log that cannot be read is named before a screen opens
    if on_a_terminal():
        import_screen()
        from vae_tui.runs.feed import RunFeed
        from vae_tui.tui.app import VaeTuiApp

        screen = VaeTuiApp(RunFeed(chosen), images=images.value, data_root=data_root)
        screen.run()
        if screen.return_code:
            raise typer.Exit(screen.return_code)
    else:
        from vae_tui.headless import PlainView, watch_to_end

        watch_to_end(chosen, PlainView())
