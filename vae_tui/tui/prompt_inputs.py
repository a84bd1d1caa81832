"""What is typed into the prompts of a walk: read, checked, and suggested."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

_FARTHEST = 1000
_SUGGESTIONS = 8
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


def read_number(text: str) -> float | None:
    """The finite number that is written, or None."""
    try:
        value = float(text.replace("−", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def check_value(text: str) -> str | None:
    """What is wrong with the value of a latent dimension, or None."""
    value = read_number(text)
    wrong = value is None or abs(value) > _FARTHEST
    return f"{text!r} is no number between −{_FARTHEST} and {_FARTHEST}" if wrong else None


def check_seed(text: str) -> str | None:
    """What is wrong with a seed, or None."""
    return None if re.fullmatch(r"[0-9]{1,18}", text) else f"{text!r} is no whole number of at most 18 digits"


def check_plane(text: str, latent_dim: int) -> str | None:
    """What is wrong with the names of two dimensions, or None."""
    found = read_plane(text)
    if len(found) == 2 and found[0] != found[1] and max(found) < latent_dim:
        return None
    return f"{text!r} does not name two different dimensions of 0 to {latent_dim - 1}"


def read_plane(text: str) -> list[int]:
    """The whole numbers in a text."""
    return [int(number) for number in re.findall(r"[0-9]{1,18}", text)]


def suggest_sources(text: str, class_names: Sequence[str]) -> list[tuple[str, str]]:
    """Sources whose name begins as typed, each with what it is: images by number, classes and their means, files."""
    wanted = text.removeprefix("class:").removeprefix("mean:").casefold()
    fitting = [name for name in class_names if name.casefold().startswith(wanted)][:4]
    offered = [
        (f"{kind}:{name}", meaning)
        for name in fitting
        for kind, meaning in (("class", "its first test image"), ("mean", "the mean of its codes"))
    ]
    offered = [
        (answer, meaning)
        for answer, meaning in offered
        if not text.startswith(("class:", "mean:")) or answer.startswith(text.split(":")[0])
    ]
    if text.isdecimal():
        return [(text, "test image"), (f"train:{text}", "training image"), *offered]
    return [*offered, *_pictures_and_folders(text)][:_SUGGESTIONS]


def _pictures_and_folders(text: str) -> list[tuple[str, str]]:
    if not text or ":" in text:
        return []
    try:
        start = Path(text).expanduser()
        folder = start if text.endswith("/") else start.parent
        begin = "" if text.endswith("/") else start.name
        found = sorted(
            path for path in folder.iterdir() if path.name.startswith(begin) and not path.name.startswith(".")
        )
    except (OSError, RuntimeError, ValueError):
        return []
    return [
        (f"{path}/" if path.is_dir() else str(path), "folder" if path.is_dir() else "picture")
        for path in found
        if path.is_dir() or path.suffix.lower() in _PICTURES
    ][:_SUGGESTIONS]
