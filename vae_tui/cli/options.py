"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.output import say


class PictureMode(StrEnum):
    """How pictures are drawn in the terminal."""

    AUTO = "auto"
    KITTY = "kitty"
    SIXEL = "sixel"
    OCTANT = "octant"
    SEXTANT = "sextant"
    QUADRANT = "quadrant"
    HALF = "half"
    ASCII = "ascii"


RunsDir = Annotated[Path, typer.Option("--runs-dir", help="The folder of runs.", envvar="VAE_TUI_RUNS_DIR")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        help="The folder of MNIST and other sets, downloaded to it if missing [default: the user's cache].",
        envvar="VAE_TUI_DATA_ROOT",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override a key of the recipe; repeatable."),
]
SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN|CHECKPOINT",
        help="A run, whose best checkpoint is taken, or a checkpoint file [default: the newest run, or, before there is "
        "one, the digits model that ships].",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same bytes.")]
Scale = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Enlarge each pixel this many times [default: enough to see the image well]."),
]
FramesPerSecond = Annotated[float, typer.Option("--fps", min=0.1, max=50, help="Frames a second of a GIF.")]
ANCHOR = "12 (of the test images), train:12, class:4 (or its name), class:4:3, mean:4, or an image file"
ClassName = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="Of a conditional model: which class to decode as, by name, or none [default: the image's own; samples: each in "
        "turn].",
    ),
]
PictureModeOption = Annotated[
    PictureMode, typer.Option("--images", help="How pictures are drawn; auto: the best that the terminal can show.")
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="Run this in the shell when the run completes, stops, fails or collapses, with VAE_TUI_RUN, VAE_TUI_EVENT and "
        "VAE_TUI_MESSAGE set, and ring the terminal; '' only rings.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps; auto takes CUDA if there is a GPU.")]


class Split(StrEnum):
    """Which images of a set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class WhichSplits(StrEnum):
    """Which images of a set, or all of them."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


def note_on_stderr(note: str) -> None:
    """Write a note for the user, in a line of its own."""
    say(f"note: {note}")


def choose_checkpoint(source: str | None, runs_dir: Path) -> Path:
    """The checkpoint a user means; a note on stderr where it is the one that ships."""
    from vae_tui.runs.find import PRETRAINED, find_checkpoint

    checkpoint = find_checkpoint(source, runs_dir, note_on_stderr)
    if checkpoint == PRETRAINED:
        say(
            f"no checkpoint under {runs_dir} yet: using the digits model that ships with vae-tui; "
            "train your own with: vae-tui train"
        )
    return checkpoint
