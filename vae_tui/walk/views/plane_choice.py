"""Which two dimensions map and scatter show."""

from __future__ import annotations

from vae_tui.walk.views.view import Scene


class PlaneChoice:
    """The two that the user named, or else the two with the highest rates."""

    def __init__(self) -> None:
        self._named: tuple[int, int] | None = None

    def name(self, first: int, second: int) -> None:
        """Take these, the horizontal one first."""
        self._named = first, second

    def of(self, scene: Scene) -> tuple[int, int]:
        """The two dimensions; one and the same where there is only one."""
        order = scene.order
        if self._named is not None and max(self._named) < len(order):
            return self._named
        return (order[0], order[1]) if len(order) > 2 else (0, min(1, len(order) - 1))
