"""How far traversals go: over the range of the prior, or of the data's codes."""

from __future__ import annotations

from vae_tui.walk.views.view import Scene


class TraversalRange:
    """One choice for strip and table."""

    def __init__(self) -> None:
        self.of_data = False

    def of(self, scene: Scene, axis: int) -> tuple[float, float]:
        """The least and the greatest value of an axis that are shown; the prior's while codes are not known."""
        if self.of_data and scene.codes is not None:
            low, high = scene.codes.ends(scene.axes, axis)
            return low, high
        span = float(scene.axes.spans[axis])
        return -span, span

    def needs_codes(self, scene: Scene) -> bool:
        """Whether the range of the data is wanted and not known."""
        return self.of_data and scene.codes is None

    def vary(self) -> str:
        """Change between the two; returns which it is."""
        self.of_data = not self.of_data
        return f"traversals over the range of the {'data' if self.of_data else 'prior'}"
