"""Rows of colored characters: what plotext has drawn, to be written over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

Color = tuple[int, int, int]
Run = tuple[str, Color | None]
"""Characters of one color; None is that of text."""

_CODE = re.compile(r"\x1b\[([\d;]*)m")
_INK = "38;2;"
_RESET = "0"


class Rows:
    """Rows of characters, each of which may have a color; a row is taken apart where it is written over."""

    def __init__(self, rows: list[list[Run]]) -> None:
        self._rows = rows
        self._opened: dict[int, tuple[list[str], list[Color | None]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def copy(self) -> Rows:
        """Rows that can be written over while these stay as they are."""
        return Rows([self.runs(row) for row in range(len(self))])

    def runs(self, row: int) -> list[Run]:
        """A row as stretches of one color each."""
        if row not in self._opened:
            return self._rows[row]
        pairs = zip(*self._opened[row], strict=True)
        return [
            ("".join(character for character, _ in cells), color)
            for color, cells in groupby(pairs, lambda pair: pair[1])
        ]

    def text(self, row: int) -> str:
        """The characters of a row."""
        return "".join(text for text, _ in self.runs(row))

    def is_empty(self, row: int, first: int, end: int, *, besides: str = "") -> bool:
        """Whether nothing stands in the columns from `first` to before `end`, `besides` what does not count."""
        return set("".join(self._open(row)[0][max(0, first) : end])) <= {" ", *besides}

    def write(self, row: int, column: int, text: str, color: Color) -> None:
        """Write over what stands in a row; what would go on beyond its end is left out."""
        characters, colors = self._open(row)
        for index, character in enumerate(text, start=column):
            if 0 <= index < len(characters):
                characters[index], colors[index] = character, color

    def fill(self, row: int, columns: Iterable[int], sign: str, color: Color) -> None:
        """Put a sign into those of the columns in which nothing stands."""
        characters, colors = self._open(row)
        for column in columns:
            if column < len(characters) and characters[column] == " ":
                characters[column], colors[column] = sign, color

    def _open(self, row: int) -> tuple[list[str], list[Color | None]]:
        if row not in self._opened:
            characters: list[str] = []
            colors: list[Color | None] = []
            for text, color in self._rows[row]:
                characters += text
                colors += [color] * len(text)
            self._opened[row] = characters, colors
        return self._opened[row]


def open_rows(text: str) -> Rows:
    """Lines with SGR codes as rows; of the codes only inks are read."""
    colors: dict[str, Color | None] = {_RESET: None}
    rows = []
    for line in text.splitlines():
        color: Color | None = None
        runs: list[Run] = []
        for index, part in enumerate(_CODE.split(line)):
            if index % 2 == 0:
                if part:
                    runs.append((part, color))
            elif part == _RESET or part.startswith(_INK):
                if part not in colors:
                    red, green, blue = map(int, part.removeprefix(_INK).split(";"))
                    colors[part] = red, green, blue
                color = colors[part]
        rows.append(runs)
    return Rows(rows)
