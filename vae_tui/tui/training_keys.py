"""The keys of the training screen.

Its states: `starting`, `training`, `paused`, `over` (nobody trains it).
"""

from __future__ import annotations

from dataclasses import replace

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.look_keys import look_rows
from vae_tui.tui.program_keys import PICTURES, SETTINGS

_STEERED = ("training", "paused")
_CHARTED = (*_STEERED, "over")

TRAINING_KEYS = (
    Group(
        "Run",
        (
            Row(
                "space",
                "pause, resume",
                (Key("space", "toggle_pause", "Pause or resume"),),
                (FooterItem(0, "space", "pause", ("training",)), FooterItem(0, "space", "resume", ("paused",))),
            ),
            Row(
                "s",
                "save a checkpoint now",
                (Key("s", "command('save')", "Save a checkpoint"),),
                (FooterItem(1, "s", "save", _STEERED),),
            ),
            Row(
                "g",
                "draw samples and reconstructions now",
                (Key("g", "command('sample')", "Draw samples"),),
                (FooterItem(2, "g", "sample", _STEERED),),
            ),
            Row(
                "c",
                "change beta, the learning rate, epochs, ... from the next step on",
                (Key("c", "change_setting", "Change a setting"),),
                (FooterItem(9, "c", "change", _STEERED),),
            ),
            Row(
                "w",
                "walk the latent space of the newest checkpoint",
                (Key("w", "walk", "Walk the latent space"),),
                (FooterItem(3, "w", "walk", _STEERED), FooterItem(5, "w", "walk", ("over",))),
            ),
            Row(
                "L",
                "the log: what happened, a line each, and what the trainer printed",
                (Key("L", "log", "Log"),),
                (FooterItem(9, "L", "log"),),
            ),
            Row(
                "Y",
                "copy to the clipboard: path and figures, a command, the recipe",
                (Key("Y", "copy", "Copy"),),
                (FooterItem(13, "Y", "copy", _CHARTED),),
            ),
        ),
    ),
    Group(
        "Charts",
        (
            Row(
                "tab",
                "next view: panes beside the chart, each alone, KL over time, a page of all figures; shift+tab back",
                (Key("tab", "next_view(1)", "Next view"), Key("shift+tab", "next_view(-1)")),
                (FooterItem(4, "tab", "view", _CHARTED),),
            ),
            Row(
                "F",
                "which figures have a chart: loss, gradient norm, the KL of one dimension, ...",
                (Key("F", "choose_figures", "Choose figures"),),
            ),
            Row(
                "enter",
                "a sample or reconstruction, large and as it was drawn over the run; a click opens that one",
                (Key("enter", "open_tile", "A picture over the run"),),
                (FooterItem(12, "enter", "picture", _CHARTED),),
            ),
            Row(
                "← → home end",
                "the time cursor: charts, pictures, KL and figures as they were; shift for ten at a time; a click goes there",
                (
                    Key("left", "move_time(-1)", "Back in time"),
                    Key("right", "move_time(1)", "On in time"),
                    Key("shift+left", "move_time(-10)"),
                    Key("shift+right", "move_time(10)"),
                    Key("home", "move_time(-1000000)"),
                    Key("end", "now"),
                ),
                (FooterItem(9, "← →", "time", _CHARTED),),
            ),
            Row(
                "0 ... 9",
                "go to that step, epoch or time",
                tuple(Key(str(digit), f"go_to_time('{digit}')") for digit in range(10)),
            ),
            Row("esc", "now again, and the whole run", (Key("escape", "now", "Now"),)),
            *look_rows(_CHARTED, 10),
            Row(
                "E",
                "export: the charts in sight as CSV, PNG or SVG, the screen as SVG",
                (Key("E", "export", "Export"),),
                (FooterItem(13, "E", "export", _CHARTED),),
            ),
        ),
    ),
    Group(
        "Program",
        (
            replace(PICTURES, footer=(FooterItem(13, "i", "pictures", _CHARTED),)),
            SETTINGS,
            Row(
                "d",
                "detach: the trainer goes on, vae-tui watch shows it again",
                (Key("d", "detach", "Detach"),),
                (FooterItem(6, "d", "detach", ("starting", *_STEERED)),),
            ),
            Row(
                "q",
                "quit: stop, or leave running",
                (Key("q,ctrl+c", "leave", "Quit"),),
                (FooterItem(7, "q", "quit"),),
            ),
            Row("ctrl+p", "command palette", footer=(FooterItem(15, "ctrl+p", "palette"),)),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(8, "?", "help"),)),
        ),
    ),
)
