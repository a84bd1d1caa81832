"""The app as a user at a terminal has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from vae_tui.tui.app import Outcome, VaeTuiApp

_SIGNS = {
    " ": "space",
    "=": "equals_sign",
    ">": "greater_than_sign",
    ":": "colon",
    "-": "minus",
    ".": "full_stop",
    "/": "slash",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}


async def rest(app: App[Any]) -> None:
    """Wait until no worker is under way; one that made way for a newer of its group is no failure."""
    while under_way := [worker for worker in app.workers if not worker.is_finished]:
        for worker in under_way:
            with suppress(WorkerCancelled):
                await worker.wait()


class Shown:
    """The app on a run, as a user at a terminal has it."""

    def __init__(self, app: VaeTuiApp, pilot: Pilot[Outcome]) -> None:
        self.app, self.pilot = app, pilot

    async def settle(self) -> None:
        """Wait until the log is read, the pictures are drawn and nothing is under way."""
        await self.pilot.pause()
        await rest(self.app)
        await self.pilot.pause()
        await rest(self.app)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Press the key of each letter and sign."""
        await self.press(*(_SIGNS.get(letter, letter) for letter in text))

    async def sees(self, text: str) -> None:
        """Wait until a text is on the screen; a text that never comes fails."""
        await self.until(lambda: text in self.text)
        assert text in self.text

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to come true, though not for ever."""
        for _ in range(200):
            if condition():
                break
            await asyncio.sleep(0.05)

    @property
    def lines(self) -> list[str]:
        """The rows of the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def unfolded(self) -> str:
        """All rows as one, so that a path that was folded is whole."""
        return "".join(line.strip("│ ") for line in self.lines)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
