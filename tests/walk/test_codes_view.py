"""The view of the codes of a quantised model: four places of two dimensions, and a codebook of six codes."""

from __future__ import annotations

import numpy as np
import pytest

from vae_tui.walk.axes import Axes
from vae_tui.walk.paths import Latents
from vae_tui.walk.views.codes import CodesView
from vae_tui.walk.views.view import Scene

CODEBOOK: Latents = np.array([[x, y] for y in (-1.0, 1.0) for x in (-1.0, 0.0, 1.0)], np.float32)
AXES = Axes(8, (), np.full(8, 3, np.float32))


def scene(codes: list[int], *, chosen: int = 0, area: tuple[int, int] | None = (60, 120)) -> Scene:
    z = CODEBOOK[codes].flatten()
    return Scene(z, AXES, chosen, range(8), [1.0] * 8, area=area, codebook=CODEBOOK)


def test_it_shows_each_code_in_the_place_of_the_chosen_dimension() -> None:
    seen = scene([0, 4, 2, 5], chosen=3)
    spread = CodesView().spread(seen)
    assert spread is not None
    points = spread.points.reshape(6, 4, 2)
    np.testing.assert_array_equal(points[:, 1], CODEBOOK)
    for place in (0, 2, 3):
        np.testing.assert_array_equal(points[:, place], np.tile(seen.z.reshape(4, 2)[place], (6, 1)))
    assert spread.mark == 4
    assert CodesView().title(seen) == "place 2 of 4: codes 0 to 5 of 6"
    assert CodesView().captions(seen) == ["code 4", "0 [4] / 2 5"]


@pytest.mark.parametrize(("right", "up", "code"), [(1, 0, 5), (-1, 0, 3), (5, 0, 5), (-9, 0, 0), (0, 1, 0)])
def test_arrows_put_another_code_there(right: int, up: int, code: int) -> None:
    moved = CodesView().move(scene([0, 4, 2, 5], chosen=2), right, up, big=False)
    np.testing.assert_array_equal(moved, CODEBOOK[[0, code, 2, 5]].flatten())


@pytest.mark.parametrize(
    ("chosen", "rows", "expected"), [(0, 1, 2), (1, 1, 2), (3, 1, 4), (7, 1, 6), (5, -1, 2), (0, -3, 0)]
)
def test_another_place_is_chosen_in_the_order_in_which_they_stand(chosen: int, rows: int, expected: int) -> None:
    assert CodesView().choose(scene([0, 4, 2, 5], chosen=chosen), rows) == expected


def test_without_a_codebook_there_is_nothing_to_show() -> None:
    seen = Scene(np.zeros(8, np.float32), AXES, 0, range(8), [1.0] * 8, area=(60, 120))
    view = CodesView()
    assert not view.has_cursor(seen)
    assert view.spread(seen) is None
    assert view.choose(seen, 1) is None
    np.testing.assert_array_equal(view.move(seen, 1, 0, big=False), seen.z)
