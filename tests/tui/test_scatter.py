"""The scatter of codes: colours that every eye can tell apart, and numbers along its axes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color

from vae_tui.imaging.terminal import Colors
from vae_tui.tui.axes import mark_rounds
from vae_tui.tui.widgets.scatter import Scatter
from vae_tui.tui.widgets.scatter_cells import LEVELS
from vae_tui.tui.widgets.scatter_inks import CLASS_COLORS, Inks
from vae_tui.walk.views.scatter import Dots

EYES = {
    "all cones": np.eye(3),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}
"""Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009."""


def to_lab(color: str, eyes: np.ndarray) -> np.ndarray:
    channels = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    xyz = to_xyz @ np.clip(eyes @ linear, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(one: np.ndarray, other: np.ndarray) -> float:
    """Sharma, Wu and Dalal, The CIEDE2000 Color-Difference Formula, 2005."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(chroma7 / (chroma7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    middle = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else (h1 + h2 + 360) / 2 % 360
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 + sum(
        share * np.cos(np.radians(times * middle + shift))
        for share, times, shift in ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63))
    )
    rotation = np.sin(np.radians(60 * np.exp(-(((middle - 275) / 25) ** 2))))
    rotation *= -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    of_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    of_chroma, of_hue = (c2 - c1) / (1 + 0.045 * chroma), hue / (1 + 0.015 * chroma * t)
    return float(np.sqrt(of_light**2 + of_chroma**2 + of_hue**2 + rotation * of_chroma * of_hue))


def test_the_formula_is_right() -> None:
    """Three pairs of the table that its authors give."""
    for one, other, expected in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (61, -5, 29), 22.8977),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ):
        assert ciede2000(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ground", CLASS_COLORS)
def test_any_two_of_ten_classes_are_told_apart_by_every_eye(ground: str, eyes: str) -> None:
    seen = [to_lab(color, EYES[eyes]) for color in CLASS_COLORS[ground]]
    assert min(ciede2000(*pair) for pair in itertools.combinations(seen, 2)) >= 12
    lightness = [color[0] for color in (to_lab(each, EYES["all cones"]) for each in CLASS_COLORS[ground])]
    assert min(lightness) > 57 if ground == "dark" else max(lightness) < 63


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ground", ["#0d1117", "#ffffff"])
@pytest.mark.parametrize("level", range(LEVELS))
def test_any_two_of_ten_classes_are_told_apart_however_many_points_there_are(
    level: int, ground: str, eyes: str
) -> None:
    inks = Inks(Color.parse(ground), "#888888", "#444444", "truecolor")
    seen = [to_lab(inks.shade(label, level), EYES[eyes]) for label in range(10)]
    assert min(ciede2000(*pair) for pair in itertools.combinations(seen, 2)) >= 5


@pytest.mark.parametrize(
    ("extent", "most", "expected"),
    [
        ((-3.2, 3.1), 7, ["-3", "-2", "-1", "0", "1", "2", "3"]),
        ((-3.2, 3.1), 4, ["-2", "0", "2"]),
        ((0.11, 0.29), 3, ["0.15", "0.20", "0.25"]),
        ((1.0, 1.0), 3, []),
        ((0.0, float("inf")), 3, []),
    ],
)
def test_round_numbers_stand_along_an_axis(extent: tuple[float, float], most: int, expected: list[str]) -> None:
    assert [label.replace("−", "-") for _, label in mark_rounds(extent, most)] == expected


class ScatterApp(App[None]):
    """A scatter of two points, or of others, from -2 to 2 both ways."""

    def compose(self) -> ComposeResult:
        self.scatter = Scatter(id="scatter")
        self.clicked: list[tuple[float, float]] = []
        self.pointed_at: list[tuple[float, float] | None] = []
        self.given: Sequence[tuple[float, float, int]] = ()
        yield self.scatter

    def show(
        self,
        *,
        numbered: bool = False,
        given: Sequence[tuple[float, float, int]] = ((-1.99, -1.99, 0), (1.99, 1.99, 1)),
        lit: int | None = None,
        half: float = 2.0,
        cursor: tuple[float, float] = (0.0, 0.0),
        colors: Colors = "truecolor",
        in_signs: bool = False,
    ) -> None:
        """Show points given as place across, upwards, and class."""
        if given != self.given:
            self.given, self.points = given, np.array([place[:2] for place in given], np.float32)
        labels, window = np.array([label for *_, label in given]), (-half, half, -half, half)
        dots = Dots(self.points, labels, ["a", "b"], window, cursor, numbered, lit)
        self.scatter.show(dots, colors=colors, in_signs=in_signs)

    def on_scatter_clicked(self, event: Scatter.Clicked) -> None:
        self.clicked.append((event.across, event.upwards))

    def on_scatter_pointed_at(self, event: Scatter.PointedAt) -> None:
        self.pointed_at.append(event.spot)

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in strip) for strip in self.screen._compositor.render_strips()]

    def cells(self, y: int) -> list[tuple[str, Style]]:
        """What stands in each cell of a row, and how it is written."""
        strip = self.screen._compositor.render_strips()[y]
        return [(character, part.style or Style()) for part in strip for character in part.text]

    def cell(self, across: float, upwards: float) -> tuple[str, Style]:
        """What stands where points at a place are, without numbers and with a legend of one row."""
        rows, columns = self.size.height - 1, self.size.width
        return self.cells(int((2 - upwards) / 4 * rows))[int((across + 2) / 4 * columns)]


