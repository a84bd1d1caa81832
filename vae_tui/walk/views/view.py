"""What every view has: what it looks at, what it needs decoded, and what it has to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.axes import Axes
from vae_tui.walk.messages import PlaceMeasured, Request
from vae_tui.walk.paths import Latents, Point
from vae_tui.walk.plane import Codes

ViewName = Literal["image", "strip", "table", "map", "scatter", "neighbors", "codes"]
VIEW_NAMES: tuple[ViewName, ...] = get_args(ViewName)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """What a view looks at: the present latent, and what is known of the space around it."""

    z: Point
    axes: Axes
    chosen: int
    """Which axis."""
    order: Sequence[int]
    """Dimensions, that with the highest rate first."""
    rates: Sequence[float]
    codes: Codes | None = None
    """Those of the test images, once they are known."""
    decoded: tuple[Pixels, Point] | None = None
    """The newest image (H, W, C) there is, and the latent (Z,) it is of."""
    area: tuple[int, int] | None = None
    """Height and width of the room for pictures, in pixels; None while it is not known."""
    codebook: Latents | None = None
    """The codes (K, D) of a quantised model, that stand at each D dimensions."""
    norms: Point | None = None
    """The lengths of draws from the prior, rising (M,)."""
    measured: PlaceMeasured | None = None
    """What is known of the latent that was decoded last."""


@dataclass(frozen=True)
class Spread:
    """Points (N, Z) to be decoded, to stand in so many columns (None: as many as fit), one of them marked, each with its label."""

    points: Latents
    columns: int | None = None
    mark: int | None = None
    begins_with_z: bool = False
    """Whether the first is the present latent, to the bit."""
    labels: Sequence[str] = ()
    """What stands beneath each."""


@dataclass(frozen=True)
class Labels:
    """What stands before each row of images and under each of their columns."""

    rows: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True)
class Tiles:
    """Images (N, H, W, C) to be drawn, the points (N, Z) they are of, and in how many columns, None: as many as fit."""

    images: Pixels
    points: Latents
    columns: int | None = None
    beneath: Pixels | None = None
    """What stands beneath each, (N, H, W, C)."""
    labels: Sequence[str] = ()
    """What is written beneath that, for each; empty for none."""

    @property
    def stacks(self) -> Pixels:
        """Each image with what stands beneath it, (N, S, H, W, C)."""
        return np.stack([self.images] if self.beneath is None else [self.images, self.beneath], axis=1)


@dataclass(frozen=True)
class Query:
    """A request, beside decoding, that a view needs replied to, and who takes the reply."""

    request: Request[Any]
    take: Callable[[Any], object]


class View:
    """One view. It changes nothing but itself: where a cursor in it leads, it tells."""

    name: ClassVar[ViewName]
    is_labelled: ClassVar[bool] = False
    """Whether there is to be room for `labels`."""
    needs_area: ClassVar[bool] = False
    """Whether what it shows depends on the room there is."""

    has_beneath: ClassVar[bool] = True
    """Whether anything may stand beneath its images."""

    def __init__(self) -> None:
        self.tiles: Tiles | None = None
        """What it last had to be drawn, for views that consist of pictures."""

    def title(self, scene: Scene) -> str:
        """What it shows, for the frame around it."""
        return self.name

    def titles(self, scene: Scene) -> Sequence[str]:
        """The title, and after it shorter ones for where room is short."""
        return [self.title(scene)]

    def captions(self, scene: Scene) -> Sequence[str]:
        """What is seen, in words; of several the last may be left out where room is short."""
        return [""]

    def spread(self, scene: Scene) -> Spread | None:
        """The points it needs decoded; None where it needs only the present one, or none."""
        return None

    def mark(self, scene: Scene) -> int | None:
        """Which of its tiles has a frame."""
        spread = self.spread(scene)
        return None if spread is None else spread.mark

    def labels(self, scene: Scene) -> Labels | None:
        """What stands beside its images, where those are rows and columns of something."""
        return None

    def query(self, scene: Scene) -> Query | None:
        """What it needs beside decoding, each thing only once."""
        return None

    def needs_codes(self, scene: Scene) -> bool:
        """Whether it cannot go on without the codes of the test images."""
        return False

    def has_cursor(self, scene: Scene) -> bool:
        """Whether arrow keys move a cursor in it."""
        return False

    def move(self, scene: Scene, right: int, up: int, *, big: bool) -> Point:
        """The latent (Z,) to which a step of the cursor leads."""
        return scene.z

    def choose(self, scene: Scene, rows: int) -> int | None:
        """The axis to choose so many rows further down; None where they stand in their usual order."""
        return None

    def zoom(self, scene: Scene, factor: float) -> None:
        """Show less of a plane, or more, around the cursor."""

    def show_all(self) -> None:
        """Show the whole plane again."""

    def query_failed(self) -> None:
        """Take it that the last query was not replied to."""

    def forget(self) -> None:
        """Begin anew, as when the view is shown again."""
        self.tiles = None

    def forget_checkpoint(self) -> None:
        """Let go of all that was computed with another checkpoint."""
        self.forget()


def name_place(scene: Scene) -> str:
    """Where the present latent is along the chosen axis."""
    return f"{scene.axes.name(scene.chosen)} {scene.axes.value(scene.z, scene.chosen):+.2f}"


def tile_size(area: tuple[int, int]) -> int:
    """How large a tile of many is meant to be, in pixels."""
    return max(10, min(area) // 12)
