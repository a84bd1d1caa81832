"""The keys of the log of a run."""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import SETTINGS

LOG_KEYS = (
    Group(
        "Log",
        (
            Row(
                "tab",
                "what happened, or what the trainer printed",
                (Key("tab,shift+tab", "next_log", "Events or worker.log"),),
                (FooterItem(0, "tab", "events or worker.log"),),
            ),
            Row(
                "/",
                "only lines that hold what is typed, such as saved or warning",
                (Key("slash,ctrl+f", "filter", "Filter"),),
                (FooterItem(1, "/", "filter"),),
            ),
            Row(
                "↑ ↓ pgup pgdn home",
                "scroll; what is in sight then stays, whatever comes",
                (
                    Key("up,k", "scroll(-1)"),
                    Key("down,j", "scroll(1)"),
                    Key("pageup", "scroll_page(-1)"),
                    Key("pagedown,space", "scroll_page(1)"),
                    Key("home", "scroll(-1000000000)"),
                ),
                (FooterItem(2, "↑ ↓", "scroll"),),
            ),
            Row(
                "end",
                "the newest line, and from there on with what comes",
                (Key("end", "follow", "Follow the end"),),
                (FooterItem(2, "end", "follow", ("held",)),),
            ),
            Row("esc", "all lines again; back", (Key("escape", "clear"),)),
        ),
    ),
    Group(
        "Program",
        (
            SETTINGS,
            Row("q", "back", (Key("q,ctrl+c", "leave", "Back"),), (FooterItem(3, "q", "back"),)),
            Row("ctrl+p", "command palette"),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(4, "?", "help"),)),
        ),
    ),
)
