"""What people call the splits of a set: in names of folders, of files and of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable

SPLITS = ("train", "validation", "test")
_WORDS = {
    "train": ("training", "train", "trn"),
    "validation": ("validation", "validate", "valid", "val", "dev"),
    "test": ("testing", "test", "tst"),
}
SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}
"""The split that each word means; a word stands before those it begins with."""
ANY_SPLIT = "|".join(SPLIT_OF)
"""A regular expression for any of the words."""
_THINGS = "images?|imgs?|photos?|pictures?|set|data|dataset|split|folder"
_NAME = re.compile(rf"(?:(?:{_THINGS})[ _.-]?)?({ANY_SPLIT})(?:[ _.-]?(?:{_THINGS}|(?:19|20)\d\d))?", re.ASCII)
_WORD = re.compile(rf"(?:^|[^A-Za-z])({ANY_SPLIT})(?![a-z])", re.ASCII)


def split_of_name(name: str) -> str | None:
    """Which split a folder of that name is: "valid", "Training", "val2017", "test_images"."""
    match = _NAME.fullmatch(name.lower())
    return SPLIT_OF[match[1]] if match else None


def split_within_name(name: str) -> tuple[str, str] | None:
    """The first split among the words of a name, and the letters of the others: "seg_train" is ("train", "seg")."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", name).lower()
    match = _WORD.search(apart)
    if match is None:
        return None
    rest = "".join(letter for letter in apart[: match.start(1)] + apart[match.end(1) :] if letter.isalpha())
    return SPLIT_OF[match[1]], rest


def in_order(splits: Iterable[str]) -> list[str]:
    """The splits among these, train first."""
    return [split for split in SPLITS if split in set(splits)]
