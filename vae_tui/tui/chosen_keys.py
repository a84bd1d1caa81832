"""The keys that users choose for actions: what can be chosen, and what is in the way."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from vae_tui.tui.key_tables import TABLES, TITLES
from vae_tui.tui.keys import ChosenKeys, Key, display_key, with_chosen
from vae_tui.wording import did_you_mean

_OF_THE_PROGRAM = {
    "ctrl+c": "leaving",
    "ctrl+l": "redrawing",
    "ctrl+p": "the palette",
    "ctrl+q": "leaving",
    "ctrl+z": "suspending",
}
"""Keys that are the same whatever is on the screen."""
_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMES = {key.value for key in Keys}


@dataclass(frozen=True)
class Action:
    """What a key can do: its name in settings, what it is called, and on which screens, by the names of their tables."""

    name: str
    description: str
    screens: tuple[str, ...]


def list_actions() -> tuple[Action, ...]:
    """Everything that can be given another key, in the order of the screens and their tables."""
    found: dict[str, Action] = {}
    for screen in TITLES:
        for key in _keys_of(screen):
            if key.description:
                known = found.get(key.name, Action(key.name, key.description, ()))
                screens = tuple(dict.fromkeys([*known.screens, screen]))
                found[key.name] = Action(key.name, known.description, screens)
    return tuple(found.values())


def keys_now(action: Action, chosen: ChosenKeys) -> tuple[str, ...]:
    """The first key of an action on each of its screens, as people write them; those that are the same once."""
    now = (with_chosen(key, chosen) for screen in action.screens for key in _keys_of(screen) if key.name == action.name)
    return tuple(dict.fromkeys(display_key(key.all_keys[0]) for key in now))


def check_keys(chosen: ChosenKeys) -> tuple[ChosenKeys, list[str]]:
    """The keys that can be taken as they were chosen, as Textual names them, and a line for what is wrong with others."""
    actions = {action.name: action for action in list_actions()}
    right: dict[str, tuple[str, ...]] = {}
    problems = []
    for name, keys in chosen.items():
        named = tuple(map(name_key, keys))
        if name not in actions:
            problems.append(f"[keys] {name}: no such action{did_you_mean(name, actions, most=0)}; f2 lists them")
        elif unknown := [key for key, known in zip(keys, named, strict=True) if not _is_key(known)]:
            problems.append(f"[keys] {name}: {unknown[0]!r} is no key; expected one such as f5, ctrl+s, R or ?")
        else:
            right[name] = named
    # Against each other all at once: two may have been given each other's.
    for name in list(right):
        if taken := [problem for key in right[name] if (problem := find_conflict(actions[name], key, right))]:
            problems.append(f"[keys] {name}: {taken[0]}")
            del right[name]
    return right, problems


def find_conflict(action: Action, key: str, chosen: ChosenKeys) -> str | None:
    """Why a key cannot be this action's while those are chosen, or None."""
    if key in _OF_THE_PROGRAM:
        return f"{display_key(key)} is for {_OF_THE_PROGRAM[key]}, on every screen"
    for screen in action.screens:
        for other in _keys_of(screen):
            if (other.name != action.name or not other.description) and key in with_chosen(other, chosen).all_keys:
                return f"{display_key(key)} is taken by {_describe(screen, other)}, on the screen of {TITLES[screen]}"
    return None


def name_key(key: str) -> str:
    """A key as Textual names it; a sign may stand for itself, as ? does for question_mark."""
    modifiers, plus, last = key.rpartition("+") if len(key) > 1 else ("", "", key)
    if len(last) == 1 and not last.isalnum():
        name = unicodedata.name(last, last).lower().replace("-", "_").replace(" ", "_")
        last = KEY_NAME_REPLACEMENTS.get(name, name)
    return f"{modifiers}{plus}{last}"


def to_keymap(chosen: ChosenKeys) -> dict[str, str]:
    """Chosen keys as Textual takes them."""
    keys = {key.name: with_chosen(key, chosen) for screen in TITLES for key in _keys_of(screen) if key.name in chosen}
    return {name: key.keys for name, key in keys.items()}


def _is_key(name: str) -> bool:
    *modifiers, last = name.split("+")
    if not set(modifiers) <= _MODIFIERS or not last:
        return False
    if len(last) == 1 or last in _NAMES:
        return True
    try:
        unicodedata.lookup(last.replace("_", " "))
    except KeyError:
        return last in KEY_NAME_REPLACEMENTS.values()
    return True


def _keys_of(screen: str) -> Iterator[Key]:
    for group in TABLES[screen]:
        for row in group.rows:
            yield from row.bindings


def _describe(screen: str, key: Key) -> str:
    if key.description:
        return f"“{key.description}”"
    meanings: Sequence[str] = [
        row.meaning for group in TABLES[screen] for row in group.rows if key in row.bindings and row.meaning
    ]
    return f"“{meanings[0]}”" if meanings else "another action"
