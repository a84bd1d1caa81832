"""What could not be sent while the line was busy is sent once it is free, and nothing is lost by that."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import ComposeResult
from textual.geometry import Region
from textual.widgets import Static

from vae_tui.tui.graphics.app import PictureApp
from vae_tui.tui.graphics.driver import LineFree
from vae_tui.tui.graphics.frame import find_spans


class TwoLines(PictureApp[None]):
    """Two lines of text; `rows` are those that frames wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: set[int] = set()

    def compose(self) -> ComposeResult:
        yield Static("above")
        yield Static("below", id="below")

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None:
            self.rows |= {row for row, _, _ in find_spans(renderable)}
        super()._display(screen, renderable)


async def test_what_changes_as_the_line_becomes_free_is_seen_too() -> None:
    app = TwoLines()
    async with app.run_test() as pilot:
        await pilot.pause()
        below = app.query_one("#below", Static)
        app.rows.clear()
        below.update("later")
        while below not in app.screen._dirty_widgets:
            await asyncio.sleep(0)
        app._owe(app.screen, [Region(0, 0, 5, 1)])
        app.on_line_free(LineFree())
        await pilot.pause()
        assert app.rows == {0, 1}
