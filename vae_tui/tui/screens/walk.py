"""The walk: latent space by keyboard, one picture ahead of the next."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any, ClassVar, Literal, cast

from rich.text import Text
from textual import message, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from vae_tui.runs.layout import Run
from vae_tui.text import printable
from vae_tui.tui.graphics.app import PictureApp
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.edit import EditScreen
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.screens.walk_prompts import PROMPTS
from vae_tui.tui.walk_keys import WALK_KEYS
from vae_tui.tui.walk_lines import Styled, motion_line, starting_text, status_line, title_line
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.scatter import Scatter
from vae_tui.tui.widgets.sliders import Sliders
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.tui.widgets.view_pane import ViewPane
from vae_tui.walk.bookmarks import SLOTS
from vae_tui.walk.decoder import DecoderProcess
from vae_tui.walk.messages import Reply
from vae_tui.walk.motion import FRAMES_PER_SECOND
from vae_tui.walk.session import WalkSession
from vae_tui.walk.views.nearest_code import TestImage
from vae_tui.walk.views.view import VIEW_NAMES, Pixels, ViewName
from vae_tui.walk.walk import OPENING, Notice

_NARROW = 100
_LEAST_FOR_TWO = 72, 20
"""Columns and rows of the screen from which on the nearest test image has room beside the picture of the place."""
_NOTICE_SECONDS = 6
_LONGEST_FRAME_SECONDS = 0.5
_DOING = {"save": "save this place", "go": "go back to a place"}


class WalkScreen(ClosesOnce[None]):
    """Walks through the latent space of a checkpoint; with `follow`, of a run's newest one, whenever there is another.

    Keys go to the session, whose every change is drawn. The decoder is a process of its own; until it is there,
    everything but the pictures answers.
    """

    KEYS: ClassVar[Table] = WALK_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    class Replied(message.Message):
        """The decoder process sent something."""

        def __init__(self, number: int, reply: Reply, *, of_other: bool = False) -> None:
            super().__init__()
            self.number, self.reply, self.of_other = number, reply, of_other

    def __init__(
        self,
        checkpoint: Path,
        *,
        follow: Run | None = None,
        data_root: Path | None = None,
        note: str = "",
        beside: Path | None = None,
    ) -> None:
        """`beside` is the checkpoint of a second model to compare with. Raises CheckpointError for a file that holds no VAE."""
        super().__init__()

        def start(*, of_other: bool = False) -> DecoderProcess:
            def receive(number: int, reply: Reply) -> None:
                self.post_message(self.Replied(number, reply, of_other=of_other))

            return DecoderProcess(receive, data_root=data_root)

        other = None if beside is None else (beside, partial(start, of_other=True))
        self.session = WalkSession(checkpoint, start, follow=follow, note=note, beside=other)
        self._preview: Pixels | None = None
        """The image that is seen small."""
        self._nearest: TestImage | None = None
        """The test image that is seen beside it."""
        self._notice: Notice | None = None
        """What the session wants to be read, as of when that was looked at last."""
        self._bookmark: Literal["save", "go"] | None = None
        """What to do with the bookmark whose digit is typed next."""
        self._frame_at = time.monotonic()

    # What is seen

    def compose(self) -> ComposeResult:
        """A header, the view beside sliders, and three lines."""
        yield StatusLine(id="title")
        with Horizontal(id="walk"):
            yield ViewPane(self.session)
            with Vertical(id="side"):
                yield Horizontal(Canvas(id="preview"), Canvas(id="nearest"), id="pair")
                yield Sliders(id="sliders")
        yield StatusLine(id="anchors")
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Start the decoder, and look for newer checkpoints."""
        self.query_one("#preview").border_title = "here"
        self.query_one("#nearest").border_title = "nearest"
        self.session.start()
        self._show()
        self.set_interval(1 / FRAMES_PER_SECOND, self._advance)
        self.set_interval(1.0, self._look_for_newer)

    def on_unmount(self) -> None:
        """End the decoder with the screen."""
        self.session.close()

    def on_resize(self) -> None:
        """Fold where the screen is narrow."""
        self._fold()
        self._show_lines()

    @property
    def _pane(self) -> ViewPane:
        return self.query_one(ViewPane)

    @property
    def _view(self) -> ViewName:
        return self.session.walk.views.current.name

    def _is_alone(self, view: ViewName) -> bool:
        """Whether a view has no room for anything beside it."""
        return self.size.width < _NARROW and view in ("table", "map")

    def _fold(self) -> None:
        self.set_class(self._is_alone(self._view), "alone")
        self.query_one("#pair").display = self._view != "image"
        has_room = self.size.width >= _LEAST_FOR_TWO[0] and self.size.height >= _LEAST_FOR_TWO[1]
        self.query_one("#nearest").display = self._view == "scatter" and has_room

    def _show(self) -> None:
        """Bring everything up to date with the session."""
        walk = self.session.walk
        dimensions = walk.dimensions
        self.query_one(Sliders).show(
            walk.z,
            dimensions.axes,
            dimensions.rows,
            dimensions.rates,
            dimensions.chosen,
            walk.measure.deviations_at(walk.z),
        )
        if walk.opened is not None:
            self._pane.draw()
        if walk.image is not None and walk.image is not self._preview:
            self._preview = walk.image
            self.query_one("#preview", Canvas).show(walk.image[None, None])
        self._show_nearest()
        self._show_lines()

    def _show_nearest(self) -> None:
        shown = self.session.walk.views.scatter.nearest.shown
        if shown is self._nearest:
            return
        self._nearest = shown
        canvas = self.query_one("#nearest", Canvas)
        canvas.show(None if shown is None else shown.pixels[None, None])
        # A narrow pane has no room for both in one line.
        canvas.border_title = "nearest" if shown is None else f"test {shown.index:,}"
        canvas.border_subtitle = "" if shown is None else Content(_name_class(printable(shown.class_name)))

    def _show_lines(self) -> None:
        width = max(1, self.size.width - 2)
        self.query_one("#title", StatusLine).show(title_line(self.session, width), "$primary")
        text, style = self._status(width)
        # What does not fit into its line begins in the one above.
        first, *rest = wrap(text, width, max_lines=2, placeholder="…", break_on_hyphens=False) or [""]
        above = (first, style) if rest else (motion_line(self.session), "$foreground")
        self.query_one("#anchors", StatusLine).show(*above)
        self.query_one("#status", StatusLine).show(rest[0] if rest else first, style)
        self.query_one(Keys).show(WALK_KEYS, self._states)
        notice = self.session.walk.notice
        if notice is not self._notice:
            self._notice = notice
            if notice is not None:
                self.set_timer(_NOTICE_SECONDS, partial(self._end_notice, notice))

    def _status(self, width: int) -> Styled:
        if self._bookmark is None:
            text, style = status_line(self.session, width)
            return printable(text), style
        return f"{_DOING[self._bookmark]}: which bookmark, 0 to 9?   {self.session.storage.slots}", "$warning"

    def _end_notice(self, notice: Notice) -> None:
        line = cast("PictureApp[Any]", self.app).line
        if line is not None and line.busy:
            # Nobody may have seen it yet.
            self.set_timer(_NOTICE_SECONDS, partial(self._end_notice, notice))
            return
        self.session.end_notice(notice)
        self._show_lines()

    @property
    def _states(self) -> tuple[str, ...]:
        walk = self.session.walk
        cursor = "cursor" if walk.views.current.has_cursor(walk.scene) else "sliders"
        return self._view, cursor, "playing" if walk.motion.playing else "still"

    # The decoder and the clock

    def on_walk_screen_replied(self, event: Replied) -> None:
        """Hand it to the session."""
        if event.of_other:
            self.session.receive_from_other(event.number, event.reply)
        else:
            self.session.receive(event.number, event.reply)
        walk, sliders = self.session.walk, self.query_one(Sliders)
        title = "latents by KL" + ("" if walk.opened is None or walk.opened.rates_are_measured else ", estimated")
        # Textual paints the whole widget anew when a title is set, be it the same one.
        if walk.opened is not None and title != sliders.border_title:
            sliders.border_title = title
        self._show()
        if walk.failure:
            self._give_up(walk.failure)

    def _give_up(self, problem: str) -> None:
        if self._was_opened_from_another:
            self.app.notify(printable(problem), severity="error", markup=False)
            while self.app.screen is not self:
                self.app.pop_screen()
            self.dismiss(None)
        else:
            self.app.exit(message=Text(printable(problem)), return_code=2)

    def _look_for_newer(self) -> None:
        if self.session.walk.opened is None:
            self._show_lines()
            self._pane.show_starting(starting_text(self.session))
        self.session.look_for_newer()

    def _advance(self) -> None:
        now = time.monotonic()
        passed, self._frame_at = min(now - self._frame_at, _LONGEST_FRAME_SECONDS), now
        if self.session.advance(passed):
            self._show()

    def on_view_pane_area_changed(self) -> None:
        """Fit the view to the new size."""
        self.session.view.fit(*self._pane.areas)
        self._show()

    # Keys and mouse

    def action_act(self, name: str, values: tuple[Any, ...] = ()) -> None:
        """Do what a key does in the session: `name` is a part of it and a method, as in "place.step"."""
        part, method = name.split(".")
        getattr(getattr(self.session, part), method)(*values)
        self._show()

    def action_view(self, name: str) -> None:
        """Change the view; while a bookmark is to be chosen, a digit is one."""
        view = cast("ViewName", name)
        if self._bookmark is not None:
            self.action_slot(1 + VIEW_NAMES.index(view))
            return
        if view == "codes" and self.session.walk.opened is None:
            self.session.walk.notify(OPENING)
            self._show()
            return
        if view == "codes" and self.session.walk.codebook is None:
            self.session.walk.notify('this model has no codes: one trained with posterior = "fsq" or "vq" has')
            self._show()
            return
        if self._is_alone(view) != self.has_class("alone"):
            # It will have more or less room; what it shows is decoded once that is known.
            self.session.view.fit(None)
        self.session.view.show(view)
        self._pane.show_view()
        self._fold()
        self._show()

    @work
    async def action_prompt(self, name: str) -> None:
        """Let the user type something, and take it."""
        prompt = PROMPTS[name](self.session, self._pane.columns)
        if text := await self.app.push_screen_wait(prompt.screen):
            prompt.take(text)
            self._show()

    @work
    async def action_edit(self) -> None:
        """Let the user change the picture by hand, and find z for it."""
        if self.session.walk.image is None:
            self.session.walk.notify(OPENING)
        else:
            await self.app.push_screen_wait(EditScreen(self.session))
        self._show()

    def action_light(self) -> None:
        """Light up a class that is typed; where one is, all of them."""
        view = self.session.view
        if self.session.walk.views.scatter.lit is None and view.class_names:
            self.action_prompt("class")
        else:
            view.light_all()
            self._show()

    def action_bookmark(self, doing: Literal["save", "go"]) -> None:
        """Save a bookmark or go to one, whose digit comes next."""
        self._bookmark = doing
        self._show_lines()

    def on_key(self, event: Any) -> None:
        """Take no other key for the digit that a bookmark key waits for."""
        # Digits are bindings, for these come one after the other, however quickly they were typed.
        if self._bookmark is not None and event.character not in [str(slot) for slot in SLOTS]:
            self._bookmark = None
            event.stop()
            event.prevent_default()
            self._show_lines()

    def action_slot(self, slot: int) -> None:
        """Take the digit that a bookmark key waits for."""
        doing, self._bookmark = self._bookmark, None
        if doing == "save":
            self.session.storage.save_bookmark(slot)
        elif doing == "go":
            self.session.storage.go_to_bookmark(slot)
        self._show()

    def on_sliders_pulled(self, event: Sliders.Pulled) -> None:
        """A slider was clicked."""
        self.session.place.pull(event.axis, event.value)
        self._show()

    def on_sliders_scrolled(self, event: Sliders.Scrolled) -> None:
        """The wheel was turned over the sliders."""
        self.session.place.choose(event.rows)
        self._show()

    def on_view_pane_tile_clicked(self, event: ViewPane.TileClicked) -> None:
        """A picture was clicked."""
        self.session.view.go_to_tile(event.tile)
        self._show()

    def on_view_pane_dragged(self, event: ViewPane.Dragged) -> None:
        """The image was dragged."""
        self.session.view.drag(event.right, event.up, begins=event.begins)
        self._show()

    def on_scatter_clicked(self, event: Scatter.Clicked) -> None:
        """A place among the codes was clicked."""
        self.session.view.go_to_spot((event.across, event.upwards))
        self._show()

    def on_scatter_pointed_at(self, event: Scatter.PointedAt) -> None:
        """The mouse is over a place among the codes, or over none any more."""
        if self.session.view.point_at(event.spot):
            self._show()

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen(WALK_KEYS, title="walking"))

    def action_leave(self) -> None:
        """Go back to where one came from."""
        if self._was_opened_from_another:
            self.dismiss(None)
        else:
            self.app.exit()

    def action_return(self) -> None:
        """Go back to the training; a walk of its own is not left by a key that closes prompts."""
        if self._was_opened_from_another:
            self.dismiss(None)
        else:
            self.session.notify("q leaves the walk")
            self._show_lines()

    @property
    def _was_opened_from_another(self) -> bool:
        # The first on the stack is Textual's own.
        return self.app.screen_stack.index(self) > 1


def _name_class(name: str) -> str:
    """A class in few letters; what is shorter than a word is said to be one."""
    return f"class {name}" if 0 < len(name) < 6 else name
