"""Keys of the whole program, as they stand in the tables of its screens."""

from __future__ import annotations

from vae_tui.tui.keys import Key, Row

PICTURES = Row(
    "i",
    "pictures: the ways this terminal can draw them",
    (Key("i", "app.next_picture_mode", "Next way to draw pictures"),),
)
SETTINGS = Row("f2 ,", "settings: theme, pictures, folders, keys", (Key("f2,comma", "app.settings", "Settings"),))
SETTINGS_BY_F2 = Row("f2", SETTINGS.meaning, (Key("f2", "app.settings", "Settings"),))
"""Where a comma does something else."""
