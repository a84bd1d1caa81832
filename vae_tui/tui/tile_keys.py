"""The keys of the screen that shows one picture of a grid, large and over the run."""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import PICTURES, SETTINGS

TILE_KEYS = (
    Group(
        "Picture",
        (
            Row(
                "← → h l",
                "the same picture as it was drawn before, or after; home and end: the first and the last time",
                (
                    Key("left,h", "move_time(-1)"),
                    Key("right,l", "move_time(1)"),
                    Key("home", "move_time(-1000000)"),
                    Key("end", "move_time(1000000)"),
                ),
                (FooterItem(0, "← →", "time"),),
            ),
            Row(
                "↑ ↓ k j",
                "the picture before, or after it in the grid",
                (Key("up,k", "move_tile(-1)"), Key("down,j", "move_tile(1)")),
                (FooterItem(1, "↑ ↓", "picture"),),
            ),
            Row(
                "r",
                "reconstructions in place of samples, or samples again",
                (Key("r", "toggle_kind", "Reconstructions, or samples"),),
                (FooterItem(2, "r", "reconstructions"),),
            ),
        ),
    ),
    Group(
        "Program",
        (
            PICTURES,
            SETTINGS,
            Row("q esc", "back to the run", (Key("q,escape,ctrl+c", "leave", "Back"),), (FooterItem(3, "q", "back"),)),
            Row("ctrl+p", "command palette"),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(4, "?", "help"),)),
        ),
    ),
)
