"""The keys of the screen that shows a sweep."""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import PICTURES, SETTINGS

SWEEP_KEYS = (
    Group(
        "Runs",
        (
            Row("↑ ↓ j k", "the setting above, below", (Key("up,k", "move(-1)"), Key("down,j", "move(1)"))),
            Row(
                "pgup pgdn home end",
                "a page up or down, the first, the last",
                (
                    Key("pageup", "move(-10)"),
                    Key("pagedown", "move(10)"),
                    Key("home", "move(-1000000)"),
                    Key("end", "move(1000000)"),
                ),
            ),
            Row(
                "← → h l",
                "the seed of that setting",
                (Key("left,h", "move_seed(-1)"), Key("right,l", "move_seed(1)")),
                (FooterItem(2, "← →", "seed"),),
            ),
            Row(
                "enter",
                "open the run",
                (Key("enter", "open", "Open the run"),),
                (FooterItem(0, "enter", "open"),),
            ),
            Row("w", "walk its best checkpoint", (Key("w", "walk", "Walk its best checkpoint"),)),
            Row(
                "o",
                "all runs over each other: curves, samples, at any moment",
                (Key("o", "overlay", "All runs over each other"),),
                (FooterItem(1, "o", "overlay"),),
            ),
        ),
    ),
    Group(
        "Figures",
        (
            Row(
                "f",
                "the figure that is drawn: -ELBO, distortion, rate, loss, active dimensions",
                (Key("f", "next_figure", "Next figure"),),
                (FooterItem(3, "f", "figure"),),
            ),
            Row(
                "m",
                "as a map of the first two keys, or as a table",
                (Key("m", "toggle_map", "Map of two keys"),),
                (FooterItem(4, "m", "map", ("two keys",)),),
            ),
            Row(
                "g",
                "samples of every setting, the first key across",
                (Key("g", "samples", "Samples of every setting"),),
                (FooterItem(4, "g", "samples"),),
            ),
            Row("v", "with or without the run beside it", (Key("v", "toggle_preview", "With or without the run"),)),
        ),
    ),
    Group(
        "The whole sweep",
        (
            Row(
                "p",
                "pause: its runs are saved and stopped, and its workers wait; or let it go on",
                (Key("p", "pause", "Pause the sweep, or let it go on"),),
                (FooterItem(5, "p", "pause", ("going",)), FooterItem(5, "p", "go on", ("paused",))),
            ),
            Row(
                "x",
                "stop its workers; vae-tui sweep NAME goes on with it",
                (Key("x", "stop", "Stop the sweep"),),
                (FooterItem(6, "x", "stop", ("going",)),),
            ),
            Row(
                "R",
                "try again what failed or was stopped",
                (Key("R", "retry", "Try again what failed"),),
                (FooterItem(6, "R", "retry", ("failed",)),),
            ),
        ),
    ),
    Group(
        "Program",
        (
            PICTURES,
            SETTINGS,
            Row(
                "q",
                "leave; the workers go on",
                (Key("q,d,ctrl+c", "leave", "Leave; the workers go on"),),
                (FooterItem(7, "q", "leave"),),
            ),
            Row("ctrl+p", "command palette"),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(8, "?", "help"),)),
        ),
    ),
)
