"""What the command palette offers: everything that a key of the screen does, in groups, and the program's own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import SystemCommand
from textual.screen import Screen

from vae_tui.tui.keys import KeyedApp, Table, display_key, rebound

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

PICTURE_WORDS = {
    "auto": "the best this terminal can",
    "kitty": "kitty graphics",
    "sixel": "sixel graphics",
    "octant": "octants, 2 x 4 squares a cell",
    "sextant": "sextants, 2 x 3 squares a cell",
    "quadrant": "quadrants, 2 x 2 squares a cell",
    "half": "half blocks",
    "ascii": "characters",
}
"""What the ways to draw pictures are called."""


def list_commands(app: PictureApp[Any], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """The commands of a screen by the groups of its key table, then those that every screen has."""
    table: Table = getattr(screen, "KEYS", ())
    for group in rebound(table, cast("KeyedApp", app).chosen_keys):
        for row in group.rows:
            for key in row.bindings:
                if key.description and not key.action.startswith("app."):
                    title = f"{group.title}: {_as_words(key.description)}"
                    # The table's words are the longer, but those of a row with several keys are of all of them.
                    alone = sum(bool(other.description) for other in row.bindings) == 1
                    meaning = f"{row.meaning}; " if alone and row.meaning else ""
                    yield _command(screen, title, f"{meaning}key: {display_key(key.all_keys[0])}", key.action)
    for mode in app.picture_modes:
        yield _command(
            screen,
            f"Pictures: {PICTURE_WORDS[mode]}",
            "draw them so for now; settings keep it",
            f"app.show_pictures({mode!r})",
        )
    for name, meaning, action in (
        ("settings", "theme, pictures, folders, keys", "settings"),
        ("theme", "the colors of everything, kept in the settings", "change_theme"),
        ("keys", "what each does, and others in their place", "change_keys"),
        ("redraw the screen", "where something else wrote into it; key: ctrl+l", "redraw"),
    ):
        yield _command(screen, f"Program: {name}", meaning, f"app.{action}")


def _command(screen: Screen[Any], title: str, help: str, action: str) -> SystemCommand:
    # When the palette is gone, so that what the command opens is not taken for a part of it.
    return SystemCommand(title, help, partial(screen.call_next, partial(screen.run_action, action)))


def _as_words(description: str) -> str:
    """A description within a line: without a capital that only began it."""
    return description if description[1:2].isupper() else description[:1].lower() + description[1:]
