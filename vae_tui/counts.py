"""How many there are of something, in words."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """A number of things: 1 image, 1,797 images."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {_plural(thing)}"


def _plural(thing: str) -> str:
    return f"{thing}es" if thing.endswith(("s", "x", "ch", "sh")) else f"{thing}s"
