"""The last line: the keys that work now."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

_BETWEEN = "   "
_ALWAYS = ("?",)
"""What is shown however narrow the screen is: all other keys are found by it."""


class Keys(Widget):
    """Keys and what they do, most needed first; the last go first where room is short, but never the help."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[tuple[str, str], ...] = ()

    def show(self, keys: tuple[tuple[str, str], ...]) -> None:
        """Show these keys."""
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> VisualType:
        """The line at its present width."""
        sizes = {item: len(" ".join(item)) + len(_BETWEEN) for item in self._keys}
        room = self.content_size.width + len(_BETWEEN) - sum(sizes[item] for item in self._keys if item[0] in _ALWAYS)
        shown = []
        for item in self._keys:
            if item[0] not in _ALWAYS:
                room -= sizes[item]
            if room >= 0 or item[0] in _ALWAYS:
                shown.append(item)
        parts = [Content.assemble((key, "bold $primary"), " ", (meaning, "$faint")) for key, meaning in shown]
        return Content(_BETWEEN).join(parts)