@pytest.mark.parametrize("numbered", [True, False])
async def test_numbers_stand_beside_the_points_where_they_mean_something(numbered: bool) -> None:
    app = ScatterApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.show(numbered=numbered)
        await pilot.pause()
        above, *_, ticks, legend = app.lines
        assert legend.split() == ["a", "b"]
        if numbered:
            assert above.split()[0] == "2"
            assert [text.replace("−", "-") for text in ticks.split()] == ["-2", "-1", "0", "1", "2"]
        else:
            assert ticks.strip() == "⡀", "the lower left point"
        assert above[-1] == "⠈", "the upper right point"


@pytest.mark.parametrize("numbered", [True, False])
async def test_a_click_is_where_the_numbers_say(numbered: bool) -> None:
    app = ScatterApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.show(numbered=numbered)
        await pilot.pause()
        await pilot.click("#scatter", offset=(59, 0))
        await pilot.click("#scatter", offset=(5 if numbered else 0, 17 if numbered else 18))
        await pilot.pause()
        assert app.clicked == [pytest.approx((2, 2)), pytest.approx((-2, -2))]


async def test_a_small_pane_has_no_numbers() -> None:
    app = ScatterApp()
    async with app.run_test(size=(39, 20)) as pilot:
        app.show(numbered=True)
        await pilot.pause()
        assert app.lines[0][0] == " "
        assert app.lines[18][0] == "⡀"


FULL, HALF_FULL, SPARSE, OTHER = (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)
"""Places of 64, 8, 1 and 64 points, the last of another class."""
CROWD = [(*FULL, 0)] * 64 + [(*HALF_FULL, 0)] * 8 + [(*SPARSE, 0)] + [(*OTHER, 1)] * 64
FEW_ROWS = 60, 12


def brightness(style: Style) -> float:
    assert style.color is not None
    assert style.color.triplet is not None
    return Color(*style.color.triplet).brightness


async def test_cells_with_more_points_are_brighter() -> None:
    app = ScatterApp()
    async with app.run_test(size=FEW_ROWS) as pilot:
        app.show(given=CROWD)
        await pilot.pause()
        full, half, sparse = (brightness(app.cell(*place)[1]) for place in (FULL, HALF_FULL, SPARSE))
        assert full > half > sparse > 0.2


async def test_on_light_ground_they_are_darker() -> None:
    app = ScatterApp()
    async with app.run_test(size=FEW_ROWS) as pilot:
        app.show(given=CROWD)
        await pilot.pause()
        app.theme = "textual-light"
        await pilot.pause()
        full, half, sparse = (brightness(app.cell(*place)[1]) for place in (FULL, HALF_FULL, SPARSE))
        assert full < half < sparse < 0.8


