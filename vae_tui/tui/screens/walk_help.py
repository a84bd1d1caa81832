"""The help of the walk: every key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from vae_tui.tui.screens.help import table

_PLACE = (
    ("↑ ↓  j k", "choose a latent dimension, in the order of their KL; ○: dead"),
    ("← →  h l", "step along it by 0.1; with shift, or H L, by 1"),
    ("enter", "type its value"),
    ("o  O", "reset it; reset all of them"),
    ("r  R", "draw a random place with the next seed; with a seed you type"),
    ("t  T", "temperature down, up: the standard deviation of draws"),
    ("p", "snap to the posterior mean of the picture that is seen"),
    ("u  U", "undo, redo"),
)
_VIEWS = (
    ("1", "the image"),
    ("2", "the chosen dimension, −3 to 3; tab: the range of the data"),
    ("3", "all active dimensions, a row each"),
    ("4", "map of two dimensions; arrows move, + - zoom, d chooses them"),
    ("5", "the test set's codes by class; tab: dimensions, PCA, t-SNE"),
    ("6", "the training images nearest to the picture"),
    ("i", "the way pictures are drawn"),
)
_MOTION = (
    ("a  A", "add an anchor: an image, class or file; where you stand"),
    ("g", "go to one anchor after the other; backspace removes the last"),
    ("c", "calculate: A - B + C, with anchors, z, class names"),
    ("space", "play or stop; n: anchors, along the dimension, at random"),
    ("<  >", "slower, faster, backwards; e: bounce or loop"),
    ("s  f", "lerp or slerp; anchors at their means or with one epsilon"),
)
_KEEPING = (
    ("m b  0-9", "keep a bookmark, go to one; they stay with the run"),
    ("v", "record what follows, frame by frame; v again ends it"),
    ("x", "export: .png this view; .gif, .toml the recording or the way"),
    ("q", "leave"),
)


class WalkHelpScreen(ModalScreen[None]):
    """Closes by almost any key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter,space,ctrl+c", "dismiss", "Close")
    ]

    def compose(self) -> ComposeResult:
        """One panel."""
        with VerticalScroll(classes="panel") as panel:
            panel.border_title = "walking"
            panel.border_subtitle = "↑ ↓ scroll · esc closes"
            yield from table("Place", _PLACE)
            yield from table("Views", _VIEWS)
            yield from table("Anchors and motion", _MOTION)
            yield from table("Keeping", _KEEPING)
