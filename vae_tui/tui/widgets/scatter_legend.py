"""Which colours, or signs, are which class, in a row or two below the points."""

from __future__ import annotations

from collections.abc import Sequence

Entry = tuple[int, str]
"""A class, and what is written for it, with a space at either end."""
_LEAST_LETTERS = 3


def lay_out_legend(
    names: Sequence[str], signs: Sequence[str], width: int, rows: int, lit: int | None
) -> list[list[Entry]]:
    """The classes in as few rows as have room for their whole names, or else shortened alike in all the rows.

    A name has its sign before it, unless it is the sign. Where not even three letters of each fit, or fewer than tell
    them apart, the last ones are left out, and the one that is `lit` takes the place of the last that is there.
    """
    prefixes = [f"{sign}=" if sign and sign != name else "" for sign, name in zip(signs, names, strict=True)]
    longest = max(map(len, names), default=0)
    texts: list[str] = []
    filled: list[list[Entry]] = []
    for letters in range(longest, min(longest, _LEAST_LETTERS) - 1, -1):
        shortened = [f" {prefix}{name[:letters]} " for prefix, name in zip(prefixes, names, strict=True)]
        if texts and len(set(shortened)) < len(names):
            break
        texts, filled = shortened, _fill(shortened, range(len(names)), width, rows)
        if sum(map(len, filled)) == len(names):
            return filled
    shown = [label for row in filled for label, _ in row]
    if lit is None or lit in shown or not lit < len(names) or not shown:
        return filled
    return _fill(texts, [*shown[:-1], lit], width, rows)


def _fill(texts: Sequence[str], order: Sequence[int], width: int, rows: int) -> list[list[Entry]]:
    """As many as there is room for, one after the other, each whole in its row."""
    filled: list[list[Entry]] = []
    used = width
    for label in order:
        text = texts[label]
        if used + len(text) > width:
            if len(filled) == rows or len(text) > width:
                break
            filled.append([])
            used = 0
        filled[-1].append((label, text))
        used += len(text)
    return filled
