"""The large pane of a walk: one of six views around the present latent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message as TextualMessage

from vae_tui.events import ACTIVE_NATS
from vae_tui.exchange import Message
from vae_tui.tui import views
from vae_tui.tui.plane import CodePlane, Codes, Method, Spot, look_along
from vae_tui.tui.position import Point
from vae_tui.tui.views import Window
from vae_tui.tui.walker import Walker
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.scatter import Scatter
from vae_tui.tui.wording import join_whole

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

View = Literal["image", "strip", "table", "map", "scatter", "neighbours"]
VIEWS: tuple[View, ...] = get_args(View)
Ask = Callable[[str, Mapping[str, Any], Mapping[str, NDArray[Any]]], None]

_STRIP, _NEIGHBOURS = 11, 15
_METHODS: tuple[Method, ...] = get_args(Method)


class Stage(Container):
    """Draws the view; asks the decoder for what it needs, by `ask`, only when that is something else than before."""

    class Chosen(TextualMessage):
        """A latent (Z,) was clicked."""

        def __init__(self, z: Point) -> None:
            super().__init__()
            self.z = z

    def __init__(self, walker: Walker, ask: Ask) -> None:
        super().__init__(id="stage")
        self._walker, self._ask = walker, ask
        self.view: View = "image"
        self.of_data = False
        """Whether traversals cover the range of the data's codes, instead of the prior's."""
        self.plane: tuple[int, int] | None = None
        self.method: Method | None = None
        self._map_window: Window | None = None
        self._scatter_window: Window | None = None
        self._codes: Codes | None = None
        self._planes: dict[Method, CodePlane] = {}
        self._asked: tuple[object, ...] = ()
        self._points: NDArray[np.float32] | None = None
        self._problem = ""
        self._images: NDArray[np.uint8] | None = None
        self._captions: Sequence[str] = ()
        self._columns: int | None = None

    def compose(self) -> ComposeResult:
        """The panes, of which one is seen."""
        yield Canvas(id="canvas")
        yield Scatter(id="scatter")

    def on_mount(self) -> None:
        """Show the image."""
        self.query_one(Scatter).display = False

    def forget(self) -> None:
        """Ask anew for everything: the checkpoint has changed."""
        self._asked, self._codes, self._planes, self._problem = (), None, {}, ""

    def show_view(self, view: View) -> None:
        """Change the view."""
        self.view, self._asked, self._problem = view, (), ""
        self.query_one(Canvas).display = view != "scatter"
        self.query_one(Scatter).display = view == "scatter"
        self.border_title = view

    @property
    def _app(self) -> PictureApp[object]:
        return cast("PictureApp[object]", self.app)

    @property
    def has_cursor(self) -> bool:
        """Whether arrow keys move a cursor in this view."""
        return self.view in ("map", "scatter") and len(self._walker.z) > 1

    def refresh_view(self) -> None:
        """Bring what is seen up to the present latent."""
        walker = self._walker
        # Textual paints the whole widget anew when a title is set, be it the same one.
        if (title := self._title()) != self.border_title:
            self.border_title = title
        if self.view == "scatter":
            self._show_scatter()
        elif self.view == "neighbours":
            self._ask_once("neighbours", {"count": _NEIGHBOURS}, walker.z[None])
        elif self.view != "image":
            points, columns, mark = self._spread()
            self._points = points
            self._ask_once("decode", {"view": self.view, "columns": columns}, points)
            self.query_one(Canvas).mark = mark
        if self._images is not None:
            self.query_one(Canvas).say(self._caption())

    def show_answer(self, answer: Message) -> None:
        """Take what the decoder answered to `ask`."""
        facts, arrays = answer.facts, answer.arrays
        if answer.kind == "decoded" and facts.get("view") == self.view:
            self._show_images(arrays["images"], columns=facts["columns"])
        elif answer.kind == "neighboured" and self.view == "neighbours":
            self._points = np.concatenate([arrays["points"], arrays["means"]])
            self._captions = facts["captions"]
            self._show_images(arrays["images"])
            self.query_one(Canvas).mark = 0
        elif answer.kind == "encoded":
            self._codes = Codes(arrays["means"], arrays["labels"], facts["class_names"])
            self._planes = {}
        elif answer.kind == "projected" and self._codes is not None:
            across, upwards = facts["axes"]
            self._planes[facts["method"]] = CodePlane(
                arrays["coordinates"],
                arrays["indexes"],
                (across, upwards),
                self._codes.means,
                arrays.get("origin"),
                arrays.get("directions"),
            )
        if answer.kind in ("encoded", "projected"):
            self._asked, self._scatter_window = (), None
            self.refresh_view()

    def show_problem(self, problem: str) -> None:
        """Say why the view cannot be shown."""
        self._problem = problem
        self.refresh_view()

    def say_starting(self, doing: str) -> None:
        """Say what the first picture waits for."""
        self.query_one(Canvas).show(None, caption=f"{doing}…")

    def show_progress(self, doing: str) -> None:
        """Say what the view waits for."""
        if self.view == "scatter" and self._code_plane() is None:
            self.query_one(Scatter).say(doing)

    def pictures(self) -> tuple[NDArray[np.uint8], int] | None:
        """The images (N, H, W, C) that are seen, and in how many columns; None where there are none yet."""
        if self.view == "scatter" or self._images is None:
            return None
        layout = self.query_one(Canvas).layout_shown
        return self._images, self._columns or (layout.columns if layout is not None else len(self._images))

    def show_image(self, image: NDArray[np.uint8]) -> None:
        """Show the decoded image (H, W, C), where that is the view."""
        if self.view == "image":
            self._points = self._walker.z[None]
            self._show_images(image[None])
            self.query_one(Canvas).mark = None

    def _show_images(self, images: NDArray[np.uint8], *, columns: int | None = None) -> None:
        self._images, self._columns = images, columns
        self.query_one(Canvas).show(images[:, None], columns=columns, caption=self._caption())
        in_characters = self._app.picture_mode == "ascii"
        self._subtitle = self._caption() if self.view == "neighbours" and not in_characters else ""

    @property
    def _subtitle(self) -> str:
        return self.border_subtitle or ""

    @_subtitle.setter
    def _subtitle(self, text: str) -> None:
        # Textual paints the whole widget anew when it is set, be it the same one.
        if text != self.border_subtitle:
            self.border_subtitle = text

    def _caption(self) -> str:
        """What is seen, in words: where the present latent is in it, or what the neighbours are."""
        walker, canvas = self._walker, self.query_one(Canvas)
        if self.view == "neighbours":
            first, *others = self._captions or [""]
            said = [first, *(caption.removeprefix("train:") for caption in others)]
            return join_whole(said, "   ", canvas.content_size.width - 4)
        place = f"z{walker.chosen} {walker.z[walker.chosen]:+.2f}"
        if self.view == "image":
            return f"image at {place}"
        mark = canvas.mark or 0
        if self.view == "strip":
            return f"{place}, nearest to picture {mark + 1} of {_STRIP}"
        if self.view == "map":
            place = ", ".join(f"z{dimension} {walker.z[dimension]:+.2f}" for dimension in self._dimensions())
        return f"{place}: row {mark // (self._columns or 1) + 1}, column {mark % (self._columns or 1) + 1}"

    def move_cursor(self, right: int, up: int, *, big: bool) -> None:
        """Move the cursor: in the map the two dimensions change, in the scatter the place in its plane."""
        walker = self._walker
        if self.view == "map":
            window = self._seen_of_map()
            left, right_edge, bottom, top = window
            share = 0.25 if big else 0.025
            first, second = self._dimensions()
            z = walker.z.copy()
            z[first] += right * share * (right_edge - left)
            z[second] += up * share * (top - bottom)
            walker.position.go(z)
            self._map_window = views.pan_to(window, (float(z[first]), float(z[second])))
        elif (plane := self._code_plane()) is not None:
            window = self._scatter_window or plane.window()
            share = 0.1 if big else 0.02
            x, y = plane.place(walker.z)
            spot = (
                x + right * share * (window[1] - window[0]),
                y + up * share * (window[3] - window[2]),
            )
            walker.position.go(self._lift(plane, spot, right, up))
            self._scatter_window = views.pan_to(window, plane.place(walker.z))

    def _lift(self, plane: CodePlane, spot: Spot, right: int, up: int) -> Point:
        """Where a step of the cursor leads; among codes alone, at least to the next one that lies in its direction."""
        z = plane.lift(spot, self._walker.z)
        if plane.directions is not None or not np.array_equal(
            z, plane.lift(plane.place(self._walker.z), self._walker.z)
        ):
            return z
        here = np.array(plane.place(self._walker.z), np.float32)
        offsets = plane.points - here
        ahead = offsets @ np.array([right, up], np.float32)
        aside = np.abs(offsets @ np.array([up, right], np.float32))
        reach = np.where((ahead > 1e-6) & (aside <= ahead), np.square(offsets).sum(axis=1), np.inf)
        best = int(reach.argmin())
        found: Point = plane.means[plane.indexes[best]] if np.isfinite(reach[best]) else z
        return found

    def zoom(self, factor: float) -> None:
        """Show less of the plane, or more, around the cursor."""
        if self.view == "map":
            first, second = self._dimensions()
            around = (float(self._walker.z[first]), float(self._walker.z[second]))
            self._map_window = views.zoom(self._seen_of_map(), factor, around)
        elif self.view == "scatter" and (plane := self._code_plane()) is not None:
            window = self._scatter_window or plane.window()
            self._scatter_window = views.zoom(window, factor, plane.place(self._walker.z))

    def go_home(self) -> None:
        """Show the whole plane again."""
        self._map_window, self._scatter_window = None, None

    def set_plane(self, first: int, second: int) -> None:
        """Take two dimensions for the map and the scatter."""
        self.plane, self.method = (first, second), "dimensions"
        self._planes.pop("dimensions", None)
        self.go_home()

    def vary(self) -> str:
        """Change how the view looks at its subject; returns what it does now."""
        if self.view == "scatter":
            method = self._method()
            self.method = _METHODS[(_METHODS.index(method) + 1) % len(_METHODS)]
            self._asked, self._scatter_window, self._problem = (), None, ""
            return f"codes by {'t-SNE' if self.method == 'tsne' else self.method.upper() if self.method == 'pca' else 'two dimensions'}"
        self.of_data = not self.of_data
        if self.of_data and self._codes is None:
            self._ask_once("encode", {}, None)
        return f"traversals over the range of the {'data' if self.of_data else 'prior'}"

    def _title(self) -> str:
        walker = self._walker
        if self.view == "strip":
            low, high = self._range(walker.chosen)
            return f"z{walker.chosen} from {low:+.1f} to {high:+.1f}"
        if self.view == "table":
            return "every active dimension, a row each"
        if self.view == "map":
            first, second = self._dimensions()
            left, right, bottom, top = self._seen_of_map()
            return f"z{first} → {left:+.1f} … {right:+.1f}   z{second} ↑ {bottom:+.1f} … {top:+.1f}"
        if self.view == "scatter":
            plane = self._code_plane()
            across, upwards = (axis.replace(" of the variance", "") for axis in plane.axes) if plane else ("", "")
            return f"test codes   {across} →   {upwards} ↑" if plane else "test codes"
        return "nearest training images" if self.view == "neighbours" else "image"

    def _range(self, dimension: int) -> tuple[float, float]:
        if self.of_data and self._codes is not None:
            low, high = np.percentile(self._codes.means[:, dimension], [0.5, 99.5]).tolist()
            return low, high
        span = float(self._walker.spans[dimension])
        return -span, span

    def _spread(self) -> tuple[NDArray[np.float32], int | None, int]:
        """The points (N, Z) of this view, in how many columns, and which of them is nearest to the present one."""
        walker = self._walker
        z = walker.z
        if self.view == "strip":
            values = views.spread(*self._range(walker.chosen), _STRIP)
            return views.traverse(z, [walker.chosen], [values]), None, views.nearest(values, z[walker.chosen])
        if self.view == "map":
            first, second = self._dimensions()
            rows, columns = self._map_size()
            points = views.spread_plane(z, (first, second), self._seen_of_map(), rows, columns)
            distance = np.square(points[:, [first, second]] - z[[first, second]]).sum(axis=1)
            return points, columns, int(distance.argmin())
        shown, columns = self._table_size()
        ranges = [views.spread(*self._range(dimension), columns) for dimension in shown]
        row = shown.index(walker.chosen)
        mark = row * columns + views.nearest(ranges[row], z[walker.chosen])
        return views.traverse(z, shown, ranges), columns, mark

    def _tile(self) -> int:
        """How large a tile is meant to be, in pixels of the canvas."""
        height, width = self.query_one(Canvas).area
        return max(10, min(height, width) // 12)

    def _map_size(self) -> tuple[int, int]:
        height, width = self.query_one(Canvas).area
        tile = self._tile() + 1
        return max(2, min(20, height // tile)), max(2, min(24, width // tile))

    def _seen_of_map(self) -> Window:
        if self._map_window is not None:
            return self._map_window
        across, upwards = (float(self._walker.spans[dimension]) for dimension in self._dimensions())
        return -across, across, -upwards, upwards

    def _table_size(self) -> tuple[list[int], int]:
        """The dimensions whose rows fit around the chosen one, and the columns."""
        walker = self._walker
        height, width = self.query_one(Canvas).area
        tile = self._tile() + 1
        columns = max(3, (min(15, width // tile) - 1) // 2 * 2 + 1)
        rows = max(1, height // tile)
        active = [dimension for dimension in walker.order if walker.rates and walker.rates[dimension] > ACTIVE_NATS]
        listed = active if walker.chosen in active else [*active, walker.chosen]
        first = min(max(0, listed.index(walker.chosen) - rows // 2), max(0, len(listed) - rows))
        return listed[first : first + rows], columns

    def _dimensions(self) -> tuple[int, int]:
        order = self._walker.order
        plane = self.plane
        if plane is not None and max(plane) < len(order):
            return plane
        return (order[0], order[1]) if len(order) > 2 else (0, min(1, len(order) - 1))

    def _method(self) -> Method:
        return self.method or ("dimensions" if len(self._walker.z) <= 2 else "pca")

    def _code_plane(self) -> CodePlane | None:
        method = self._method()
        if method == "dimensions" and self._codes is not None and method not in self._planes:
            self._planes[method] = look_along(self._codes, *self._dimensions())
        return self._planes.get(method)

    def _show_scatter(self) -> None:
        scatter, walker = self.query_one(Scatter), self._walker
        scatter.colorless = self._app.picture_mode == "ascii" or self._app.color_depth == "none"
        plane = self._code_plane()
        if self._codes is not None and plane is not None:
            labels = self._codes.labels[plane.indexes]
            window = self._scatter_window or plane.window()
            across, upwards = plane.place(walker.z)
            scatter.show(plane.points, labels, self._codes.names, window, (across, upwards))
            self._subtitle = f"cursor at {across:+.2f} {upwards:+.2f}"
        elif self._problem:
            scatter.say(self._problem)
        elif self._codes is None:
            scatter.say("encoding the test images…")
            self._ask_once("encode", {}, None)
        else:
            scatter.say("projecting…")
            self._ask_once("project", {"method": self._method()}, None)

    def _ask_once(self, kind: str, facts: dict[str, Any], points: NDArray[np.float32] | None) -> None:
        question = (kind, tuple(facts.items()), None if points is None else points.tobytes())
        if question != self._asked:
            self._asked = question
            self._ask(kind, {"purpose": "view", **facts}, {} if points is None else {"points": points})

    def on_canvas_area_changed(self) -> None:
        """Fit the view to the new size."""
        self._asked = ()
        self.refresh_view()

    def on_click(self, event: Any) -> None:
        """Go to the tile that was clicked."""
        canvas = self.query_one(Canvas)
        if canvas.display and self._points is not None:
            offset = event.get_content_offset(canvas)
            tile = canvas.tile_at(offset.x, offset.y) if offset is not None else None
            if tile is not None and tile < len(self._points):
                self.post_message(self.Chosen(self._points[tile]))

    def on_scatter_clicked(self, event: Scatter.Clicked) -> None:
        """Go to the place that was clicked."""
        if (plane := self._code_plane()) is not None:
            self.post_message(self.Chosen(plane.lift((event.across, event.upwards), self._walker.z)))
