"""Which two axes map and scatter show."""

from __future__ import annotations

from vae_tui.walk.views.view import Scene


class PlaneChoice:
    """The two that the user named, or else the two dimensions with the highest rates."""

    def __init__(self) -> None:
        self._named: tuple[str, str] | None = None

    def name(self, first: str, second: str) -> None:
        """Take these, the horizontal one first."""
        self._named = first, second

    def of(self, scene: Scene) -> tuple[int, int]:
        """The two axes; one and the same where there is only one."""
        order = scene.order
        if self._named is not None:
            first, second = (scene.axes.find(name) for name in self._named)
            if first is not None and second is not None:
                return first, second
        return (order[0], order[1]) if len(order) > 2 else (0, min(1, len(order) - 1))
