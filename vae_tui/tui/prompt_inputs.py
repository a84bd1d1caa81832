"""What is typed into the prompts of a walk: read, checked, and suggested."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

from vae_tui.errors import DataError
from vae_tui.walk.axes import FARTHEST, Axes, split_names
from vae_tui.walk.classes import find_class, split_next

_SUGGESTIONS, _CLASSES = 8, 10
_LONGEST = 30
"""Letters of what was typed that a message says again."""
_PAIRED = 40
"""Classes whose pairs are suggested: of a thousand there would be a million at every key."""
_PARALLEL = 0.999
"""So near to 1 is the cosine of directions that span no plane."""
_CHANGES = tuple(f"what changes the picture {much} here" for much in ("most", "second most", "third most"))
_OF_CLASSES = (
    ("class", "its first test image"),
    ("next", "its next test image after the one you are at"),
    ("mean", "the mean of its codes"),
)
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
    wrong = value is None or abs(value) > FARTHEST
    return f"{text!r} is no number between −{FARTHEST} and {FARTHEST}" if wrong else None


def check_seed(text: str) -> str | None:
    """What is wrong with a seed, or None."""
    return None if re.fullmatch(r"[0-9]{1,18}", text) else f"{text!r} is no whole number of at most 18 digits"


def check_plane(text: str, axes: Axes) -> str | None:
    """What is wrong with the names of two axes, or None."""
    found = [axes.find(name) for name in read_plane(text)]
    if len(found) != 2 or found[0] is None or found[1] is None or found[0] == found[1]:
        named = "".join(f", {direction.name}" for direction in axes.directions)
        more = "; D adds directions" if ":" in text else ""
        return f"{text!r} does not name two different axes of z0 to z{axes.latent_dim - 1}{named}{more}"
    cosine = float((axes.vector(found[0]) * axes.vector(found[1])).sum())
    return f"{text!r}: these two are the same way, or opposite ways" if abs(cosine) > _PARALLEL else None


def read_plane(text: str) -> list[str]:
    """The names of axes in a text, in which dimensions may be numbers alone."""
    names = [part for name in split_names(text) for part in re.split(r"\s+(?=z?[0-9]+(?:\s|$))", name)]
    return [f"z{int(name)}" if re.fullmatch(r"[0-9]{1,18}", name) else name for name in names]


def check_directions(text: str, latent_dim: int, class_names: Sequence[str] | None, letters: str) -> str | None:
    """What is wrong with the names of directions, or None; classes are not looked at while they are not known."""
    forms = "expected pca:K, class:A-B, jacobian:K or line:A-B"
    if not split_names(text):
        return forms
    for name in split_names(text):
        kind, colon, rest = name.partition(":")
        if not colon or kind not in ("pca", "class", "jacobian", "line"):
            return f"{_shorten(name)}: {forms}"
        if kind in ("pca", "jacobian") and not (re.fullmatch("[0-9]{1,6}", rest) and 1 <= int(rest) <= latent_dim):
            return f"{_shorten(name)}: expected {kind}:1 to {kind}:{latent_dim}"
        if kind == "line" and not _are_two_anchors(rest.upper(), letters):
            there = f"the anchors are {', '.join(letters)}" if letters else "there is no anchor yet: a adds one"
            return f"{_shorten(name)}: expected two anchors and a hyphen, such as line:A-B; {there}"
        if kind == "class" and class_names is not None and not _are_two_classes(rest, class_names):
            named = f"of {', '.join(class_names[:20])}" if class_names else "and these images have none"
            return f"{_shorten(name)}: expected two classes and a hyphen, {named}"
    return None


def _shorten(name: str) -> str:
    """What was typed, in a few words."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def _are_two_anchors(text: str, letters: str) -> bool:
    return len(text) == 3 and text[1] == "-" and text[0] in letters and text[2] in letters


def _are_two_classes(text: str, class_names: Sequence[str]) -> bool:
    """Whether a text is two classes with a hyphen between them, each by its name, its beginning or its number."""

    def is_class(part: str) -> bool:
        if part.isdecimal() and not any(name.isdecimal() for name in class_names):
            return int(part) < len(class_names)
        return bool(part) and any(name.casefold().startswith(part.casefold()) for name in class_names)

    places = [index for index, character in enumerate(text) if character == "-"]
    return any(is_class(text[:place]) and is_class(text[place + 1 :]) for place in places)


def suggest_directions(text: str, class_names: Sequence[str], letters: str) -> list[tuple[str, str]]:
    """What could be meant by the last of the names that are typed so far, each with what it is."""
    offered = [(f"pca:{number}", f"principal component {number} of the test codes") for number in (1, 2, 3)]
    offered += [(f"jacobian:{number}", _CHANGES[number - 1]) for number in (1, 2, 3)]
    offered += [
        (f"class:{first}-{second}", "from the mean code of one class to that of another")
        for first, second in permutations(class_names[:_PAIRED], 2)
    ]
    offered += [(f"line:{first}-{second}", "from anchor to anchor") for first, second in permutations(letters, 2)]
    # Names of classes may have spaces, so a name may begin at any of those before.
    starts = sorted({0, *(index + 1 for index, character in enumerate(text) if character in " ,")}, reverse=True)
    for start in starts if text[starts[0] :] else starts[:1]:
        before, last = text[:start], text[start:].casefold()
        if fitting := [(before + name, meaning) for name, meaning in offered if name.casefold().startswith(last)]:
            break
    if text[starts[0] :]:
        return fitting[:_SUGGESTIONS]
    kinds = dict[str, tuple[str, str]]()
    for name, meaning in fitting:
        kinds.setdefault(name.removeprefix(before).partition(":")[0], (name, meaning))
    return list(kinds.values())


def check_class(text: str, class_names: Sequence[str]) -> str | None:
    """What is wrong with the name of a class, or None."""
    try:
        find_class(text, class_names)
    except DataError as error:
        return str(error)
    return None


def suggest_classes(text: str, class_names: Sequence[str], counts: Sequence[int]) -> list[tuple[str, str]]:
    """The classes whose name begins as typed, each with how many codes are of it, where that is known."""
    meanings = [f"{count:,} codes" for count in counts] or [""] * len(class_names)
    named = zip(class_names, meanings, strict=True)
    return [(name, meaning) for name, meaning in named if name.casefold().startswith(text.casefold())][:_CLASSES]


def check_place(text: str, class_names: Sequence[str] | None) -> str | None:
    """What is wrong with a place to go to, as far as it is the next image of a class, or None; a class is not looked at while they are not known."""
    wanted = split_next(text)
    return None if wanted is None or class_names is None else check_class(wanted, class_names)


def suggest_places(text: str, class_names: Sequence[str]) -> list[tuple[str, str]]:
    """Places whose name begins as typed, each with what it is: images by number or by class, the means of classes, files."""
    kind, colon, rest = text.partition(":")
    wanted = (rest if colon else text).casefold()
    offered = [
        (f"{each}:{name}", meaning)
        for name in [name for name in class_names if name.casefold().startswith(wanted)][:4]
        for each, meaning in _OF_CLASSES
        if not colon or kind == each
    ]
    if text.isdecimal() and text in class_names:
        # In a sum it is the class.
        offered = [(text, "the mean of its codes"), (f"test:{text}", "test image"), *offered]
    elif text.isdecimal():
        offered = [(text, "test image"), (f"train:{text}", "training image"), *offered]
    return [*offered, *_pictures_and_folders(text)][:_SUGGESTIONS]


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
