"""What keys do about the place."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from vae_tui.errors import DataError
from vae_tui.walk.axes import FARTHEST
from vae_tui.walk.classes import find_class, split_next
from vae_tui.walk.messages import (
    Calculate,
    Calculated,
    EditFitted,
    EncodeTestImages,
    FitEdited,
    FitImage,
    Fitted,
    Snap,
    Snapped,
)
from vae_tui.walk.paths import Point
from vae_tui.walk.picture_edit import PictureEdit
from vae_tui.walk.plane import Codes
from vae_tui.walk.shares import Shares
from vae_tui.walk.walk import OPENING, Walk

_STEP, _BIG_STEP = 0.1, 1.0
_BIG_ROWS = 10
_COMPLETIONS = 8


class PlaceActions:
    """Moves through latent space."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.repeated = ""
        """What is to be typed for one more image of the class that was gone to last."""
        self._gone_to: tuple[int, Point] | None = None
        """The test image that was gone to last, and its code."""

    @property
    def _shares(self) -> Shares | None:
        return self._walk.classes.to_send(self._walk.position.place.shares)

    def arrow(self, right: int, up: int, *, big: bool = False) -> None:
        """Move the cursor in a plane; elsewhere choose a dimension or step along it."""
        walk, scene = self._walk, self._walk.scene
        if walk.views.current.has_cursor(scene):
            walk.go(walk.views.current.move(scene, right, up, big=big))
        elif up:
            self.choose(-up * (_BIG_ROWS if big else 1))
        else:
            self.step(right * (_BIG_STEP if big else _STEP))

    def big_arrow(self, right: int, up: int) -> None:
        """The same by a big step."""
        self.arrow(right, up, big=True)

    def choose(self, rows: int) -> None:
        """Choose the axis so many rows further down."""
        in_view = self._walk.views.current.choose(self._walk.scene, rows)
        if in_view is None:
            self._walk.dimensions.choose(rows)
        else:
            self._walk.dimensions.chosen = in_view
        self._walk.update()

    def step(self, by: float) -> None:
        """Step along the chosen axis."""
        dimensions = self._walk.dimensions
        # Rounded, so that ten steps there and ten back are no way at all.
        self.set_value(round(dimensions.axes.value(self._walk.z, dimensions.chosen) + by, 4))

    def set_value(self, value: float) -> None:
        """Take the chosen axis to a value, as far out as one can be typed."""
        dimensions = self._walk.dimensions
        within = min(max(value, -FARTHEST), FARTHEST)
        self._walk.go(dimensions.axes.move(self._walk.z, dimensions.chosen, within))

    def pull(self, axis: int, value: float | None) -> None:
        """Choose an axis and, where there is a value, take it there."""
        self._walk.dimensions.chosen = axis
        if value is None:
            self._walk.update()
        else:
            self.set_value(round(value, 2))

    def reset(self) -> None:
        """Bring the chosen axis to 0."""
        self.set_value(0.0)

    def reset_all(self) -> None:
        """Go to the origin, and see all of a plane again."""
        self._walk.views.show_all()
        self._walk.go(np.zeros_like(self._walk.z))

    def draw_next(self) -> None:
        """Draw with the next seed; at the very beginning with the first."""
        walk = self._walk
        untouched = not walk.position.undo_count and not walk.z.any()
        self.draw(walk.draws.seed if untouched else walk.draws.seed + 1)

    def draw(self, seed: int) -> None:
        """Go to where a seed draws, once that is known."""
        self._walk.motion.stop()
        self._walk.draw(seed, go=True)

    def draw_level(self, name: Literal["lower", "upper"]) -> None:
        """Draw one level of a ladder with the next seed, and leave the other as it is."""
        walk = self._walk
        if walk.opened is None:
            walk.notify(OPENING)
            return
        upper_dim = walk.opened.upper_dim
        if upper_dim is None:
            walk.notify('this model has one level of latents: one trained with network = "ladder" has two')
        else:
            walk.motion.stop()
            level = slice(upper_dim, None) if name == "lower" else slice(0, upper_dim)
            walk.draw_part(walk.draws.seed + 1, level, f"the {name} level drawn anew, seed {walk.draws.seed + 1}")

    def change_temperature(self, by: float) -> None:
        """Draw warmer or cooler; a place that was drawn moves with it."""
        walk = self._walk
        walk.draws.change_temperature(by)
        if walk.position.place.seed == walk.draws.seed:
            walk.go_to_draw()
        else:
            walk.moved()

    def change_class(self, by: int) -> None:
        """Decode the same place as of the next class, or the one before.

        After the last comes none, where that is known, and then, where there are anchors of a class, each as of its own.
        """
        opened = self._walk.opened
        if opened is None:
            self._walk.notify(OPENING)
            return
        if opened.class_given is None:
            self._walk.notify('this model is given no class: one trained with model.condition = "label" is')
            return
        choice = self._walk.classes
        own = any(shares is not None for shares in self._walk.anchors.shares)
        classes = choice.choices(own=own)
        present = opened.class_given if choice.wanted is None and not own else choice.wanted
        self._walk.give_class(classes[(classes.index(present) + by) % len(classes)])

    def snap(self) -> None:
        """Go to where the encoder puts the picture that is seen."""
        self._walk.motion.stop()
        self._walk.send(Snap(self._walk.z, self._shares), self._take_snapped)

    def _take_snapped(self, reply: Snapped) -> None:
        self._walk.position.go(reply.point)
        self._walk.moved()

    def fit_image(self) -> None:
        """Look for the place whose picture fits the image of an anchor best."""
        walk = self._walk
        source = walk.anchors.image_for(walk.z)
        if not source:
            walk.notify("which image? a adds one as an anchor, such as 12, class:4 or a file")
            return
        walk.motion.stop()
        walk.send(FitImage(source, walk.z, self._shares), self._take_fitted)

    def _take_fitted(self, reply: Fitted) -> None:
        self._walk.position.go(reply.point)
        self._walk.moved()
        nats = f"-log p(x, z) {reply.after:.2f} nats, {reply.before:.2f} where it began"
        self._walk.notify(f"fitted to {reply.caption}: {nats}", "success")

    def fit_edit(
        self,
        edit: PictureEdit,
        *,
        by: Literal["weights", "gradient"],
        seed: int,
        then: Callable[[EditFitted], object],
        failed: Callable[[str], object],
    ) -> None:
        """Look for places whose pictures agree with one that was changed by hand; one goes to none yet."""
        walk = self._walk
        walk.motion.stop()
        hidden = edit.hidden.astype(np.uint8)
        request = FitEdited(edit.image.copy(), hidden, walk.z, by, _COMPLETIONS, seed, self._shares)
        walk.send(request, then, failed)

    def go_to_fitted(self, found: EditFitted, index: int) -> None:
        """Go to one of the places that agree with an edited picture."""
        self._walk.position.go(found.points[index])
        self._walk.moved()
        if found.before is not None and found.after is not None:
            text = f"-log p(x, z) {found.after:.2f} nats, {found.before:.2f} where it began"
        else:
            text = f"{index + 1} of {len(found.points)} that agree with what is not hidden"
        self._walk.notify(f"fitted to the edited picture: {text}", "success")

    def go_to(self, text: str) -> None:
        """Go to a place that a user names: the next image of a class, as next:4, or a sum of places."""
        wanted, codes = split_next(text), self._walk.scene.codes
        if wanted is None:
            self.calculate(text)
        elif codes is not None:
            self._go_to_next(wanted, codes)
        else:
            self._walk.send(EncodeTestImages(), lambda reply: self._go_to_next(wanted, self._walk.take_codes(reply)))
        if match := re.fullmatch(r"\s*(?:class|next):(.+?)(?::\d+)?\s*", text):
            self.repeated = f"next:{match[1]}"

    def _go_to_next(self, wanted: str, codes: Codes) -> None:
        walk = self._walk
        try:
            label = find_class(wanted, codes.names)
        except DataError as error:
            walk.fail(str(error))
            return
        index = codes.next_of(label, self._image_at(codes))
        if index is None:
            walk.notify(f"no test image is of class {codes.names[label]}")
            return
        z = codes.means[index].copy()
        self._gone_to = index, z
        walk.go(z, walk.classes.own(label))
        walk.notify(f"here: {codes.caption(index)}", "success")

    def _image_at(self, codes: Codes) -> int:
        """The test image whose code one stands at or near; of several with one code, that to which one went."""
        if self._gone_to is not None and np.array_equal(self._gone_to[1], self._walk.z):
            return self._gone_to[0]
        return codes.nearest(self._walk.z)

    def calculate(self, text: str) -> None:
        """Go to a sum of places: anchors by their letters, the present one as z, class means, images."""
        walk = self._walk
        named = dict(zip(walk.anchors.letters, walk.stops, strict=True)) | {"z": walk.z}
        request = Calculate(text, tuple(named), np.stack(list(named.values())))
        walk.send(request, partial(self._take_calculated, text))

    def _take_calculated(self, text: str, reply: Calculated) -> None:
        index = reply.class_index
        self._walk.go(reply.point, None if index is None else self._walk.classes.own(index))
        self._walk.notify(f"here: {text}", "success")

    def undo(self) -> None:
        """Go back a step."""
        self._walk.motion.stop()
        if self._walk.position.undo():
            self._walk.moved()
        else:
            self._walk.notify("there is nothing to undo")

    def redo(self) -> None:
        """Go forward again."""
        self._walk.motion.stop()
        if self._walk.position.redo():
            self._walk.moved()
        else:
            self._walk.notify("there is nothing to redo")
