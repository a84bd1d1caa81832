"""Keys as tables, from which bindings, footer, help and the tables in README and docs are made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from textual.binding import Binding, BindingType
from textual.keys import format_key

ChosenKeys = Mapping[str, tuple[str, ...]]
"""The keys of actions that a user gave others, by the name of the action, as Textual names keys."""
_ALWAYS = ("ctrl+c",)
"""Keys that an action does not lose when it is given others."""
_WORDS = {"enter": "enter", "backspace": "backspace", "delete": "delete"}
"""Keys that are written in words here, and by signs in Textual."""


class KeyedApp(Protocol):
    """An app whose user may have chosen keys."""

    chosen_keys: ChosenKeys


@dataclass(frozen=True)
class Key:
    """A key, or several with a comma between, as Textual names them, and the action of the screen that it runs.

    `description` is what the palette calls it; where it is empty the palette leaves it out, and it has no `name` by which
    it could be given other keys.
    """

    keys: str
    action: str
    description: str = ""

    @property
    def name(self) -> str:
        """What settings call the action: its description in small letters, with hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.description.lower()).strip("-")

    @property
    def all_keys(self) -> tuple[str, ...]:
        """Every key."""
        return tuple(self.keys.split(","))


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
    """The bindings of a screen, with the names by which an app is told of chosen keys."""
    return [
        Binding(key.keys, key.action, key.description, show=bool(key.description), id=key.name or None)
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


def with_chosen(key: Key, chosen: ChosenKeys) -> Key:
    """A key, or those that were chosen for its action."""
    if not key.description or key.name not in chosen:
        return key
    kept = [one for one in key.all_keys if one in _ALWAYS]
    return replace(key, keys=",".join(dict.fromkeys([*chosen[key.name], *kept])))


def rebound(table: Table, chosen: ChosenKeys) -> Table:
    """A table as it is with chosen keys, also in what footer and help show."""
    if not chosen:
        return table
    return tuple(replace(group, rows=tuple(_rebind(row, chosen) for row in group.rows)) for group in table)


def display_key(key: str) -> str:
    """A key as people write it: ?, ctrl+s, esc."""
    return _WORDS.get(key) or format_key(key)


def _rebind(row: Row, chosen: ChosenKeys) -> Row:
    now = tuple(with_chosen(key, chosen) for key in row.bindings)
    if now == row.bindings:
        return row
    signs: dict[str, str] = {}
    """What to show in place of each sign of before."""
    for old, new in zip(row.bindings, now, strict=True):
        signs |= {display_key(key): display_key(key if old == new else new.all_keys[0]) for key in old.all_keys}
    changed = {before: after for before, after in signs.items() if before != after}
    whole = [display_key(key.all_keys[0]) for key in now if key.description]

    def show(shown: str) -> list[str]:
        # Signs such as 1-5 or ←→ stand for several keys.
        return [signs[sign] for sign in shown.split()] if signs.keys() >= {*shown.split()} else whole

    keys, meaning = [*show(row.keys), *changed.values()] if row.keys else [], row.meaning
    for before, after in changed.items():
        meaning = re.sub(rf"(?<!\S){re.escape(before)}:", f"{after}:", meaning)
    footer = tuple(replace(item, keys=" ".join(dict.fromkeys(show(item.keys)))) for item in row.footer)
    return replace(row, keys=" ".join(dict.fromkeys(keys)), meaning=meaning, bindings=now, footer=footer)


def _rows(table: Table) -> Iterable[Row]:
    for group in table:
        yield from group.rows
