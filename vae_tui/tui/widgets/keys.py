"""The last line: the keys that work now."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.tui.keys import KeyedApp, Table, footer, rebound

_BETWEEN = "   "
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

    def render(self) -> VisualType:
        """The line at its present width."""
        keys = footer(rebound(self._table, cast("KeyedApp", self.app).chosen_keys), self._states)
        sizes = {item: len(" ".join(item)) + len(_BETWEEN) for item in keys}
        room = self.content_size.width + len(_BETWEEN) - sum(sizes[item] for item in keys if item[1] in _ALWAYS)
        shown = []
        for item in keys:
            if item[1] not in _ALWAYS:
                room -= sizes[item]
            if room >= 0 or item[1] in _ALWAYS:
                shown.append(item)
        parts = [Content.assemble((key, "bold $primary"), " ", (meaning, "$faint")) for key, meaning in shown]
        return Content(_BETWEEN).join(parts)
