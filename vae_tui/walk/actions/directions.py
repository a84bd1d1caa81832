"""What keys do about directions."""

from __future__ import annotations

from functools import partial

import numpy as np

from vae_tui.walk.axes import Direction, split_names
from vae_tui.walk.messages import DirectionsFound, FindDirections
from vae_tui.walk.walk import Walk


class DirectionActions:
    """Adds directions to what one walks along, and removes them."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def add(self, text: str) -> None:
        """Add those that a user names, with spaces or commas between them; a line is found here, all others by the decoder."""
        lines, asked = [], []
        for name in dict.fromkeys(split_names(text)):
            if not name.startswith("line:"):
                asked.append(name)
            elif (line := self._line(name)) is not None:
                lines.append(line)
            else:
                return
        if asked:
            self._walk.send(FindDirections(tuple(asked), self._walk.z), partial(self._take_found, lines))
        else:
            self._take(lines)

    def _line(self, name: str) -> Direction | None:
        """The direction from one anchor to another; None, and the user reads why, where there is none."""
        letters, stops = self._walk.anchors.letters, self._walk.stops
        named = name.removeprefix("line:").upper().split("-")
        ends = [letters.find(letter) if len(letter) == 1 else -1 for letter in named]
        if len(ends) != 2 or min(ends) < 0:
            there = f"the anchors are {', '.join(letters)}" if letters else "there is no anchor yet: a adds one"
            self._walk.notify(f"{name}: expected two anchors and a hyphen, such as line:A-B; {there}")
            return None
        way = stops[ends[1]] - stops[ends[0]]
        length = float(np.linalg.norm(way))
        if not length > 0:
            self._walk.notify(f"{name}: these anchors are in one place")
            return None
        name = f"line:{letters[ends[0]]}-{letters[ends[1]]}"
        return Direction(name, (way / length).astype(np.float32), f"{length:.2f} apart")

    def _take_found(self, lines: list[Direction], reply: DirectionsFound) -> None:
        found = [Direction(*each) for each in zip(reply.names, reply.vectors, reply.notes, strict=True)]
        self._take([*found, *lines])

    def _take(self, directions: list[Direction]) -> None:
        if not directions:
            return
        self._walk.take_directions(directions)
        notes = ", ".join(f"{direction.name} {direction.note}" for direction in directions)
        self._walk.notify(f"added: {notes}", "success")

    def remove(self) -> None:
        """Remove the chosen one; where map and scatter go along it, they go along latent dimensions again."""
        before = self._name_plane()
        removed = self._walk.dimensions.remove_chosen()
        if removed is None:
            self._walk.notify("a latent dimension stays; D adds directions, and those can be removed")
            return
        self._walk.take_directions([])
        planes = f"; map and scatter go along {' and '.join(self._name_plane())}" if removed.name in before else ""
        self._walk.notify(f"removed {removed.name}{planes}", "plain")

    def _name_plane(self) -> list[str]:
        """The two axes of map and scatter."""
        scene = self._walk.scene
        return [scene.axes.name(axis) for axis in self._walk.views.plane_of(scene)]
