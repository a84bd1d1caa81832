"""The keys of the walk.

Its states: the name of the view, `cursor` where arrows move one, else `sliders`, and `playing` or `still`.
"""

from __future__ import annotations

from dataclasses import replace

from vae_tui.tui.keys import FooterItem, Group, Key, Row
from vae_tui.tui.program_keys import PICTURES, SETTINGS_BY_F2

_CURSOR, _SLIDERS = ("cursor",), ("sliders",)


def _act(name: str, *values: float) -> str:
    """The action of a key that does something in the session: a part of it and a method, as in "place.step"."""
    return f"act({name!r}, {values!r})"


PLACE = Group(
    "Place",
    (
        Row(
            "↑ ↓  j k",
            "choose a dimension, in the order of their KL; ○: dead",
            (
                Key("up", _act("place.arrow", 0, 1), "Dimension above"),
                Key("down", _act("place.arrow", 0, -1), "Dimension below"),
                Key("shift+up", _act("place.big_arrow", 0, 1), "Ten dimensions up"),
                Key("shift+down", _act("place.big_arrow", 0, -1), "Ten dimensions down"),
                Key("k", _act("place.choose", -1)),
                Key("j", _act("place.choose", 1)),
            ),
            (FooterItem(0, "←→↑↓", "cursor", _CURSOR), FooterItem(0, "↑↓", "dimension", _SLIDERS)),
        ),
        Row(
            "← →  h l",
            "step along it by 0.1; with shift, or H L, by 1",
            (
                Key("left", _act("place.arrow", -1, 0), "Step down"),
                Key("right", _act("place.arrow", 1, 0), "Step up"),
                Key("shift+left", _act("place.big_arrow", -1, 0), "Big step down"),
                Key("shift+right", _act("place.big_arrow", 1, 0), "Big step up"),
                Key("h", _act("place.step", -0.1)),
                Key("l", _act("place.step", 0.1)),
                Key("H", _act("place.step", -1.0)),
                Key("L", _act("place.step", 1.0)),
            ),
            (FooterItem(1, "←→", "step", _SLIDERS),),
        ),
        Row(
            "D  X",
            "add directions to walk along, such as pca:1; remove the chosen",
            (
                Key("D", "prompt('direction')", "Add a direction"),
                Key("X,delete", _act("directions.remove"), "Remove the direction"),
            ),
        ),
        Row("enter", "type its value", (Key("enter,equals_sign", "prompt('value')", "Type a value"),)),
        Row(
            "o  O",
            "reset it; reset all of them",
            (
                Key("o", _act("place.reset"), "Reset the dimension"),
                Key("O", _act("place.reset_all"), "Reset all dimensions"),
            ),
        ),
        Row(
            "r  R",
            "draw a random place with the next seed; with a seed you type",
            (
                Key("r", _act("place.draw_next"), "Random place"),
                Key("R", "prompt('seed')", "Type a seed"),
            ),
            (FooterItem(6, "r", "random"),),
        ),
        Row(
            "z  Z",
            "draw the lower level anew, the upper (ladder); the other stays",
            (
                Key("z", "act('place.draw_level', ('lower',))", "Lower level"),
                Key("Z", "act('place.draw_level', ('upper',))", "Upper level"),
            ),
        ),
        Row(
            "t  T",
            "temperature down, up: the standard deviation of draws",
            (
                Key("t", _act("place.change_temperature", -0.1), "Cooler"),
                Key("T", _act("place.change_temperature", 0.1), "Warmer"),
            ),
        ),
        Row(
            "p  P",
            "snap to the picture's posterior mean; fit z to an anchor's image",
            (
                Key("p", _act("place.snap"), "Snap to the posterior mean"),
                Key("P", _act("place.fit_image"), "Fit z to an image"),
            ),
        ),
        Row(
            "E",
            "paint in the picture, or hide a part, and find z for it",
            (Key("E", "edit", "Edit the picture"),),
            (FooterItem(10, "E", "paint", ("image",)),),
        ),
        Row(
            "y  Y",
            "the same place as the next class, the one before (conditional)",
            (
                Key("y", _act("place.change_class", 1), "Next class"),
                Key("Y", _act("place.change_class", -1), "Class before"),
            ),
        ),
        Row(
            "u  U",
            "undo, redo",
            (Key("u", _act("place.undo"), "Undo"), Key("U,ctrl+r", _act("place.redo"), "Redo")),
            (FooterItem(10, "u", "undo"),),
        ),
        Row(
            "[ ]  { }",
            "the same place in earlier, later weights; in the first, last",
            (
                Key("left_square_bracket", _act("time.go_earlier"), "Earlier weights"),
                Key("right_square_bracket", _act("time.go_later"), "Later weights"),
                Key("left_curly_bracket", _act("time.go_to_first"), "First weights"),
                Key("right_curly_bracket", _act("time.go_to_last"), "Newest weights"),
            ),
            (FooterItem(7, "[ ]", "training time"),),
        ),
    ),
)
VIEWS = Group(
    "Views",
    (
        Row("1", "the image", (Key("1", "view('image')", "Image"),), (FooterItem(2, "1-7", "view"),)),
        Row(
            "2",
            "the chosen dimension, −3 to 3; tab: the range of the data",
            (Key("2", "view('strip')", "Strip"), Key("tab", _act("view.vary"), "Vary the view")),
            (FooterItem(3, "tab", "range", ("strip", "table")), FooterItem(3, "tab", "projection", ("scatter",))),
        ),
        Row("3", "directions and active dimensions, a row each", (Key("3", "view('table')", "Table"),)),
        Row(
            "4",
            "map of two axes; arrows move, + - zoom, d chooses them",
            (
                Key("4", "view('map')", "Map"),
                Key("d", "prompt('plane')", "Choose the plane"),
                Key("plus", _act("view.zoom", 0.8), "Zoom in"),
                Key("minus", _act("view.zoom", 1.25), "Zoom out"),
            ),
            (FooterItem(1, "+ -", "zoom", ("map", "scatter")),),
        ),
        Row(
            "5",
            "the test set's codes by class; tab: dimensions, PCA, t-SNE",
            (Key("5", "view('scatter')", "Scatter"),),
        ),
        Row(
            "C  N",
            "among the codes, light up a class you type, again: all; the next",
            (Key("C", "light", "Light up a class"), Key("N", _act("view.light_next"), "Light up the next class")),
            (FooterItem(6, "C N", "class", ("scatter",)),),
        ),
        Row(
            "6",
            "the training images nearest to the picture",
            (Key("6", "view('neighbors')", "Neighbours"),),
        ),
        Row(
            "7",
            "the codes of a quantised model; arrows change one, j k choose which",
            (Key("7", "view('codes')", "Codes"),),
        ),
        Row(
            "B",
            "beneath each: the other model's, change from A, uncertainty",
            (Key("B", _act("view.next_beneath"), "Beneath each picture"),),
        ),
    ),
)
MOTION = Group(
    "Anchors and motion",
    (
        Row(
            "a  A",
            "add an anchor: an image, class or file; where you stand",
            (
                Key("a", "prompt('anchor')", "Add an anchor"),
                Key("A", _act("motion.add_here"), "Anchor here"),
            ),
            (FooterItem(8, "a", "anchor"),),
        ),
        Row(
            "g",
            "go to one anchor after the other; backspace removes the last",
            (
                Key("g", _act("motion.go_to_next"), "Go to the next anchor"),
                Key("backspace", _act("motion.remove_last"), "Remove the last anchor"),
            ),
        ),
        Row(
            "c  /",
            "go to a typed place: 1234, class:4, next:4, or A - B + C",
            (Key("c,slash", "prompt('place')", "Go to a typed place"),),
            (FooterItem(6, "/", "go to", ("scatter",)),),
        ),
        Row(
            "space",
            "play or stop; n: anchors, along the dimension, at random",
            (
                Key("space", _act("motion.toggle_play"), "Play or stop"),
                Key("n", _act("motion.next_kind"), "What to play"),
            ),
            (FooterItem(7, "space", "stop", ("playing",)), FooterItem(7, "space", "play", ("still",))),
        ),
        Row(
            "<  >",
            "slower, faster, backwards; e: bounce or loop",
            (
                Key("less_than_sign,comma", _act("motion.change_speed", -1), "Slower, then backwards"),
                Key("greater_than_sign,full_stop", _act("motion.change_speed", 1), "Faster"),
                Key("e", _act("motion.toggle_end"), "Bounce or loop"),
            ),
        ),
        Row(
            "s  f",
            "lerp or slerp; anchors at their means or with one epsilon",
            (
                Key("s", _act("motion.toggle_method"), "lerp or slerp"),
                Key("f", _act("motion.toggle_at"), "Means or one epsilon"),
            ),
        ),
    ),
)
STORAGE = Group(
    "Keeping",
    (
        Row(
            "m b  0-9",
            "save a bookmark, go to one; they stay with the run",
            (
                Key("m", "bookmark('save')", "Save a bookmark"),
                Key("b", "bookmark('go')", "Go to a bookmark"),
                *(Key(str(slot), f"slot({slot})") for slot in (0, 8, 9)),
            ),
            (FooterItem(11, "m b", "bookmarks"),),
        ),
        Row(
            "v",
            "record what follows, frame by frame; v again ends it",
            (Key("v", _act("storage.toggle_recording"), "Record"),),
            (FooterItem(12, "v", "record"),),
        ),
        Row(
            "x",
            "export: .png this view; .gif, .toml the recording or the way",
            (Key("x", "prompt('export')", "Export"),),
            (FooterItem(9, "x", "export"),),
        ),
    ),
)
PROGRAM = Group(
    "Program",
    (
        replace(PICTURES, footer=(FooterItem(13, "i", "pictures"),)),
        SETTINGS_BY_F2,
        Row("q", "leave", (Key("q,ctrl+c", "leave", "Leave"),), (FooterItem(5, "q", "leave"),)),
        Row("ctrl+p", "command palette"),
        Row(
            "",
            "",
            (Key("question_mark,f1", "help", "Help"), Key("w,escape", "return", "Back to the training")),
            (FooterItem(4, "?", "all keys"),),
        ),
    ),
)
WALK_KEYS = (PLACE, VIEWS, MOTION, STORAGE, PROGRAM)
