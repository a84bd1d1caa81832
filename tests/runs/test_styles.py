"""How the curves of several runs are told apart: with colors and without."""

from __future__ import annotations

import itertools

from vae_tui.runs.styles import COLORS, style_of


def test_the_first_twenty_eight_runs_look_different_and_neighbours_do_so_without_colors() -> None:
    styles = [style_of(index) for index in range(28)]
    assert len(set(styles)) == 28
    assert all(one.line != other.line for one, other in itertools.pairwise(styles))
    assert style_of(28) == styles[0]


def test_every_color_stands_out_from_a_light_and_from_a_dark_ground() -> None:
    for color in COLORS:
        luminance = sum(
            weight * (int(color[place : place + 2], 16) / 255) ** 2.2
            for weight, place in ((0.2126, 1), (0.7152, 3), (0.0722, 5))
        )
        assert 1.05 / (luminance + 0.05) > 2, color
        assert (luminance + 0.05) / 0.055 > 3, color
