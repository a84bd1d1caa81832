"""The large pane of a walk: draws the view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.events import MouseDown, MouseMove, MouseUp
from textual.message import Message

from vae_tui.text import printable
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.grid_labels import LABEL_COLUMNS, LABEL_ROWS, ColumnLabels, RowLabels
from vae_tui.tui.widgets.scatter import Scatter
from vae_tui.walk.messages import EncodeTestImages, Project
from vae_tui.walk.session import WalkSession
from vae_tui.walk.views.scatter import ScatterView
from vae_tui.walk.views.view import Labels, Scene, Tiles, View
from vae_tui.wording import join_whole

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_LEAST_LABELLED = 60, 14
"""Columns and rows of the pane from which on there is room for labels."""


class ViewPane(Container):
    """Draws pictures or dots, whichever the view has."""

    class TileClicked(Message):
        """A picture was clicked."""

        def __init__(self, tile: int) -> None:
            super().__init__()
            self.tile = tile

    class Dragged(Message):
        """The image was dragged by shares of the pane's width and height; `begins`: for the first time since it was pressed."""

        def __init__(self, right: float, up: float, *, begins: bool) -> None:
            super().__init__()
            self.right, self.up, self.begins = right, up, begins

    class AreaChanged(Message):
        """There is more or less room for pictures than before."""

    def __init__(self, session: WalkSession) -> None:
        super().__init__(id="view")
        self._session = session
        self._title = self._subtitle = ""
        self._drawn: Tiles | None = None
        """The pictures on the canvas; of the view that was left, until there are others."""
        self._pressed_at: tuple[int, int] | None = None
        """Where on the screen the mouse was when it was looked at last, while it is held down on the image."""
        self._was_dragged = False

    def compose(self) -> ComposeResult:
        """The panes, of which one is seen."""
        canvas = Canvas(id="canvas")
        yield Horizontal(RowLabels(canvas), Vertical(canvas, ColumnLabels(canvas)), id="pictures")
        yield Scatter(id="scatter")

    def on_mount(self) -> None:
        """Show the image."""
        self.show_view()

    @property
    def _app(self) -> PictureApp[object]:
        return cast("PictureApp[object]", self.app)

    @property
    def _view(self) -> View:
        return self._session.walk.views.current

    @property
    def areas(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Height and width of the room for pictures, in pixels, without labels and beside them."""
        # Of what the pictures and their labels have together, for the canvas has its size only later.
        canvas, (columns, rows) = self.query_one(Canvas), self.query_one("#pictures").content_size
        whole = canvas.area_of(columns, rows)
        if not self._has_room_for_labels:
            return whole, whole
        return whole, canvas.area_of(columns - LABEL_COLUMNS, rows - LABEL_ROWS)

    @property
    def _has_room_for_labels(self) -> bool:
        return self.size.width >= _LEAST_LABELLED[0] and self.size.height >= _LEAST_LABELLED[1]

    @property
    def columns(self) -> int:
        """How many pictures stand in a row."""
        layout = self.query_one(Canvas).layout_shown
        return 1 if layout is None else layout.columns

    def show_view(self) -> None:
        """Change to the pane of the view."""
        in_dots = isinstance(self._view, ScatterView)
        self.query_one("#pictures").display = not in_dots
        self._make_room_for_labels()
        self.query_one(Scatter).display = in_dots
        self._entitle(self._view.name, None)

    def _make_room_for_labels(self) -> None:
        for labels in (self.query_one(RowLabels), self.query_one(ColumnLabels)):
            labels.display = self._has_room_for_labels and self._view.is_labelled

    def show_starting(self, progress: str) -> None:
        """Show what the first picture waits for."""
        self._drawn = None
        self.query_one(Canvas).show(None, caption=f"{progress}…")

    def draw(self) -> None:
        """Draw the view as it is now."""
        view, scene = self._view, self._session.walk.scene
        beneath = self._session.walk.beneath_caption
        titles = [f"{title}   beneath: {beneath}" if beneath else title for title in view.titles(scene)]
        self._entitle(next((title for title in titles if len(title) <= self._border_width), titles[-1]), None)
        subtitle = self._draw_dots(view, scene) if isinstance(view, ScatterView) else self._draw_tiles(view, scene)
        self._entitle(None, subtitle)

    @property
    def _border_width(self) -> int:
        """Letters that fit on the border, which takes two cells at either side."""
        return self.content_size.width - 4

    def _entitle(self, title: str | None, subtitle: str | None) -> None:
        """Change what stands on the border; class names and captions are no markup."""
        # Textual paints the whole widget anew when a title is set, be it the same one.
        if title is not None and title != self._title:
            self._title, self.border_title = title, Content(printable(title))
        if subtitle is not None and subtitle != self._subtitle:
            self._subtitle, self.border_subtitle = subtitle, Content(printable(subtitle))

    def _draw_tiles(self, view: View, scene: Scene) -> str:
        canvas = self.query_one(Canvas)
        captions = view.captions(scene)
        caption = captions[0] if len(captions) == 1 else join_whole(captions, "   ", self._border_width)
        if view.tiles is not None and view.tiles is not self._drawn:
            self._drawn = view.tiles
            canvas.show(view.tiles.stacks, columns=view.tiles.columns, caption=caption, labels=view.tiles.labels)
        elif self._drawn is not None:
            canvas.set_caption(caption)
        if view.tiles is not None:
            canvas.mark = view.mark(scene)
            labels = view.labels(scene) or Labels((), ())
            self.query_one(RowLabels).show(labels.rows)
            self.query_one(ColumnLabels).show(labels.columns)
        return caption if len(captions) > 1 and self._app.picture_mode != "ascii" else ""

    def _draw_dots(self, view: ScatterView, scene: Scene) -> str:
        scatter, views = self.query_one(Scatter), self._session.walk.views
        dots = view.dots(scene)
        if dots is not None:
            colors = self._app.color_depth
            scatter.show(dots, colors=colors, in_signs=self._app.plain or colors == "none")
            captions = view.captions(scene)
            whole = "   ".join(captions)
            # By this pane's width, not the scatter's, which has none until it was laid out.
            return whole if len(whole) <= self._border_width else captions[0]
        progress = self._session.walk.link.progress_of(EncodeTestImages, Project)
        default = "encoding the test images…" if scene.codes is None else "projecting…"
        scatter.show_text(views.problem or progress or default)
        return ""

    def on_resize(self) -> None:
        """Let the view be fitted to the new size, whatever of the pane is seen."""
        self._make_room_for_labels()
        self.post_message(self.AreaChanged())

    def on_canvas_area_changed(self, event: Canvas.AreaChanged) -> None:
        """Let the view be fitted to the new size."""
        event.stop()
        self.post_message(self.AreaChanged())

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take hold of the image."""
        if self._view.name == "image" and event.button == 1:
            self._pressed_at, self._was_dragged = (event.screen_x, event.screen_y), False
            self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Drag the image."""
        if self._pressed_at is None:
            return
        right, down = event.screen_x - self._pressed_at[0], event.screen_y - self._pressed_at[1]
        if right or down:
            self._pressed_at = event.screen_x, event.screen_y
            width, height = self.content_size
            self.post_message(self.Dragged(right / max(1, width), -down / max(1, height), begins=not self._was_dragged))
            self._was_dragged = True

    def on_mouse_up(self, event: MouseUp) -> None:
        """Let go of the image."""
        if self._pressed_at is not None:
            self._pressed_at = None
            self.release_mouse()

    def on_click(self, event: Any) -> None:
        """Tell which picture was clicked."""
        canvas = self.query_one(Canvas)
        offset = event.get_content_offset(canvas) if canvas.display else None
        tile = canvas.tile_at(offset.x, offset.y) if offset is not None else None
        if tile is not None:
            self.post_message(self.TileClicked(tile))