@pytest.mark.parametrize(("colors", "reversed_too"), [("16", False), ("none", True)])
async def test_where_colours_are_few_full_cells_are_bold(colors: Colors, reversed_too: bool) -> None:
    app = ScatterApp()
    async with app.run_test(size=FEW_ROWS) as pilot:
        app.show(given=CROWD, colors=colors, in_signs=colors == "none")
        await pilot.pause()
        styles = [app.cell(*place)[1] for place in (FULL, HALF_FULL, SPARSE)]
        assert [bool(style.bold) for style in styles] == [True, True, False]
        assert [bool(style.reverse) for style in styles] == [reversed_too, False, False]
        sign, _ = app.cell(*OTHER)
        assert sign == "1" if colors == "none" else "\u2800" < sign <= "\u28ff"


async def test_without_colours_greys_tell_of_numbers_and_not_of_classes() -> None:
    app = ScatterApp()
    async with app.run_test(size=FEW_ROWS) as pilot:
        app.show(given=CROWD, colors="none", in_signs=True)
        await pilot.pause()
        assert app.cell(*FULL)[1] == app.cell(*OTHER)[1]
        assert len({style for sign, style in app.cells(11) if sign.strip()}) == 1, "the legend"


async def test_one_class_keeps_its_colour_and_the_others_are_grey() -> None:
    app = ScatterApp()
    async with app.run_test(size=FEW_ROWS) as pilot:
        app.show(given=CROWD)
        await pilot.pause()
        before = app.cell(*FULL), app.cell(*OTHER)
        app.show(given=CROWD, lit=1)
        await pilot.pause()
        (_, grey), lit = app.cell(*FULL), app.cell(*OTHER)
        assert lit == before[1]
        assert grey.color is not None
        assert grey.color.triplet is not None
        assert max(grey.color.triplet) - min(grey.color.triplet) < 16
        assert [bool(style.reverse) for sign, style in app.cells(11) if sign in "ab"] == [False, True]
        app.show(given=CROWD)
        await pilot.pause()
        assert (app.cell(*FULL), app.cell(*OTHER)) == before


@pytest.mark.parametrize("colors", ["16", "none"])
async def test_where_colours_are_few_the_others_are_dots(colors: Colors) -> None:
    app = ScatterApp()
    async with app.run_test(size=FEW_ROWS) as pilot:
        app.show(given=CROWD, colors=colors, in_signs=colors == "none", lit=1)
        await pilot.pause()
        assert app.cell(*FULL)[0] == "·"
        assert app.cell(*OTHER)[0] != "·"


async def test_even_short_axes_have_a_scale_and_wide_numbers_have_room() -> None:
    app = ScatterApp()
    async with app.run_test(size=(45, 19)) as pilot:
        app.show(numbered=True, half=4.4)
        await pilot.pause()
        *points, below, _ = app.lines
        assert len(below.split()) > 2
        assert len([line for line in points if line[:5].strip()]) > 2
        app.show(numbered=True, half=0.03, given=[(-0.02999, 0.02999, 0), (0, 0, 1)])
        await pilot.pause()
        *points, below, _ = app.lines
        numbers = [line.split()[0] for line in points if line[:6].strip()]
        assert "-0.02" in [number.replace("−", "-") for number in numbers]
        assert points[0][6] == "\u2801", "the points begin beyond the widest number"


async def test_the_mouse_points_at_a_place_and_at_none_when_it_is_gone() -> None:
    app = ScatterApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.show()
        await pilot.pause()
        await pilot.hover("#scatter", offset=(0, 18))
        await pilot.pause()
        assert app.pointed_at[-1] == pytest.approx((-2, -2))
        app.scatter.show_text("nothing")
        await pilot.hover("#scatter", offset=(1, 18))
        await pilot.pause()
        assert app.pointed_at[-1] is None


async def test_the_cursor_leaves_no_trace_where_it_was() -> None:
    app = ScatterApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.show(given=CROWD, cursor=(1.0, 1.0))
        await pilot.pause()
        app.show(given=CROWD, cursor=(-1.9, -1.99))
        await pilot.pause()
        moved = app.lines
        app.scatter.notify_style_update()
        await pilot.pause()
        assert app.lines == moved
        assert moved[18].startswith("─╋──")
        assert sum(line.count("╋") for line in moved) == 1
