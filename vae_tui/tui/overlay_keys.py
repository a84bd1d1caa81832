"""The keys of the screen that shows several runs over each other."""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.look_keys import look_rows
from vae_tui.tui.program_keys import PICTURES, SETTINGS

OVERLAY_KEYS = (
    Group(
        "Charts",
        (
            Row(
                "1 2 3 4 5 6",
                "curves, rate-distortion plane, samples, reconstructions, KL, small multiples: a chart each",
                (
                    Key("1", "view('curves')", "Curves"),
                    Key("2", "view('plane')", "Rate-distortion plane"),
                    Key("3", "view('samples')", "Samples side by side"),
                    Key("4", "view('reconstructions')", "Reconstructions side by side"),
                    Key("5", "view('rates')", "KL side by side"),
                    Key("6", "view('small multiples')", "Small multiples"),
                ),
                (FooterItem(0, "1-6", "view"),),
            ),
            Row("tab", "the next of them", (Key("tab", "next_view", "Next view"),)),
            Row(
                "f",
                "one figure alone: -ELBO, distortion, rate; all again",
                (Key("f", "next_figure", "One figure alone"),),
                (FooterItem(2, "f", "figure"),),
            ),
            Row(
                "← → home end",
                "the time cursor: what all runs were at that step, epoch or time",
                (
                    Key("left,h", "move(-1)"),
                    Key("right,l", "move(1)"),
                    Key("shift+left,H", "move(-10)"),
                    Key("shift+right,L", "move(10)"),
                    Key("home", "move(-1000000)"),
                    Key("end", "move(1000000)"),
                ),
                (FooterItem(1, "← →", "time"),),
            ),
            Row(
                "↑ ↓",
                "the table's other rows, further small charts",
                (Key("up,k", "scroll(-1)"), Key("down,j", "scroll(1)")),
            ),
            Row(
                "esc",
                "now again, and the whole",
                (Key("escape", "now", "Now"),),
                (FooterItem(2, "esc", "now", ("then",)),),
            ),
            Row(
                "b",
                "seeds of one recipe as their mean with a band, or each",
                (Key("b", "toggle_groups", "Seeds as a band, or each"),),
                (FooterItem(3, "b", "band"),),
            ),
            *look_rows((), 4),
            Row(
                "d",
                "what differs in the recipes, with or without",
                (Key("d", "toggle_differences", "Differences"),),
                (FooterItem(8, "d", "differences"),),
            ),
            Row(
                "E",
                "export: the charts in sight as CSV, PNG or SVG, the screen as SVG",
                (Key("E", "export", "Export"),),
                (FooterItem(9, "E", "export"),),
            ),
        ),
    ),
    Group(
        "Program",
        (
            PICTURES,
            SETTINGS,
            Row("q", "back to the runs", (Key("q,ctrl+c", "leave", "Back"),), (FooterItem(3, "q", "back"),)),
            Row("ctrl+p", "command palette"),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(10, "?", "help"),)),
        ),
    ),
)
