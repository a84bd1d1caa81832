"""A picture that a user changes by hand, what the model makes of it, and the places that agree with it."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import MouseDown, MouseEvent, MouseMove, MouseUp

from vae_tui.text import printable
from vae_tui.tui.edit_keys import EDIT_KEYS
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.walk.messages import FEW_DRAWS, Decoded, EditFitted, FitEdited, Reconstruct
from vae_tui.walk.picture_edit import PictureEdit, Place
from vae_tui.walk.session import WalkSession

_COLUMNS = 4
"""What was found stands in so many."""
_LOOK_SECONDS = 0.2


class EditScreen(ClosesOnce[None]):
    """Lets a user paint in the picture of a walk and hide parts of it, and goes to a place that agrees with it."""

    KEYS: ClassVar[Table] = EDIT_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    def __init__(self, session: WalkSession) -> None:
        """Begin with the picture there is, of which there must be one."""
        super().__init__()
        image = session.walk.image
        assert image is not None, "there is a picture to edit"
        self._session = session
        self._edit = PictureEdit(image)
        self._by: Literal["weights", "gradient"] = "weights"
        self._seed = 0
        self._found: EditFitted | None = None
        self._chosen = 0
        self._problem = ""
        self._drawn_to: Place | None = None
        """Where the mouse drew last, while its button is held."""

    def compose(self) -> ComposeResult:
        """The picture beside what the model makes of it, two lines, and keys."""
        yield StatusLine(id="title")
        yield Horizontal(Canvas(id="edited"), Canvas(id="model"), id="pictures")
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Show the picture as it is."""
        self.query_one("#edited", Canvas).border_title = "yours"
        self._session.walk.motion.stop()
        self._changed()
        self.set_interval(_LOOK_SECONDS, self._show_progress)

    @property
    def _state(self) -> str:
        if self._session.walk.link.is_waiting_for(FitEdited):
            return "fitting"
        return "editing" if self._found is None else "choosing"

    def _changed(self) -> None:
        """Show the picture, and ask what the model makes of it."""
        self._problem = ""
        self._session.walk.link.cancel(FitEdited)
        request = Reconstruct(self._edit.image[None].copy(), "")
        self._session.walk.send(request, self._take_reconstruction, self._fail_reconstruction)
        self._show()

    def _take_reconstruction(self, reply: Decoded) -> None:
        if self.is_mounted and self._found is None:
            self.query_one("#model", Canvas).show(reply.images[:, None])

    def _fail_reconstruction(self, problem: str) -> None:
        if self.is_mounted and self._found is None:
            self.query_one("#model", Canvas).show(None, caption=printable(problem))

    def _show(self) -> None:
        edit, model = self._edit, self.query_one("#model", Canvas)
        self.query_one("#edited").display = self._found is None
        self.query_one("#edited", Canvas).show(edit.draw()[None, None])
        self.query_one("#title", StatusLine).show(self._title, "bold $primary")
        if self._found is None:
            model.mark = None
            model.border_title = "the model's reconstruction"
        else:
            model.mark = self._chosen
            model.border_title = Content("what is not hidden, and the model's for the rest")
            model.show(self._found.images[:, None], columns=_COLUMNS)
        self._show_progress()
        self.query_one(Keys).show(EDIT_KEYS, (self._state,))

    @property
    def _title(self) -> str:
        if self._found is not None:
            return f"{self._chosen + 1} of {len(self._found.points)} that agree with what is not hidden"
        edit = self._edit
        tool = f"paint {edit.color_name}" if edit.tool == "paint" else edit.tool
        value = ",".join(map(str, edit.under_cursor))
        place = f"row {edit.cursor[0]}, column {edit.cursor[1]}: {value}"
        return f"{tool}   brush {edit.brush}   pen {'down' if edit.pen_is_down else 'up'}   {place}"

    def _show_progress(self) -> None:
        """Say how far it is, or what enter does."""
        if not self.is_mounted:
            return
        style, edit = "$foreground", self._edit
        if self._state == "fitting":
            text = f"{self._session.walk.link.progress_of(FitEdited) or 'fitting the picture'}…   esc: stop"
        elif self._problem:
            text, style = printable(self._problem), "$error"
        elif self._found is not None:
            text, style = self._describe_draws(self._found)
        elif edit.hidden.any():
            how = "with draws by weights; g: by gradient"
            if self._by == "gradient":
                how = "with what fits best, by gradient; g: by weights"
            text = f"{edit.hidden.mean():.0%} hidden; enter fills it {how}"
        else:
            text = "enter: the z that fits best; to hide a part: tab, then space or the mouse"
        self.query_one("#status", StatusLine).show(text, style)

    def _describe_draws(self, found: EditFitted) -> tuple[str, str]:
        if found.effective_draws is None:
            return "by gradient: what fits best comes first; these are no draws from the posterior", "$foreground"
        count = f"{found.effective_draws:.0f} of {found.draws:,} weighted draws count"
        if found.effective_draws < FEW_DRAWS:
            return f"only {count}, so these are hardly draws from the posterior: hide more, or less", "$warning"
        return f"by weights: draws from the posterior; {count}", "$foreground"

    def _find(self) -> None:
        self._edit.pen_is_down = False
        self._problem = ""
        self._session.place.fit_edit(
            self._edit, by=self._by, seed=self._seed, then=self._take_found, failed=self._fail_to_find
        )
        self._show()

    def _take_found(self, found: EditFitted) -> None:
        if not self.is_mounted:
            return
        if len(found.points) == 1:
            self._go(found, 0)
            return
        self._found, self._chosen = found, 0
        self._show()

    def _fail_to_find(self, problem: str) -> None:
        if self.is_mounted:
            self._problem = problem
            self._show()

    def _go(self, found: EditFitted, index: int) -> None:
        self._session.place.go_to_fitted(found, index)
        self.dismiss()

    # Keys and mouse

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor, or choose among what was found."""
        if self._found is not None:
            self._chosen = (self._chosen + right + down * _COLUMNS) % len(self._found.points)
            self._show()
            return
        drew = self._edit.pen_is_down
        self._edit.move(down, right)
        if drew:
            self._changed()
        else:
            self._show()

    def action_toggle_pen(self) -> None:
        """Put the pen down, or lift it."""
        if self._found is None:
            self._edit.toggle_pen()
            self._changed()

    def action_change_tool(self, by: int) -> None:
        """Take another tool."""
        self._edit.change_tool(by)
        self._show()

    def action_choose_color(self, index: int) -> None:
        """Paint with a colour of the palette."""
        self._edit.choose_color(index)
        self._show()

    def action_pick_color(self) -> None:
        """Paint with the colour under the cursor."""
        self._edit.pick_color()
        self._show()

    def action_resize_brush(self, by: int) -> None:
        """Take a wider or narrower brush."""
        self._edit.resize_brush(by)
        self._show()

    def action_fill(self) -> None:
        """Paint, hide or uncover all."""
        self._edit_by("fill")

    def action_invert_hidden(self) -> None:
        """Hide what is not hidden."""
        self._edit_by("invert_hidden")

    def action_start_again(self) -> None:
        """Take the picture that it began with."""
        self._edit_by("start_again")

    def action_undo(self) -> None:
        """Take back a change."""
        self._edit_by("undo")

    def action_redo(self) -> None:
        """Make a change again."""
        self._edit_by("redo")

    def _edit_by(self, method: str) -> None:
        if self._found is None:
            getattr(self._edit, method)()
            self._changed()

    def action_toggle_by(self) -> None:
        """Fill what is hidden by importance weights, or by gradient."""
        self._by = "gradient" if self._by == "weights" else "weights"
        self._show()

    def action_find(self) -> None:
        """Find places, or go to the one that is chosen."""
        if self._found is not None:
            self._go(self._found, self._chosen)
        elif self._edit.hidden.all():
            self._fail_to_find("all is hidden: uncover what the model is to agree with")
        elif self._state != "fitting":
            self._find()

    def action_find_others(self) -> None:
        """Find other places that agree."""
        if self._found is not None and self._state != "fitting":
            self._seed += 1
            self._find()

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen(EDIT_KEYS, title="editing the picture"))

    def action_leave(self) -> None:
        """End what is being done: looking for places, choosing one, painting."""
        if self._state == "fitting":
            self._session.walk.link.cancel(FitEdited)
            self._show()
        elif self._found is not None:
            self._found = None
            self._changed()
        else:
            self._session.walk.link.cancel(Reconstruct)
            self.dismiss()

    def on_mouse_down(self, event: MouseDown) -> None:
        """Draw where the button is pressed, or take what is clicked."""
        if self._found is not None:
            canvas = self.query_one("#model", Canvas)
            offset = event.get_content_offset(canvas)
            tile = None if offset is None else canvas.tile_at(offset.x, offset.y)
            if tile is not None:
                self._chosen = tile
                self._show()
        elif event.button == 1 and (place := self._pixel_at(event)) is not None:
            self._drawn_to = place
            self._edit.stroke(place, place)
            self.query_one("#edited").capture_mouse()
            self._changed()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Draw where the mouse goes while its button is held."""
        place = None if self._drawn_to is None else self._pixel_at(event)
        if place is not None and self._drawn_to is not None and place != self._drawn_to:
            self._edit.stroke(self._drawn_to, place, goes_on=True)
            self._drawn_to = place
            self._changed()

    def on_mouse_up(self, event: MouseUp) -> None:
        """End the stroke."""
        if self._drawn_to is not None:
            self._drawn_to = None
            self.query_one("#edited").release_mouse()

    def _pixel_at(self, event: MouseEvent) -> Place | None:
        """Row and column of the pixel under the mouse."""
        canvas = self.query_one("#edited", Canvas)
        offset = event.get_content_offset(canvas)
        if offset is None or not canvas.tile_cells:
            return None
        top, left, bottom, right = canvas.tile_cells[0]
        height, width = self._edit.hidden.shape
        row = int((offset.y + 0.5 - top) / (bottom - top) * height)
        column = int((offset.x + 0.5 - left) / (right - left) * width)
        return (row, column) if 0 <= row < height and 0 <= column < width else None
