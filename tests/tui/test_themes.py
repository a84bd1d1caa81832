"""Themes: what is written and drawn can be told from its ground, by all eyes, and on terminals with sixteen colours."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from fake_trainer import FakeTrainer
from rich.color import Color as RichColor
from rich.color import ColorType
from shown import Shown
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from vae_tui.imaging.colors import SIXTEEN
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.colors import COLOR_BLIND, MEANINGS, SIXTEEN_COLORS, THEME, contrast, rgb
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.training import TrainingScreen

INKS = ("primary", "warning", "error", "success")
WORDS = ("foreground", "faint", *INKS)
CURVES = tuple(MEANINGS)


def variables_of(theme: str) -> dict[str, str]:
    app = VaeTuiApp(HomeScreen(Path("checkpoints")))
    app.theme = theme
    return app.get_css_variables()


def as_seen(color: Color, kind: str) -> tuple[float, ...]:
    """A colour as those without one kind of cones see it (Machado, Oliveira and Fernandes 2009, severity 1)."""
    rows = {
        "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
        "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
        "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
    }[kind]
    return tuple(sum(w * c for w, c in zip(row, color.rgb, strict=True)) for row in rows)


@pytest.mark.parametrize("theme", [THEME.name, COLOR_BLIND.name, *(t for t in BUILTIN_THEMES if "ansi" not in t)])
def test_words_and_curves_can_be_told_from_their_ground(theme: str) -> None:
    variables = variables_of(theme)
    # The words of solarized themes are not far from their ground themselves.
    words, least = (WORDS, 4.5) if theme == COLOR_BLIND.name else (INKS, 3.5 if "solarized" in theme else 4.0)
    for name in words:
        assert contrast(Color.parse(variables[name]), Color.parse(variables["background"])) >= least, name
    for name in CURVES:
        assert contrast(Color(*rgb(variables, name)), Color.parse(variables["background"])) >= 3, name
    for name in WORDS if theme == COLOR_BLIND.name else ():
        assert contrast(Color.parse(variables[name]), Color.parse(variables["panel"])) >= least, name


@pytest.mark.parametrize("kind", ["protanopia", "deuteranopia", "tritanopia"])
def test_curves_that_share_a_chart_differ_for_eyes_that_see_fewer_colors(kind: str) -> None:
    variables = variables_of(COLOR_BLIND.name)
    for chart in (("train", "validation", "best"), ("distortion", "rate"), ("loss", "train", "validation")):
        for one, other in combinations(chart, 2):
            seen = [as_seen(Color(*rgb(variables, name)), kind) for name in (one, other)]
            assert sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5 > 60, (one, other)


def test_sixteen_colors_are_nothing_but_those_that_are_numbered() -> None:
    variables = variables_of(SIXTEEN_COLORS.name)
    for name in (*CURVES, "faint", "line", "panel", "primary"):
        for share in (0.0, 0.68, 1.0):
            assert rgb(variables, name, towards="background", share=share) in SIXTEEN
    inks = {name: rgb(variables, name) for name in ("train", "validation", "loss", "distortion", "rate")}
    assert len(set(inks.values())) == len(inks)
    # Faint is another color than whole, and the ground is neither.
    shades = [rgb(variables, "rate", towards="background", share=share) for share in (0.0, 0.5, 1.0)]
    assert len(set(shades)) == 3


async def test_everything_but_pictures_is_in_sixteen_colors(run: Run, trainer: FakeTrainer) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    app = VaeTuiApp(TrainingScreen(RunFeed(run)), images="ascii")
    app.theme = SIXTEEN_COLORS.name
    async with app.run_test(size=(120, 40)) as pilot:
        await Shown(app, pilot).settle()
        colors: set[RichColor] = set()
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                if segment.style is not None:
                    colors |= {color for color in (segment.style.color, segment.style.bgcolor) if color is not None}
    assert len(colors) > 4
    for color in colors:
        known = color.type in (ColorType.STANDARD, ColorType.DEFAULT)
        assert known or tuple(color.triplet or ()) in SIXTEEN, color


async def test_charts_are_drawn_anew_in_another_theme(run: Run, trainer: FakeTrainer) -> None:
    trainer.start()
    trainer.begin()
    for _ in range(3):
        trainer.train_epoch()
    app = VaeTuiApp(TrainingScreen(RunFeed(run)))
    async with app.run_test(size=(120, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.settle()
        for theme in (THEME.name, COLOR_BLIND.name, "textual-light", SIXTEEN_COLORS.name):
            app.theme = theme
            await shown.settle()
            chart = app.screen.query_one("#elbo")
            inks = {
                tuple(segment.style.color.triplet)
                for y in range(chart.size.height)
                for segment in chart.render_line(y)
                if segment.style and segment.style.color and segment.style.color.triplet
            }
            assert rgb(app.theme_variables, "validation") in inks, theme
