"""A picture of the walk is changed by hand, with a real decoder behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from shown import Shown

from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.edit import EditScreen
from vae_tui.tui.screens.walk import WalkScreen
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.walk.session import WalkSession
from vae_tui.walk.views.view import Pixels

pytestmark = pytest.mark.slow

Open = Callable[..., AbstractAsyncContextManager["Editing"]]


class Editing(Shown):
    """A walk whose picture is edited."""

    @property
    def session(self) -> WalkSession:
        return next(screen.session for screen in self.app.screen_stack if isinstance(screen, WalkScreen))

    @property
    def screen(self) -> EditScreen:
        assert isinstance(self.app.screen, EditScreen)
        return self.app.screen

    @property
    def of_the_model(self) -> Pixels:
        """What stands beside the picture, or in its place; nothing is no pictures."""
        stacks = self.screen.query_one("#model", Canvas)._stacks
        return np.empty((0, 1, 8, 8, 1), np.uint8) if stacks is None else stacks


@pytest.fixture
def open_editor(walked_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def open_editor(size: tuple[int, int] = (120, 40)) -> AsyncIterator[Editing]:
        app = VaeTuiApp(WalkScreen(walked_run.latest().path), images="half")
        async with app.run_test(size=size) as pilot:
            editing = Editing(app, pilot)
            await editing.until(lambda: editing.session.walk.image is not None)
            await editing.press("E")
            await editing.sees("the model's reconstruction")
            yield editing

    return open_editor


async def test_every_stroke_is_reconstructed_and_enter_goes_to_the_place_that_fits(open_editor: Open) -> None:
    async with open_editor() as editing:
        await editing.until(lambda: len(editing.of_the_model) > 0)
        before, z = editing.of_the_model, editing.session.walk.z.copy()
        await editing.press("space", "right", "right", "down")
        await editing.sees("paint white   brush 1   pen down")
        await editing.until(lambda: not np.array_equal(editing.of_the_model, before))
        await editing.press("enter")
        await editing.sees("fitted to the edited picture: -log p(x, z)")
        assert isinstance(editing.app.screen, WalkScreen)
        assert not np.array_equal(editing.session.walk.z, z)
        await editing.press("u")
        np.testing.assert_array_equal(editing.session.walk.z, z)


async def test_what_is_hidden_is_filled_in_and_one_of_eight_is_gone_to(open_editor: Open) -> None:
    async with open_editor() as editing:
        await editing.press("tab", "plus", "plus", "plus", "space", "space")
        await editing.sees("hidden; enter fills it with draws by weights; g: by gradient")
        image, hidden = editing.screen._edit.image.copy(), editing.screen._edit.hidden.copy()
        await editing.press("enter")
        await editing.sees("of 4,000 weighted draws count")
        found = editing.of_the_model
        assert found.shape[:2] == (8, 1)
        assert (found[:, 0][:, ~hidden] == image[~hidden]).all()
        await editing.press("right", "down")
        await editing.sees("6 of 8 that agree with what is not hidden")
        point = editing.screen._found.points[5] if editing.screen._found else None
        await editing.press("enter")
        await editing.sees("6 of 8 that agree with what is not hidden")
        assert isinstance(editing.app.screen, WalkScreen)
        np.testing.assert_array_equal(editing.session.walk.z, point)


async def test_others_are_found_by_gradient_too_and_escape_goes_back_step_by_step(open_editor: Open) -> None:
    async with open_editor() as editing:
        z = editing.session.walk.z.copy()
        await editing.press("tab", "space", "g", "enter")
        await editing.sees("these are no draws from the posterior")
        first = editing.screen._found
        await editing.press("g", "n")
        await editing.until(lambda: editing.screen._found is not first)
        await editing.sees("weighted draws count")
        await editing.press("escape")
        await editing.sees("hidden; enter fills it")
        assert editing.screen._edit.hidden.any()
        await editing.press("escape")
        assert isinstance(editing.app.screen, WalkScreen)
        np.testing.assert_array_equal(editing.session.walk.z, z)


async def test_with_all_hidden_there_is_nothing_to_agree_with(open_editor: Open) -> None:
    async with open_editor((80, 24)) as editing:
        await editing.press("tab", "f", "enter")
        await editing.sees("all is hidden: uncover what the model is to agree with")
        await editing.press("u", "enter")
        await editing.sees("fitted to the edited picture")


async def test_the_mouse_draws_where_it_is_and_along_its_way(open_editor: Open) -> None:
    async with open_editor() as editing:
        canvas = editing.screen.query_one("#edited", Canvas)
        await editing.until(lambda: bool(canvas.tile_cells))
        top, left, bottom, right = canvas.tile_cells[0]
        border = canvas.gutter
        height, width = editing.screen._edit.hidden.shape

        def cell(row: int, column: int) -> tuple[int, int]:
            across = left + int((column + 0.5) / width * (right - left))
            return border.left + across, border.top + top + int((row + 0.5) / height * (bottom - top))

        before = editing.screen._edit.image.copy()
        await editing.pilot.mouse_down(canvas, offset=cell(2, 1))
        await editing.pilot.hover(canvas, offset=cell(2, width - 2))
        await editing.pilot.mouse_up(canvas, offset=cell(2, width - 2))
        await editing.pilot.hover(canvas, offset=cell(height - 1, 1))
        image = editing.screen._edit.image[..., 0]
        assert (image[2, 1 : width - 1] == 255).all()
        assert editing.screen._edit.cursor == (2, width - 2), "a mouse that goes on without its button draws nothing"
        await editing.press("u")
        np.testing.assert_array_equal(editing.screen._edit.image, before)
