"""The scatter of codes: colours that every eye can tell apart, and numbers along its axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from textual.app import App, ComposeResult

from vae_tui.tui.axes import mark_rounds
from vae_tui.tui.widgets.scatter import CLASS_COLORS, Scatter

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
    """A scatter of two points, from -2 to 2 both ways."""

    def compose(self) -> ComposeResult:
        self.scatter = Scatter(id="scatter")
        self.clicked: list[tuple[float, float]] = []
        yield self.scatter

    def show(self, *, numbered: bool) -> None:
        points = np.array([[-1.99, -1.99], [1.99, 1.99]], np.float32)
        window = (-2.0, 2.0, -2.0, 2.0)
        self.scatter.show(points, np.array([0, 1]), ["a", "b"], window, None, colorless=False, numbered=numbered)

    def on_scatter_clicked(self, event: Scatter.Clicked) -> None:
        self.clicked.append((event.across, event.upwards))

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in strip) for strip in self.screen._compositor.render_strips()]


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
