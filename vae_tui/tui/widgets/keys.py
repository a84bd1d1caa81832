"""The last line: the keys that work now."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget


class Keys(Widget):
    """Keys and what they do, most needed first; the last go first where room is short."""

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
        width, used = self.content_size.width, 0
        parts: list[Content] = []
        for key, meaning in self._keys:
            size = len(key) + 1 + len(meaning) + (3 if parts else 0)
            if used + size > width:
                break
            used += size
            parts.append(Content.assemble((key, "bold $primary"), " ", (meaning, "$faint")))
        return Content("   ").join(parts)
