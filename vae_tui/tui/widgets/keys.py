"""The last line: the keys that work now."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from textual.content import Content
from textual.events import Click
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.tui.chosen_keys import name_key
from vae_tui.tui.keys import KeyedApp, Table, footer, rebound

_BETWEEN = "   "
_AS_TEXTUAL = {"←": "left", "→": "right", "↑": "up", "↓": "down", "esc": "escape"}
_ALWAYS = ("help", "all keys")
"""What is shown however narrow the screen is: all other keys are found by it."""


class Keys(Widget):
    """Keys and what they do, most needed first; the last go first where room is short, but never the help."""

    def __init__(self) -> None:
        super().__init__()
        self._table: Table = ()
        self._states: Collection[str] = ()

    def on_mount(self) -> None:
        """Show other keys as soon as they are chosen."""
        self.watch(self.app, "chosen_keys", self._show_anew, init=False)

    def _show_anew(self) -> None:
        self.refresh()

    def show(self, table: Table, states: Collection[str]) -> None:
        """Show the keys of a screen that is in these states."""
        if (table, states) != (self._table, self._states):
            self._table, self._states = table, states
            self.refresh()

    def on_click(self, event: Click) -> None:
        """Do what the key that was clicked does; a pair of keys does what its half that was clicked does."""
        column = event.x - self.styles.padding.left
        for item in self._shown():
            width = len(" ".join(item))
            if 0 <= column < width:
                written = item[0].split()
                key = written[min(len(written) - 1, column * len(written) // len(item[0]))]
                self.app.simulate_key(_AS_TEXTUAL.get(key) or name_key(key))
                return
            column -= width + len(_BETWEEN)

    def render(self) -> VisualType:
        """The line at its present width."""
        parts = [Content.assemble((key, "bold $primary"), " ", (meaning, "$faint")) for key, meaning in self._shown()]
        return Content(_BETWEEN).join(parts)

    def _shown(self) -> list[tuple[str, str]]:
        """The keys there is room for."""
        keys = footer(rebound(self._table, cast("KeyedApp", self.app).chosen_keys), self._states)
        sizes = {item: len(" ".join(item)) + len(_BETWEEN) for item in keys}
        room = self.content_size.width + len(_BETWEEN) - sum(sizes[item] for item in keys if item[1] in _ALWAYS)
        shown = []
        for item in keys:
            if item[1] not in _ALWAYS:
                room -= sizes[item]
            if room >= 0 or item[1] in _ALWAYS:
                shown.append(item)
        return shown
