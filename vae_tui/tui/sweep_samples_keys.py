"""The keys of the screen that shows samples of every setting of a sweep."""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import PICTURES, SETTINGS

SWEEP_SAMPLES_KEYS = (
    Group(
        "Samples",
        (
            Row(
                "← → h l",
                "the seed whose runs are shown",
                (Key("left,h", "move_seed(-1)"), Key("right,l", "move_seed(1)")),
                (FooterItem(0, "← →", "seed"),),
            ),
            Row(
                "↑ ↓ j k",
                "further settings, where there is no room for all",
                (Key("up,k", "move(-1)"), Key("down,j", "move(1)")),
                (FooterItem(1, "↑ ↓", "further"),),
            ),
            Row(
                "r",
                "reconstructions in their place, or samples again",
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
            Row(
                "q esc", "back to the sweep", (Key("q,escape,ctrl+c", "leave", "Back"),), (FooterItem(3, "q", "back"),)
            ),
            Row("ctrl+p", "command palette"),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(4, "?", "help"),)),
        ),
    ),
)
