"""The palette: what keys do, in groups and in words, on every screen, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_decoder import FakeDecoder
from fake_trainer import FakeTrainer
from shown import Shown, rest
from textual.screen import Screen
from textual.widgets import Input

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import summarize
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens import walk
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.overlay import OverlayScreen
from vae_tui.tui.screens.settings import SettingsScreen
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.screens.walk import WalkScreen

GROUPS = {
    "home": {"Runs", "Run", "Pictures", "Program"},
    "training": {"Run", "Charts", "Pictures", "Program"},
    "overlay": {"Charts", "Pictures", "Program"},
    "walk": {"Place", "Views", "Anchors and motion", "Keeping", "Pictures", "Program"},
}
SOME = {
    "home": ("Runs: filter", "Run: resume", "Program: quit"),
    "training": ("Run: pause or resume", "Charts: smoothing", "Program: quit"),
    "overlay": ("Charts: KL side by side", "Program: back"),
    "walk": ("Views: map", "Place: random place", "Program: leave"),
}


@pytest.fixture
def first(
    request: pytest.FixtureRequest, run: Run, followed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Screen[Any]:
    monkeypatch.setattr(walk, "DecoderProcess", FakeDecoder)
    FakeTrainer(run).start()
    return {
        "home": lambda: HomeScreen(tmp_path / "checkpoints"),
        "training": lambda: TrainingScreen(RunFeed(run)),
        "overlay": lambda: OverlayScreen([summarize(run)]),
        "walk": lambda: WalkScreen(followed.latest().path),
    }[request.param]()


@pytest.mark.parametrize(("name", "first"), [(name, name) for name in GROUPS], indirect=["first"])
async def test_commands_are_in_groups_and_in_words_and_each_is_there_once(name: str, first: Screen[Any]) -> None:
    app = VaeTuiApp(first)
    async with app.run_test() as pilot:
        await pilot.pause()
        titles = [command.title for command in app.get_system_commands(app.screen)]
    assert len(titles) == len(set(titles))
    assert {title.partition(": ")[0] for title in titles} == GROUPS[name]
    always = ("Program: settings", "Program: theme", "Program: keys", "Program: help", "Pictures: half blocks")
    assert {*SOME[name], *always} <= set(titles)
    for title in titles:
        words = title.partition(": ")[2]
        assert len(words) > 2, title
        assert words[0].islower() or words[1].isupper(), title


async def test_what_is_typed_finds_a_command_and_enter_does_it(tmp_path: Path) -> None:
    app = VaeTuiApp(HomeScreen(tmp_path / "checkpoints"))
    async with app.run_test(size=(120, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.settle()
        await shown.press("ctrl+p")
        app.screen.query_one(Input).value = "settings"
        await shown.sees("Program: settings")
        await shown.press("enter")
        await shown.until(lambda: isinstance(app.screen, SettingsScreen))
        assert isinstance(app.screen, SettingsScreen)


async def test_pictures_are_drawn_as_the_palette_has_it(tmp_path: Path) -> None:
    app = VaeTuiApp(HomeScreen(tmp_path / "checkpoints"))
    async with app.run_test():
        for mode, words in (("ascii", "characters"), ("half", "half blocks")):
            commands = {command.title: command for command in app.get_system_commands(app.screen)}
            commands[f"Pictures: {words}"].callback()
            await rest(app)
            await Shown(app, None).until(lambda mode=mode: app.picture_mode == mode)  # type: ignore[arg-type, misc]
            assert app.picture_mode == mode
