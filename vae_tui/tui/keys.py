"""Keys as tables, from which bindings, footer, help and the tables in README and docs are made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """A key, or several with a comma between, as Textual names them, and the action of the screen that it runs.

    `description` is what the palette calls it; where it is empty the palette leaves it out.
    """

    keys: str
    action: str
    description: str = ""


@dataclass(frozen=True)
class FooterItem:
    """A key in the footer: the lowest `rank` first, and only in one of the states `when`; without any, always."""

    rank: int
    keys: str
    label: str
    when: Collection[str] = ()


@dataclass(frozen=True)
class Row:
    """A line of the help: `keys` as people write them, with a space between, what they do, and the keys themselves.

    Keys that belong to the whole app have no `bindings` here.
    """

    keys: str
    meaning: str
    bindings: Sequence[Key] = ()
    footer: Sequence[FooterItem] = ()


@dataclass(frozen=True)
class Group:
    """Lines of the help under a title; lines without `keys` are bound and not listed."""

    title: str
    rows: Sequence[Row]


Table = Sequence[Group]


def bindings(table: Table) -> list[BindingType]:
    """The bindings of a screen."""
    return [
        Binding(key.keys, key.action, key.description, show=bool(key.description))
        for row in _rows(table)
        for key in row.bindings
    ]


def footer(table: Table, states: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Keys and what they do, those most needed first, as a screen is in these states."""
    items = [item for row in _rows(table) for item in row.footer]
    shown = [item for item in items if not item.when or any(state in item.when for state in states)]
    return tuple((item.keys, item.label) for item in sorted(shown, key=lambda item: item.rank))


def help_rows(group: Group) -> tuple[tuple[str, str], ...]:
    """Keys and what they do, as the help lists them."""
    return tuple((row.keys, row.meaning) for row in group.rows if row.keys)


def to_markdown(table: Table) -> str:
    """All that the help lists, as a table in Markdown."""
    lines = ["| keys | what they do |", "| --- | --- |"]
    for row in _rows(table):
        if row.keys:
            lines.append(f"| {' '.join(f'`{key}`' for key in row.keys.split())} | {row.meaning} |")
    return "\n".join(lines)


def _rows(table: Table) -> Iterable[Row]:
    for group in table:
        yield from group.rows
