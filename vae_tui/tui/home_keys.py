"""The keys of the home screen.

Its states: `live` and `over`, by the run under the cursor, and `chosen` where several are.
"""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import PICTURES, SETTINGS

HOME_KEYS = (
    Group(
        "Runs",
        (
            Row(
                "↑ ↓ j k",
                "the run above, below",
                (Key("up,k", "move(-1)"), Key("down,j", "move(1)")),
            ),
            Row(
                "pgup pgdn home end",
                "a page up or down, the first, the last",
                (
                    Key("pageup", "move_page(-1)"),
                    Key("pagedown", "move_page(1)"),
                    Key("home", "move(-1000000)"),
                    Key("end", "move(1000000)"),
                ),
            ),
            Row(
                "/",
                "filter: words in names, beta>=4 state:failed data:mnist tag:paper -seed:0 optimizer.lr<1e-3",
                (Key("slash,ctrl+f", "filter", "Filter"),),
                (FooterItem(3, "/", "filter"),),
            ),
            Row(
                "s",
                "sort by a column or a key of recipes",
                (Key("s", "ask('sort')", "Sort"),),
                (FooterItem(12, "s", "sort"),),
            ),
            Row("S", "the other way round", (Key("S", "reverse", "Sort the other way round"),)),
            Row("C", "choose columns", (Key("C", "ask('columns')", "Choose columns"),)),
            Row("b", "group by recipe, or not", (Key("b", "group", "Group by recipe"),)),
            Row(
                "space",
                "choose the run; what follows is done to all that are chosen",
                (Key("space", "choose", "Choose the run"),),
                (FooterItem(4, "space", "choose"),),
            ),
            Row("a", "choose all, or none", (Key("a", "choose_all", "Choose all, or none"),)),
            Row("esc", "choose none; show all", (Key("escape", "clear"),)),
        ),
    ),
    Group(
        "Run",
        (
            Row("enter", "open the run", (Key("enter", "open", "Open the run"),), (FooterItem(0, "enter", "open"),)),
            Row(
                "o",
                "the chosen runs over each other: curves, rate-distortion plane, pictures side by side, differences",
                (Key("o", "overlay", "Compare the chosen runs"),),
                (FooterItem(4, "o", "compare", ("chosen",)),),
            ),
            Row("v", "the sweep it is of", (Key("v", "do('show_sweep')", "The sweep it is of"),)),
            Row(
                "L",
                "its log: what happened, a line each, and what its trainer printed",
                (Key("L", "do('show_log')", "Log"),),
                (FooterItem(9, "L", "log"),),
            ),
            Row(
                "Y",
                "copy to the clipboard: paths, commands, figures, the recipe",
                (Key("Y", "do('copy')", "Copy"),),
                (FooterItem(13, "Y", "copy"),),
            ),
            Row(
                "n",
                "train a new run",
                (Key("n", "ask('new')", "Train a new run"),),
                (FooterItem(1, "n", "new"),),
            ),
            Row(
                "w",
                "walk the latent space of its best checkpoint",
                (Key("w", "walk", "Walk the latent space"),),
                (FooterItem(5, "w", "walk"),),
            ),
            Row(
                "p",
                "pause, or let go on",
                (Key("p", "do('pause')", "Pause or resume"),),
                (FooterItem(2, "p", "pause", ("live",)),),
            ),
            Row(
                "x",
                "stop: save a checkpoint and end",
                (Key("x", "do('stop')", "Stop"),),
                (FooterItem(6, "x", "stop", ("live",)),),
            ),
            Row("c", "change a setting while it trains", (Key("c", "ask('change')", "Change a setting"),)),
            Row("r", "resume", (Key("r", "do('resume')", "Resume"),), (FooterItem(2, "r", "resume", ("over",)),)),
            Row(
                "e",
                "train on to another epoch",
                (Key("e", "ask('epochs')", "More epochs"),),
                (FooterItem(9, "e", "epochs"),),
            ),
            Row("t", "add tags; -TAG takes one away", (Key("t", "ask('tag')", "Tag"),), (FooterItem(10, "t", "tag"),)),
            Row("N", "write a note", (Key("N", "ask('note')", "Write a note"),)),
            Row(
                "P",
                "prune: delete all checkpoints but the best and the newest",
                (Key("P", "do('prune')", "Prune checkpoints"),),
            ),
            Row("R", "rename", (Key("R", "ask('rename')", "Rename"),)),
            Row(
                "D",
                "delete, by typing its name",
                (Key("D,delete", "ask('delete')", "Delete"),),
                (FooterItem(11, "D", "delete", ("over",)),),
            ),
        ),
    ),
    Group(
        "Program",
        (
            Row("tab", "with or without the preview", (Key("tab", "toggle_preview", "Preview"),)),
            PICTURES,
            SETTINGS,
            Row("q", "quit; what trains goes on", (Key("q,ctrl+c", "leave", "Quit"),), (FooterItem(7, "q", "quit"),)),
            Row("ctrl+p", "command palette", footer=(FooterItem(14, "ctrl+p", "palette"),)),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(8, "?", "help"),)),
        ),
    ),
)
