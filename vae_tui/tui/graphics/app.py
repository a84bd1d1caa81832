"""An app that shows pictures in the best way its terminal can."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from functools import partial
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from rich.console import RenderableType
from textual import constants, events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.geometry import Offset, Region
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Input

from vae_tui.imaging.clipboard import encode_copy_past_tmux
from vae_tui.imaging.notification import encode_notification
from vae_tui.imaging.replies import Answers
from vae_tui.imaging.terminal import (
    LARGEST_CELL,
    MODES,
    Colors,
    Mode,
    detect_colors,
    find_multiplexer,
    judge_terminal,
)
from vae_tui.imaging.tmux import Tmux, ask_tmux
from vae_tui.tui.graphics.driver import LineFree, PictureDriver, TerminalAnswered
from vae_tui.tui.graphics.frame import Frame, Spans, encode_update, find_spans, to_regions

PictureChoice = Literal["auto"] | Mode
"""What the user asked for."""
_Outcome = TypeVar("_Outcome")
_USUAL_CELL = (20, 10)
_SECONDS_BETWEEN_LOOKS_AT_TMUX = 1.0


class Painter(Protocol):
    """What has graphics of its own over the cells of the screen."""

    def paint(self, overwritten: Spans) -> str:
        """What to write so that its graphics are as they should be, now that these cells were written."""

    def cleanup_sequence(self) -> str:
        """What to write so that nothing of it is left in the terminal."""

    def forget(self) -> None:
        """Take it that the terminal shows none of it."""


class PictureApp(App[_Outcome]):
    """Knows how pictures are drawn now, and lets the user choose; `images` is what was asked for at the start.

    On a real terminal it starts with characters, and draws better as soon as the terminal answers that it can. Frames are
    sent when the line is free; meanwhile only what they would show is remembered, never the frames.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "redraw", "Redraw", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True),
    ]

    picture_mode: reactive[Mode] = reactive("half", repaint=False)
    color_depth: reactive[Colors] = reactive("truecolor", repaint=False)
    cell_size: reactive[tuple[int, int]] = reactive(_USUAL_CELL, repaint=False)
    """Height and width of a cell in pixels."""

    def __init__(self, *, images: PictureChoice = "auto", **given: Any) -> None:
        super().__init__(**given)
        self._images = images
        self._abilities = judge_terminal(os.environ)
        self._answers: Answers | None = None
        self._tmux: Tmux | None = None
        self._window_cell: tuple[int, int] | None = None
        self._chosen = images != "auto"
        self.set_reactive(PictureApp.color_depth, self._abilities.colors)
        self.set_reactive(PictureApp.picture_mode, self._abilities.modes[0] if images == "auto" else images)
        self._painters: list[Painter] = []
        self._owed: set[Region] = set()
        self._owed_by: Screen[Any] | None = None
        self._graphics_wanted = False
        self._pending_cleanup = ""
        self._sent_cursor = Offset(0, 0)
        self._used_at = time.monotonic()
        self.exporting = False
        """Whether what is drawn now is for a file, and not for this terminal."""
        self.line: PictureDriver | None = None
        """The way to a real terminal, once there is one."""

    def get_driver_class(self) -> type[Driver]:
        """Ours on a terminal, unless another was asked for."""
        ours = constants.DRIVER is None and sys.__stdin__ is not None and sys.__stdin__.isatty()
        return PictureDriver if ours else super().get_driver_class()

    async def on_event(self, event: events.Event) -> None:
        """Know when keys and the mouse were used last."""
        if isinstance(event, events.InputEvent):
            self._used_at = time.monotonic()
        await super().on_event(event)

    @property
    def seconds_unused(self) -> float:
        """How long neither a key nor the mouse was used."""
        return time.monotonic() - self._used_at

    @property
    def picture_modes(self) -> tuple[Mode, ...]:
        """The ways to draw that this terminal knows, best first, and the one that was asked for."""
        return tuple(mode for mode in MODES if mode in self._abilities.modes or mode == self._images)

    @property
    def cell_mode(self) -> Mode:
        """The best way to draw in cells, which stands in for graphics that would lie over something else."""
        return next((mode for mode in self._abilities.modes if mode not in ("kitty", "sixel", "ascii")), "half")

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as SVG, its pictures in half blocks: of mosaics a viewer's fonts know nothing, nor of graphics."""
        self.exporting = True
        try:
            return super().export_screenshot(title=title, simplify=simplify)
        finally:
            self.exporting = False

    @property
    def plain(self) -> bool:
        """Whether all but pictures is drawn in ASCII characters."""
        return self.picture_mode == "ascii" or self._abilities.glyphs != "all"

    def action_next_picture_mode(self) -> None:
        """Draw pictures in the next way that this terminal knows."""
        modes = self.picture_modes
        self._chosen = True
        self.picture_mode = modes[(modes.index(self.picture_mode) + 1) % len(modes)]

    def action_show_pictures(self, choice: PictureChoice) -> None:
        """Draw pictures so from now on, or as the terminal can best."""
        self._images, self._chosen = choice, choice != "auto"
        if choice == "auto":
            self._judge()
        else:
            self.picture_mode = choice

    def watch_picture_mode(self, before: Mode, mode: Mode) -> None:
        """In characters nothing is dimmed below what lies over it: that would be the whole screen to send, twice."""
        self.set_class(mode == "ascii", "in-characters")
        if self.line is not None:
            # Sixels lie over cells that were blank and are to be blank.
            self.line.shown.forget()
            if before != mode and "ascii" in (before, mode) and self.screen_stack:
                # Lines and marks are in other characters now, beside pictures too.
                self.screen.refresh()

    def watch_cell_size(self) -> None:
        """Sixels drawn for cells of another size stay where the new ones are not, if nothing is written over them."""
        if self.line is not None and self.picture_mode == "sixel" and self.screen_stack:
            self.screen.refresh()

    def on_mount(self) -> None:
        """Begin anew with a terminal that was away."""
        self.watch_picture_mode(self.picture_mode, self.picture_mode)
        self._judge()
        if self.line is not None:
            self.run_worker(self._follow_tmux(), exit_on_error=False)
        self.app_resume_signal.subscribe(self, lambda _: self._forget_graphics())

    async def _follow_tmux(self) -> None:
        """Know which terminals are around tmux: another may be attached at any time, and has nothing of what was sent."""
        while (tmux := await asyncio.to_thread(ask_tmux, os.environ)) is not None:
            before, self._tmux = self._tmux, tmux if tmux.terminals or self._tmux is None else self._tmux
            if before != self._tmux:
                self._judge()
                self._forget_graphics()
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS_AT_TMUX)

    def on_resize(self) -> None:
        """Another font may have other cells, and a terminal may move what it shows."""
        if self.line is not None:
            self.line.shown.forget()
        self._judge()

    def ring(self, title: str, text: str) -> None:
        """Call a user who looks elsewhere: by the terminal's bell and, where it can, a desktop notification."""
        if self.line is not None:
            self.line.write(encode_notification(title, text, os.environ))

    def copy_to_clipboard(self, text: str) -> None:
        """Copy to the clipboard of the terminal, and inside tmux of the one around it."""
        super().copy_to_clipboard(text)
        if self.line is not None and self.is_in_tmux:
            self.line.write(encode_copy_past_tmux(text))

    @property
    def is_in_tmux(self) -> bool:
        """Whether tmux is between the program and its terminal."""
        return find_multiplexer(os.environ, self._answers) == "tmux"

    @property
    def takes_text(self) -> bool:
        """Whether there is something to type into."""
        # Keys may come before there is a screen.
        return bool(self.screen_stack) and isinstance(self.focused, Input)

    def leave(self) -> None:
        """End as where the user leaves, whatever is on the screen."""
        self.exit()

    def on_line_lost(self) -> None:
        """Nobody sees anything any more."""
        self.leave()

    def on_terminal_answered(self, event: TerminalAnswered) -> None:
        """Draw as well as the terminal can."""
        self._answers = event.answers
        self._judge()

    def _judge(self) -> None:
        window = self.line.window if self.line is not None else None
        self._abilities = abilities = judge_terminal(os.environ, self._answers, window, self._tmux)
        cell = abilities.cell
        if window is not None and window[0] and window[1] and window[2] and window[3]:
            of_window = min(window[2] // window[0], LARGEST_CELL), min(window[3] // window[1], LARGEST_CELL)
            if self._answers is not None and self._window_cell not in (None, of_window):
                # What the terminal answered was of the font it had then.
                cell = of_window
            else:
                self._window_cell = of_window
        self.cell_size = cell or _USUAL_CELL
        self.color_depth = abilities.colors
        if not self._chosen:
            self.picture_mode = abilities.modes[0]

    @property
    def _text_colors(self) -> Colors:
        """The colours of all but pictures. With NO_COLOR Textual leaves greys, for which there must be some."""
        if self.color_depth != "none":
            return self.color_depth
        return detect_colors({key: value for key, value in os.environ.items() if key != "NO_COLOR"})

    def add_painter(self, painter: Painter) -> None:
        """Let `painter` write after each frame."""
        self._painters.append(painter)

    def remove_painter(self, painter: Painter) -> None:
        """Let it go, with nothing of it left."""
        self._painters.remove(painter)
        self._pending_cleanup += painter.cleanup_sequence()
        self.paint_graphics()

    def paint_graphics(self) -> None:
        """Write what painters have changed, with the next frame or soon."""
        if not self._graphics_wanted and self.line is not None:
            self._graphics_wanted = True
            self.call_later(self._send_graphics)

    def cleanup_sequence(self) -> str:
        """What to write to a terminal before it is given back."""
        cleanup = self._pending_cleanup + "".join(painter.cleanup_sequence() for painter in self._painters)
        self._pending_cleanup = ""
        return cleanup

    def _forget_graphics(self) -> None:
        for painter in self._painters:
            painter.forget()
        self.paint_graphics()

    def _paint(self, overwritten: Spans) -> str:
        self._graphics_wanted = False
        cleanup, self._pending_cleanup = self._pending_cleanup, ""
        return cleanup + "".join(painter.paint(overwritten) for painter in self._painters)

    def _send_graphics(self) -> None:
        line = self.line
        if not self._graphics_wanted or line is None or not self.is_running or line.busy:
            return
        if graphics := self._paint([]):
            with line.frame():
                line.write(f"\x1b7{graphics}\x1b8")

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send a frame that Textual composed, or remember which cells it would have brought up to date."""
        line = self.line
        if line is None or not isinstance(renderable, CompositorUpdate):
            super()._display(screen, renderable)
            return
        frame = Frame(partial(self._compose_frame, line, screen, renderable))
        with line.frame() as parts:
            super()._display(screen, frame)
            if frame.content is None or (not frame.content and self.cursor_position == self._sent_cursor):
                parts.clear()
            else:
                self._sent_cursor = self.cursor_position

    def _compose_frame(self, line: PictureDriver, screen: Screen[Any], update: CompositorUpdate) -> str | None:
        """The bytes of an update and of the graphics over it; None where the line is not free for them."""
        spans = find_spans(update)
        if line.busy:
            self._owe(screen, to_regions(spans))
            return None
        if self.picture_mode == "sixel":
            # What is drawn over cells goes when they are written again, be it the same.
            line.shown.forget()
        cells = encode_update(
            update,
            self._text_colors,
            line.shown,
            plain=self.plain,
            blocks=self.picture_mode != "ascii",
            encoding=self._abilities.encoding,
            numbered=self.native_ansi_color,
        )
        return cells + self._paint(spans)

    def action_redraw(self) -> None:
        """Write all of the screen again, for a terminal in which something else wrote."""
        if self.line is not None:
            self.line.shown.forget()
        self._forget_graphics()
        self.screen.refresh()

    def _owe(self, screen: Screen[Any], regions: list[Region]) -> None:
        if screen is not self._owed_by:
            self._owed_by, self._owed = screen, set()
        self._owed.update(regions)

    def on_line_free(self, event: LineFree) -> None:
        """Send what is owed, as it is now."""
        screen, owed = self._owed_by, self._owed
        self._owed_by, self._owed = None, set()
        if owed and screen is self.screen:
            whole = screen.size.region
            # A refresh takes it that what widgets have changed was found: whatever has changed since would never be seen.
            screen._compositor.update_widgets(screen._dirty_widgets)
            screen._compositor._dirty_regions.update(region.intersection(whole) for region in owed)
            screen._compositor_refresh()
        self._send_graphics()
