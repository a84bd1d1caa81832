"""What keys do about anchors and motion."""

from __future__ import annotations

from functools import partial

import numpy as np

from vae_tui.walk.anchors import LETTERS, Anchor
from vae_tui.walk.messages import FindSource, SourceFound
from vae_tui.walk.motion import RandomWalk, Route, along
from vae_tui.walk.walk import Walk


def anchor_route(walk: Walk) -> Route:
    """From anchor to anchor, and of a conditional VAE from the class of one to that of the next."""
    return Route(walk.stops, walk.motion.method, walk.classes.rows_to_send(walk.anchors.shares))


class MotionActions:
    """Sets anchors, and goes between them or elsewhere by itself."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def add_source(self, text: str) -> None:
        """Add what a user names as an anchor, once it is found."""
        text = text.strip()
        self._walk.send(FindSource(text), partial(self._take_found, text))

    def _take_found(self, text: str, reply: SourceFound) -> None:
        own = self._walk.classes.own(reply.class_index)
        self._add(Anchor(reply.caption, reply.mean, reply.log_variance, text, own))

    def add_here(self) -> None:
        """Take the present place as an anchor."""
        z, shares = self._walk.z, self._walk.position.place.shares
        self._add(Anchor(f"here {len(self._walk.anchors) + 1}", z, np.full_like(z, -np.inf), shares=shares))

    def _add(self, anchor: Anchor) -> None:
        walk = self._walk
        if walk.anchors.are_full:
            walk.notify(f"there are {len(LETTERS)} anchors already; backspace removes the last")
            return
        walk.anchors.add(anchor)
        if not walk.motion.playing:
            walk.anchors.begin_round()
            walk.position.go(walk.stops[-1])
            walk.position.give(anchor.shares)
        walk.moved()

    def remove_last(self) -> None:
        """Remove the last anchor."""
        if self._walk.anchors.remove_last():
            self._walk.motion.stop()
            self._walk.update()

    def go_to_next(self) -> None:
        """Go to one anchor after the other."""
        walk = self._walk
        if not len(walk.anchors):
            walk.notify("there is no anchor yet: a adds an image, A where you stand")
            return
        index = walk.anchors.next_index()
        walk.go(walk.stops[index], walk.anchors.shares[index])
        walk.notify(f"at {LETTERS[index]}", "plain")

    def toggle_play(self) -> None:
        """Go by oneself, or stop."""
        walk = self._walk
        if walk.motion.playing:
            walk.motion.stop()
        elif walk.motion.kind == "anchors" and len(walk.anchors) == 1:
            walk.notify("two anchors are needed: a adds an image, A where you stand")
        else:
            if walk.motion.kind == "anchors" and not len(walk.anchors):
                walk.notify("at random, as there are no anchors: a adds an image, A where you stand", "plain")
            walk.position.go(walk.motion.start(*self._route()))
            if walk.motion.shares is not None:
                walk.position.give(walk.motion.shares)
        walk.update()

    def _route(self) -> tuple[Route | RandomWalk, float]:
        """Where to go, and how many stops along it to begin."""
        walk, draws = self._walk, self._walk.draws
        if walk.motion.kind == "anchors" and len(walk.anchors):
            return anchor_route(walk), 0.0
        if walk.motion.kind != "dimension":
            return RandomWalk(walk.z, draws.seed, draws.temperature, draws.samples), 0.0
        axes, chosen = walk.dimensions.axes, walk.dimensions.chosen
        span = float(axes.spans[chosen])
        return along(walk.z, axes, chosen, -span, span), min(max(axes.value(walk.z, chosen), -span), span) + span

    def next_kind(self) -> None:
        """Play through anchors, along the dimension, or at random."""
        motion, playing = self._walk.motion, self._walk.motion.playing
        motion.stop()
        motion.next_kind()
        if playing:
            self.toggle_play()

    def change_speed(self, steps: int) -> None:
        """Change the signed speed."""
        self._walk.motion.change_speed(steps)

    def toggle_end(self) -> None:
        """Bounce at the end, or begin again."""
        self._walk.motion.toggle_end()

    def toggle_method(self) -> None:
        """Take straight lines or arcs between anchors."""
        self._walk.motion.toggle_method()
        self._reroute()

    def toggle_at(self) -> None:
        """Take anchors at their means, or drawn with one epsilon."""
        self._walk.anchors.toggle_at()
        self._reroute()

    def _reroute(self) -> None:
        """Take anchors and method as they are now, without going back to the start."""
        walk = self._walk
        if walk.motion.kind == "anchors" and len(walk.anchors) > 1:
            walk.motion.reroute(anchor_route(walk))
        walk.update()
