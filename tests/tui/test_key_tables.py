"""The key tables: bindings, footer, help and pages are made from them, and every action is there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.screen import Screen
from walking import Walking

from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.chosen_keys import name_key
from vae_tui.tui.edit_keys import EDIT_KEYS
from vae_tui.tui.home_keys import HOME_KEYS
from vae_tui.tui.keys import FooterItem, Group, Key, Row, Table, bindings, footer, help_rows, rebound, to_markdown
from vae_tui.tui.log_keys import LOG_KEYS
from vae_tui.tui.overlay_keys import OVERLAY_KEYS
from vae_tui.tui.screens.edit import EditScreen
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.log import LogScreen
from vae_tui.tui.screens.overlay import OverlayScreen
from vae_tui.tui.screens.sweep import SweepScreen
from vae_tui.tui.screens.sweep_samples import SweepSamplesScreen
from vae_tui.tui.screens.tile import TileScreen
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.screens.walk import WalkScreen
from vae_tui.tui.screens.walk_prompts import PROMPTS
from vae_tui.tui.sweep_keys import SWEEP_KEYS
from vae_tui.tui.sweep_samples_keys import SWEEP_SAMPLES_KEYS
from vae_tui.tui.tile_keys import TILE_KEYS
from vae_tui.tui.training_keys import TRAINING_KEYS
from vae_tui.tui.walk_keys import WALK_KEYS
from vae_tui.walk.views.view import VIEW_NAMES

ROOT = Path(__file__).parents[2]
PAGES = {
    "edit": "docs/walking.md",
    "home": "docs/home.md",
    "log": "docs/runs.md",
    "overlay": "docs/home.md",
    "sweep": "docs/sweeps.md",
    "sweep samples": "docs/sweeps.md",
    "tile": "docs/runs.md",
    "training": "README.md",
    "walk": "docs/walking.md",
}
TABLES = [
    ("edit", EDIT_KEYS, EditScreen),
    ("home", HOME_KEYS, HomeScreen),
    ("log", LOG_KEYS, LogScreen),
    ("overlay", OVERLAY_KEYS, OverlayScreen),
    ("sweep", SWEEP_KEYS, SweepScreen),
    ("sweep samples", SWEEP_SAMPLES_KEYS, SweepSamplesScreen),
    ("tile", TILE_KEYS, TileScreen),
    ("training", TRAINING_KEYS, TrainingScreen),
    ("walk", WALK_KEYS, WalkScreen),
]

SMALL: Table = (
    Group(
        "First",
        (
            Row(
                "↑  k",
                "go up",
                (Key("up", "go(1)", "Up"), Key("k", "go(2)")),
                (FooterItem(1, "↑", "up", ("day",)), FooterItem(1, "↑", "rise", ("night",))),
            ),
            Row("i", "elsewhere", footer=(FooterItem(0, "i", "always"),)),
        ),
    ),
    Group("Second", (Row("", "", (Key("f1", "help", "Help"),)),)),
)


def bound(table: Table) -> list[Binding]:
    return [binding for binding in bindings(table) if isinstance(binding, Binding)]


def test_a_table_makes_bindings_footer_help_and_markdown() -> None:
    assert [(key.key, key.action, key.description) for key in bound(SMALL)] == [
        ("up", "go(1)", "Up"),
        ("k", "go(2)", ""),
        ("f1", "help", "Help"),
    ]
    assert footer(SMALL, ["night"]) == (("i", "always"), ("↑", "rise"))
    assert footer(SMALL, []) == (("i", "always"),)
    assert help_rows(SMALL[0]) == (("↑  k", "go up"), ("i", "elsewhere"))
    assert to_markdown(SMALL).splitlines()[2:] == ["| `↑` `k` | go up |", "| `i` | elsewhere |"]


@pytest.mark.parametrize(("name", "table", "screen"), TABLES)
def test_a_page_has_the_table(name: str, table: Table, screen: type[Screen[None]]) -> None:
    page = (ROOT / PAGES[name]).read_text()
    section = page.partition(f"<!-- {name} keys")[2].partition(f"<!-- end of the {name} keys")[0]
    assert section.partition("-->")[2].strip() == to_markdown(table), "run: make reference"


@pytest.mark.parametrize(("name", "table", "screen"), TABLES)
def test_every_key_is_bound_once_to_an_action_of_its_screen(
    name: str, table: Table, screen: type[Screen[None]]
) -> None:
    keys = [key for binding in bound(table) for key in binding.key.split(",")]
    assert sorted(keys) == sorted(set(keys))
    assert bindings(table) == screen.BINDINGS
    for binding in bound(table):
        owner: type = screen
        action = binding.action.partition("(")[0]
        if action.startswith("app."):
            owner, action = VaeTuiApp, action.removeprefix("app.")
        assert hasattr(owner, f"action_{action}"), binding


@pytest.mark.parametrize(("name", "table", "screen"), TABLES)
def test_every_action_has_a_name_of_its_own(name: str, table: Table, screen: type[Screen[None]]) -> None:
    named = [key.name for group in table for row in group.rows for key in row.bindings if key.description]
    assert sorted(named) == sorted(set(named))


def test_chosen_keys_are_in_bindings_footer_help_and_what_the_help_says_of_them() -> None:
    table: Table = (
        Group(
            "Only",
            (
                Row(
                    "space  k",
                    "play; n: what",
                    (Key("space", "play", "Play"), Key("n", "next", "What to play"), Key("k", "kill", "Kill")),
                    (FooterItem(0, "space", "play"), FooterItem(1, "1-3", "all three")),
                ),
                Row("q", "leave", (Key("q,ctrl+c", "leave", "Leave"),), (FooterItem(2, "q", "leave"),)),
            ),
        ),
    )
    assert rebound(table, {}) is table
    chosen = rebound(table, {"play": ("f5", "P"), "what-to-play": ("question_mark",), "leave": ("Q",)})
    assert [key.key for key in bound(chosen)] == ["f5,P", "question_mark", "k", "Q,ctrl+c"]
    assert help_rows(chosen[0]) == (("f5 k ?", "play; ?: what"), ("Q", "leave"))
    assert footer(chosen, []) == (("f5", "play"), ("f5 ? k", "all three"), ("Q", "leave"))


def test_a_sign_names_a_key_as_its_name_does() -> None:
    names = [name_key(key) for key in ("?", ",", "/", "+", "ctrl+s", "S", "f5", "question_mark", "left", "ctrl+/")]
    expected = ["question_mark", "comma", "slash", "plus", "ctrl+s", "S", "f5", "question_mark", "left", "ctrl+slash"]
    assert names == expected


def test_every_key_of_the_walk_does_something_that_a_session_can(followed: Run) -> None:
    walking = Walking(followed.latest().path, None)
    walking.session.start()
    walking.deliver()
    for binding in bound(WALK_KEYS):
        action, _, arguments = binding.action.partition("(")
        given: Any = ast.literal_eval(f"({arguments.removesuffix(')')},)") if arguments else ()
        if action == "act":
            part, method = given[0].split(".")
            getattr(getattr(walking.session, part), method)(*given[1])
            walking.deliver()
        elif action == "view":
            assert given[0] in VIEW_NAMES
        elif action == "prompt":
            assert PROMPTS[given[0]](walking.session, 1)
        elif not action.startswith("app."):
            assert action in ("bookmark", "slot", "light", "edit", "help", "leave", "return")
