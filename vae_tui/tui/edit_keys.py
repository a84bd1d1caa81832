"""The keys of the screen on which a picture is changed by hand.

Its states: `editing`, `fitting` while places are looked for, and `choosing` one of several.
"""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import PICTURES, SETTINGS

_EDITING, _CHOOSING = ("editing",), ("choosing",)

EDIT_KEYS = (
    Group(
        "Painting",
        (
            Row(
                "← ↑ ↓ → h j k l",
                "move the cursor by a pixel, with shift or H J K L by four; or choose among what was found",
                (
                    Key("left,h", "move(0, -1)"),
                    Key("right,l", "move(0, 1)"),
                    Key("up,k", "move(-1, 0)"),
                    Key("down,j", "move(1, 0)"),
                    Key("shift+left,H", "move(0, -4)"),
                    Key("shift+right,L", "move(0, 4)"),
                    Key("shift+up,K", "move(-4, 0)"),
                    Key("shift+down,J", "move(4, 0)"),
                ),
                (FooterItem(4, "←↑↓→", "move", _EDITING), FooterItem(0, "←→", "choose", _CHOOSING)),
            ),
            Row(
                "space",
                "put the pen down, which draws along with the cursor, or lift it; the mouse draws while its button is held",
                (Key("space", "toggle_pen", "Pen down or up"),),
                (FooterItem(0, "space", "pen", _EDITING),),
            ),
            Row(
                "tab",
                "the next tool: paint, hide a part, uncover it",
                (Key("tab", "change_tool(1)", "Next tool"), Key("shift+tab", "change_tool(-1)")),
                (FooterItem(1, "tab", "paint, hide", _EDITING),),
            ),
            Row(
                "1-9 c",
                "paint in black, greys and white, or in colours; in that under the cursor",
                (
                    *(Key(str(number), f"choose_color({number - 1})") for number in range(1, 10)),
                    Key("c", "pick_color", "Colour under the cursor"),
                ),
                (FooterItem(5, "1-9", "colour", _EDITING),),
            ),
            Row(
                "+ -",
                "a wider or narrower brush",
                (Key("plus", "resize_brush(1)", "Wider brush"), Key("minus", "resize_brush(-1)", "Narrower brush")),
                (FooterItem(6, "+ -", "brush", _EDITING),),
            ),
            Row(
                "f v",
                "paint, hide or uncover all; hide what is not hidden, and uncover what is",
                (
                    Key("f", "fill", "Paint or hide all"),
                    Key("v", "invert_hidden", "Invert what is hidden"),
                ),
                (FooterItem(8, "f", "all", _EDITING),),
            ),
            Row(
                "u U r",
                "undo, redo, begin again",
                (
                    Key("u", "undo", "Undo"),
                    Key("U,ctrl+r", "redo", "Redo"),
                    Key("r", "start_again", "Begin again"),
                ),
                (FooterItem(7, "u", "undo", _EDITING),),
            ),
        ),
    ),
    Group(
        "Finding z",
        (
            Row(
                "enter",
                "of a whole picture the place that fits best; where a part is hidden eight that agree with the rest, of which you "
                "choose one",
                (Key("enter", "find", "Find z"),),
                (FooterItem(2, "enter", "find z", _EDITING), FooterItem(1, "enter", "go there", _CHOOSING)),
            ),
            Row(
                "g",
                "hidden parts by draws from the posterior (importance weights), or what fits best (gradient)",
                (Key("g", "toggle_by", "By weights or by gradient"),),
                (FooterItem(9, "g", "how", _EDITING),),
            ),
            Row(
                "n",
                "eight others",
                (Key("n", "find_others", "Find others"),),
                (FooterItem(2, "n", "others", _CHOOSING),),
            ),
        ),
    ),
    Group(
        "Program",
        (
            PICTURES,
            SETTINGS,
            Row(
                "esc q",
                "back: to painting, to the walk",
                (Key("escape,q,ctrl+c", "leave", "Back"),),
                (FooterItem(3, "esc", "back"),),
            ),
            Row("ctrl+p", "command palette"),
            Row("", "", (Key("question_mark,f1", "help", "Help"),), (FooterItem(10, "?", "help"),)),
        ),
    ),
)
