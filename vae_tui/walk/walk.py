"""A walk under way: its parts, and what keeps them in step with each other and with the decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vae_tui.runs.layout import Run, step_in_name
from vae_tui.walk.anchors import Anchors
from vae_tui.walk.axes import Direction
from vae_tui.walk.beneath import Beneath, Kind, OtherModel, differ, fit_to
from vae_tui.walk.class_choice import ClassChoice
from vae_tui.walk.dimensions import Dimensions
from vae_tui.walk.draws import PriorDraws
from vae_tui.walk.link import DecoderLink
from vae_tui.walk.measure import PlaceMeasure
from vae_tui.walk.messages import (
    NO_CLASS,
    CheckpointOpened,
    Decode,
    Decoded,
    DrawPrior,
    DrawSpread,
    EncodeTestImages,
    FindNeighbors,
    MeasurePlace,
    OpenCheckpoint,
    PriorDrawn,
    Project,
    R,
    Reconstruct,
    Request,
    ShowTestImage,
    TestImagesEncoded,
)
from vae_tui.walk.motion import Motion
from vae_tui.walk.paths import Latents, Point
from vae_tui.walk.plane import Codes
from vae_tui.walk.position import Position
from vae_tui.walk.recording import MOST_FRAMES, Recording
from vae_tui.walk.shares import Shares
from vae_tui.walk.training_time import TrainingTime
from vae_tui.walk.views.choice import Views
from vae_tui.walk.views.view import Pixels, Query, Scene, Spread, Tiles, View

Level = Literal["plain", "success", "warning", "error"]
OPENING = "the model is still being opened: in a moment"
"""What is to be read where a key must wait for it."""


@dataclass(frozen=True, eq=False)
class Notice:
    """What the user should read now."""

    text: str
    level: Level


class Walk:
    """One walk through the latent space of `checkpoint`, and then of every newer one of the run `follow`.

    Its parts are only changed through it and by what a key does; after each change it sends the decoder one request for
    all that is to be seen then, if that is something else than before.
    """

    def __init__(
        self,
        checkpoint: Path,
        link: DecoderLink,
        *,
        latent_dim: int,
        rates: Sequence[float],
        follow: Run | None = None,
        note: str = "",
        other: OtherModel | None = None,
    ) -> None:
        self.checkpoint, self.link, self._follow = checkpoint, link, follow
        self.position = Position(latent_dim)
        self.dimensions = Dimensions(latent_dim, rates)
        self.draws = PriorDraws()
        self.anchors = Anchors()
        self.motion = Motion()
        self.recording = Recording()
        self.views = Views()
        self.beneath = Beneath(other, latent_dim)
        self.time = TrainingTime()
        self.area: tuple[int, int] | None = None
        """Height and width of the room for pictures, in pixels; None while it is not known."""
        self.labelled_area: tuple[int, int] | None = None
        """The same of views that have labels."""
        self.notice: Notice | None = None
        self.opened: CheckpointOpened | None = None
        self.image: Pixels | None = None
        """The newest image (H, W, C) there is of the place."""
        self.note = note
        """What is to be read until one moves."""
        self.classes = ClassChoice()
        self.failure = ""
        """Why there is nothing to walk in."""
        self.measure = PlaceMeasure(link, self.fail)
        self._codes: Codes | None = None
        self._image_of: Point | None = None
        self._decoding: Decode | None = None
        """What was sent to be decoded last."""

    @property
    def z(self) -> Point:
        """The present latent (Z,)."""
        return self.position.z

    @property
    def class_name(self) -> str:
        """The class that images are decoded as, "none", or how much of which; empty where the model is given none."""
        return self.classes.describe(self.position.place.shares)

    @property
    def stops(self) -> list[Point]:
        """Where each anchor (Z,) is."""
        return self.anchors.stops(self.draws.epsilon)

    @property
    def scene(self) -> Scene:
        """What views look at."""
        at = self.dimensions
        decoded = None if self.image is None or self._image_of is None else (self.image, self._image_of)
        area = self.labelled_area if self.views.current.is_labelled else self.area
        if area is not None and self.beneath_caption:
            area = area[0] // 2, area[1]
        return Scene(
            self.z,
            at.axes,
            at.chosen,
            at.order,
            at.rates,
            self._codes,
            decoded,
            area,
            self.codebook,
            at.norms,
            self.measure.found,
        )

    @property
    def beneath_caption(self) -> str:
        """What stands beneath the images of the view, in words; empty where nothing does."""
        return self.beneath.caption if self.views.current.has_beneath else ""

    @property
    def codebook(self) -> Latents | None:
        """The codes (K, D) of a quantised model; None of any other."""
        return None if self.opened is None else self.opened.codebook

    def notify(self, text: str, level: Level = "warning") -> None:
        """Let the user read something, until one moves or for as long as the screen shows it."""
        self.notice = Notice(text, level)

    def fail(self, text: str) -> None:
        """Let the user read why something cannot be had."""
        self.notify(text, "error")

    def go(self, z: Point, shares: Shares | None = None) -> None:
        """Go to a latent (Z,), so that it can be undone; motion ends. Without `shares` classes stay as they are."""
        self.motion.stop()
        self.position.go(z)
        if shares is not None:
            self.position.give(shares)
        self.moved()

    def moved(self) -> None:
        """Take it that one has moved: a frame to record, and nothing more to read of before."""
        self.notice, self.note = None, ""
        self._record(self.z)
        self.update()

    def advance(self, seconds: float) -> bool:
        """Go on by oneself for a time; False where one does not."""
        z = self.motion.advance(seconds)
        if z is None:
            return False
        self.position.drift(z)
        if self.motion.shares is not None:
            self.position.give(self.motion.shares)
        self._record(z)
        self.update()
        return True

    def _record(self, z: Point) -> None:
        recorded = self.recording.active
        self.recording.add(z, self.position.place.shares)
        if recorded and not self.recording.active:
            self.notify(f"the recording has {MOST_FRAMES:,} frames, and has ended; x exports it")

    def draw(self, seed: int, *, go: bool) -> None:
        """Draw from the prior with a seed; with `go`, go there once it is drawn."""
        self.draws.seed = seed
        self.send(DrawPrior(seed), partial(self._take_drawn, seed, go))

    def _take_drawn(self, seed: int, go: bool, reply: PriorDrawn) -> None:
        if seed != self.draws.seed:
            return
        self.draws.drawn = reply
        if go:
            self.go_to_draw()

    def draw_part(self, seed: int, part: slice, text: str) -> None:
        """Draw from the prior with a seed, go there in some of the dimensions, and say so."""
        self.draws.seed = seed

        def take(reply: PriorDrawn) -> None:
            self._take_drawn(seed, False, reply)
            if (point := self.draws.point) is not None and seed == self.draws.seed:
                z = self.z.copy()
                z[part] = point[part]
                self.position.go(z)
                self.moved()
                self.notify(text, "success")

        self.send(DrawPrior(seed), take)

    def go_to_draw(self) -> None:
        """Go to where the seed's draw is at this temperature; nowhere while it is not known."""
        if (point := self.draws.point) is not None:
            self.position.go(point, seed=self.draws.seed)
            self.position.give(None)
        self.moved()

    def take_directions(self, directions: Sequence[Direction]) -> None:
        """Take directions to walk along, beside those there are."""
        self.dimensions.add(directions)
        self.views.scatter.forget_axes()
        self.update()

    def send(
        self, request: Request[R], then: Callable[[R], object], failed: Callable[[str], object] | None = None
    ) -> None:
        """Send the decoder a request; `then` takes the reply, and `failed`, or the user, why there is none."""
        self.link.send(request, then, failed or self.fail)
        self._ensure_running()

    def _ensure_running(self) -> None:
        if not self.link.is_running:
            self.open(self.checkpoint)
        self.open_other()

    def open(self, checkpoint: Path, *, progress: str = "") -> None:
        """Open a checkpoint, with a decoder of its own where there is none."""
        self.link.send(self._opening(checkpoint), self.enter, self._open_failed, progress=progress)

    def open_other(self) -> None:
        """Open the other model, where there is one and it is not open."""
        if (other := self.beneath.other) is not None and not other.link.is_running:
            request = OpenCheckpoint(other.checkpoint.absolute())
            other.link.send(request, lambda _: None, self._beneath_failed)

    def _opening(self, checkpoint: Path) -> OpenCheckpoint:
        return OpenCheckpoint(checkpoint.absolute(), self.classes.wanted)

    def give_class(self, index: int | None) -> None:
        """Have a conditional VAE decode as of a class, -1 for none, wherever one is; None: images as of their own."""
        self.classes.wanted = index
        self.note = ""
        request = OpenCheckpoint(self.checkpoint.absolute(), NO_CLASS if index is None else index)
        self.link.send(request, self.enter, self._open_failed)

    def _open_failed(self, problem: str) -> None:
        # A checkpoint of a live run may be pruned before it is open; then there is a newer one.
        if self.opened is not None:
            return
        self.fail(problem)
        newer = self._newer()
        if newer is None:
            self.failure = problem
        else:
            self.checkpoint = newer
            self.open(newer)

    def look_for_newer(self) -> None:
        """Open the newest checkpoint of the run that is followed, where that is another one and one looks not back."""
        if self.opened is None or self.link.is_waiting_for(OpenCheckpoint) or self.time.is_past:
            return
        if (newer := self._newer()) is not None:
            self.time.follow()
            self.open(newer, progress=f"opening {newer.name}")

    def _newer(self) -> Path | None:
        checkpoints = self._follow.checkpoints() if self._follow is not None else []
        newest = checkpoints[-1] if checkpoints else None
        return None if newest is None or newest.step == step_in_name(self.checkpoint) else newest.path

    def open_chosen(self) -> None:
        """Open the weights that were chosen last, once those before them are open and were seen.

        So whoever holds the key down sees as many on the way as there is time for, and waits for none.
        """
        if self.time.wanted is None:
            return
        self._ensure_running()
        unseen = self._image_of is None and self.link.is_waiting_for(Decode)
        if not unseen and not self.link.is_waiting_for(OpenCheckpoint):
            wanted = self.time.take_wanted()
            assert wanted is not None
            self.link.send(self._opening(wanted.path), self.enter, self.fail)

    def enter(self, opened: CheckpointOpened) -> None:
        """Take a checkpoint's space; what does not fit one of another size ends."""
        stale: tuple[type[Request[Any]], ...] = (
            *(Decode, MeasurePlace, EncodeTestImages, Project, FindNeighbors, ShowTestImage),
        )
        if opened.latent_dim != len(self.z):
            self.position.resize(opened.latent_dim)
            self.anchors.clear()
            self.recording.clear()
            self.motion.stop()
            self.draws.drawn = None
            stale = (Request,)
        samples = None
        if opened.middles is not None and opened.noises is not None:
            samples = opened.middles, opened.noises
        self.draws.samples = samples
        # Rows that change places would hide what changes in them.
        self.dimensions.rank(opened.latent_dim, opened.rates, keep_order=self.time.chosen is not None)
        self.dimensions.reach(opened.latent_dim, samples)
        self.checkpoint, self.opened = opened.checkpoint, opened
        self.classes.enter(opened)
        self._codes, self._image_of, self._decoding = None, None, None
        self.measure.forget()
        self.views.forget_checkpoint()
        self.link.cancel(*stale)
        if self.draws.drawn is None and not self.link.is_waiting_for(DrawPrior):
            self.draw(self.draws.seed, go=False)
        self.update()

    def lose_decoder(self) -> None:
        """Take it that the decoder is gone; the next change starts another."""
        self.link.reset()
        self.time.wanted = None
        self.opened = None

    def update(self) -> None:
        """Send the decoder one request for all that is to be seen now, unless it is what was sent before."""
        self._ensure_running()
        scene, view = self.scene, self.views.current
        if self.opened is None or (view.needs_area and scene.area is None):
            return
        spread = view.spread(scene)
        points = scene.z[None]
        if spread is not None:
            points = spread.points if spread.begins_with_z else np.concatenate([points, spread.points])
        kind = self.beneath.kind if view.has_beneath else "nothing"
        # What there is a change from is decoded with the rest.
        shares = [self.position.place.shares] * len(points)
        sent = points
        if kind == "change":
            sent, shares = np.concatenate([points, self.stops[:1]]), [*shares, *self.anchors.shares[:1]]
        request = Decode(sent, self.classes.rows_to_send(shares))
        if self._decoding is None or not _is_same(request, self._decoding):
            self._decoding = request
            self.link.send(request, partial(self._take_decoded, points, request.shares, view, spread, kind), self.fail)
        self._query(view, scene)

    def _take_decoded(
        self,
        points: Latents,
        shares: Shares | None,
        view: View,
        spread: Spread | None,
        kind: Kind,
        reply: Decoded,
    ) -> None:
        images = reply.images[: len(points)]
        self.image, self._image_of = images[0], points[0]
        self.measure.measure(points[0], None if shares is None else shares[0])
        show = partial(self._show, view, spread, kind, images)
        if kind == "change":
            show(differ(images, reply.images[-1]))
        elif kind == "spread":
            self.link.send(DrawSpread(points, shares), lambda drawn: show(drawn.images), self._beneath_failed)
        elif kind != "nothing" and self.beneath.other is not None:
            source = self.anchors.source_at(points[0])
            request = Decode(points) if kind == "same place" else Reconstruct(images, source)
            link = self.beneath.other.link
            link.send(request, lambda drawn: show(fit_to(drawn.images, images)), self._beneath_failed)
        else:
            show(None)
        self._query(self.views.current, self.scene)

    def _show(self, view: View, spread: Spread | None, kind: Kind, images: Pixels, beneath: Pixels | None) -> None:
        if spread is None or view is not self.views.current:
            self.show_known_image()
        elif kind == self.beneath.kind or not view.has_beneath:
            first = 0 if spread.begins_with_z else 1
            shown = None if beneath is None else beneath[first:]
            view.tiles = Tiles(images[first:], spread.points, spread.columns, shown, spread.labels)

    def _beneath_failed(self, problem: str) -> None:
        self.beneath.give_up()
        self.show_again()
        self.fail(problem)

    def show_again(self) -> None:
        """Have all that is to be seen decoded once more."""
        self._decoding = None
        self.update()

    def _query(self, view: View, scene: Scene) -> None:
        """Send what a view needs beside decoding."""
        if self.views.problem:
            return
        if view.needs_codes(scene) and not self.link.is_waiting_for(EncodeTestImages):
            self.link.send(EncodeTestImages(), self.take_codes, partial(self._query_failed, view))
        if (query := view.query(scene)) is not None:
            self.link.send(query.request, partial(self._take_query, query), partial(self._query_failed, view))

    def take_codes(self, reply: TestImagesEncoded) -> Codes:
        """Take the codes of the test images."""
        self._codes = codes = Codes(reply.means, reply.labels, reply.class_names)
        self.measure.measure_again()
        self.update()
        return codes

    def _take_query(self, query: Query, reply: object) -> None:
        query.take(reply)
        self.update()

    def _query_failed(self, view: View, problem: str) -> None:
        view.query_failed()
        if view is self.views.current:
            self.views.problem = problem
        self.fail(problem)

    def show_known_image(self) -> None:
        """Let the view of the image, where that is the present one, show the newest there is."""
        if self.beneath_caption:
            self._decoding = None
        elif self.image is not None and self._image_of is not None and self.views.current.name == "image":
            self.views.current.tiles = Tiles(self.image[None], self._image_of[None])


def _is_same(one: Decode, other: Decode) -> bool:
    """Whether two requests are for the same pictures."""
    if (one.shares is None) != (other.shares is None) or not np.array_equal(one.points, other.points):
        return False
    return one.shares is None or other.shares is None or np.array_equal(one.shares, other.shares)
