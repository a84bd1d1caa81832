"""The settings on the screen: what is chosen is seen at once, kept in the file, and there the next time."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_decoder import FakeDecoder
from fake_trainer import FakeTrainer
from shown import Shown
from textual.screen import Screen
from textual.widgets import OptionList

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.settings import settings_path
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens import walk
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.key_list import KeyListScreen
from vae_tui.tui.screens.settings import SettingsScreen
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.screens.walk import WalkScreen

ShowFirst = Callable[..., AbstractAsyncContextManager[Shown]]


@pytest.fixture
def show_first(tmp_path: Path) -> ShowFirst:
    @asynccontextmanager
    async def show(
        first: Screen[Any] | None = None, size: tuple[int, int] = (120, 40), **given: Any
    ) -> AsyncIterator[Shown]:
        app = VaeTuiApp(first or HomeScreen(tmp_path / "checkpoints"), **given)
        async with app.run_test(size=size, notifications=True) as pilot:
            shown = Shown(app, pilot)
            await shown.settle()
            yield shown

    return show


def written() -> dict[str, Any]:
    return tomllib.loads(settings_path().read_text())


def write(text: str) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text(text)


def words(shown: Shown) -> str:
    """All that is on the screen, however it is folded."""
    return " ".join(shown.text.translate({ord(sign): " " for sign in "▌│"}).split())


async def go_to(shown: Shown, name: str) -> None:
    """Move to the option of that name."""
    options = shown.app.screen.query_one(OptionList)
    options.highlighted = options.get_option_index(name)
    await shown.pilot.pause()


async def test_a_theme_is_seen_as_one_goes_to_it_and_outlives_the_program_once_it_is_taken(
    show_first: ShowFirst,
) -> None:
    async with show_first() as shown:
        await shown.press("comma", "enter")
        for key in ("escape", "ctrl+q"):
            await go_to(shown, "color-blind")
            assert shown.app.theme == "color-blind"
            await shown.press(key)
            assert shown.app.theme == "vae-tui"
            await shown.press("enter")
        assert not settings_path().exists()
        await go_to(shown, "nord")
        await shown.press("enter")
        await shown.sees("Theme      nord")
    assert written() == {"theme": "nord"}
    async with show_first() as shown:
        assert shown.app.theme == "nord"


async def test_the_palettes_theme_is_the_same(show_first: ShowFirst) -> None:
    async with show_first() as shown:
        await shown.app.run_action("change_theme")
        await shown.pilot.pause()
        await go_to(shown, "gruvbox")
        await shown.press("enter")
        assert written() == {"theme": "gruvbox"}


async def test_a_theme_is_chosen_by_mouse(show_first: ShowFirst) -> None:
    async with show_first() as shown:
        await shown.press("f2")
        await shown.pilot.click(OptionList, offset=(2, 0))
        await shown.pilot.pause()
        await shown.pilot.click(OptionList, offset=(2, 1))
        assert shown.app.theme == "color-blind"
        assert written() == {"theme": "color-blind"}


async def test_pictures_change_at_once_and_for_good(show_first: ShowFirst) -> None:
    async with show_first() as shown:
        await shown.press("f2")
        await go_to(shown, "pictures")
        await shown.press("enter")
        await go_to(shown, "ascii")
        await shown.press("enter")
        assert shown.app.picture_mode == "ascii"
        assert written() == {"pictures": "ascii"}
        await shown.sees("Pictures   ascii: characters")


async def test_folders_are_typed_and_checked(show_first: ShowFirst, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with show_first() as shown:
        await shown.press("f2")
        await go_to(shown, "data_root")
        await shown.press("enter")
        shown.app.screen.query_one("Line").value = str(tmp_path / "file")  # type: ignore[attr-defined]
        await shown.until(lambda: "expected a folder" in words(shown))
        await shown.press("enter")
        assert not settings_path().exists()
        shown.app.screen.query_one("Line").value = str(tmp_path)  # type: ignore[attr-defined]
        await shown.press("enter")
        assert written() == {"data_root": str(tmp_path)}
        await go_to(shown, "data_root")
        await shown.press("enter", "backspace", "enter")
        await shown.sees("Data       the user's cache")
        assert written() == {}


async def test_a_key_is_changed_by_pressing_another(show_first: ShowFirst) -> None:
    async with show_first() as shown:
        await shown.press("f2")
        await go_to(shown, "keys")
        await shown.press("enter")
        await go_to(shown, "train-a-new-run")
        await shown.press("enter", "f5")
        await shown.sees("* f5           Train a new run")
        assert written() == {"keys": {"train-a-new-run": "f5"}}
        await shown.press("escape", "escape")
        await shown.sees("f5 new")
        await shown.press("n")
        assert isinstance(shown.app.screen, HomeScreen)
        await shown.press("f5")
        await shown.sees("train a new run")
        await shown.press("escape", "question_mark")
        assert any(line.split()[1:4] == ["f5", "train", "a"] for line in shown.lines)
    async with show_first() as shown:
        await shown.sees("f5 new")


async def test_a_key_that_is_taken_is_refused_in_words(show_first: ShowFirst) -> None:
    async with show_first() as shown:
        await shown.app.run_action("change_keys")
        await shown.pilot.pause()
        await go_to(shown, "train-a-new-run")
        await shown.press("enter", "D")
        await shown.sees("D is taken by “Delete”, on the screen of all runs")
        await shown.press("escape")
        assert isinstance(shown.app.screen, KeyListScreen)
        assert not settings_path().exists()


async def test_a_usual_key_comes_back(show_first: ShowFirst) -> None:
    write('[keys]\ntrain-a-new-run = "f5"\n')
    async with show_first() as shown:
        await shown.app.run_action("change_keys")
        await shown.pilot.pause()
        await go_to(shown, "train-a-new-run")
        await shown.press("backspace")
        await shown.sees("n            Train a new run")
        assert written() == {}


async def test_what_is_wrong_with_the_file_is_said_and_nothing_of_it_is_lost(show_first: ShowFirst) -> None:
    content = (
        'theme = "nrod"\n\n[keys]\ntrain-a-new-runn = "f5"\nhelp = "D"\nquit = "no key"\nstop = "ctrl+p"\nsort = "S"\n'
        'sort-the-other-way-round = "s"\n'
    )
    write(content)
    async with show_first(size=(160, 50)) as shown:
        for said in (
            "did you mean nord?",
            "did you mean train-a-new-run?",
            "help: D is taken by",
            "'no key' is no key",
            "ctrl+p is for the palette",
        ):
            await shown.until(lambda said=said: said in words(shown))  # type: ignore[misc]
            assert said in words(shown)
        assert shown.app.theme == "vae-tui"
        # Those that are right hold, and two may have each other's.
        assert dict(shown.app.chosen_keys) == {"sort": ("S",), "sort-the-other-way-round": ("s",)}
        await shown.press("S")
        await shown.sees("sort by")
        assert settings_path().read_text() == content
        await shown.press("escape", "f2")
        await shown.sees("2 actions with other keys")
        assert "nrod" not in shown.text.partition("settings")[2].partition("kept in")[0]


async def test_a_broken_file_is_kept(show_first: ShowFirst) -> None:
    write("theme = ")
    async with show_first() as shown:
        await shown.sees("is not TOML")
        shown.app.change_setting("theme", "nord")
        await shown.until(lambda: "settings.toml.broken-1" in words(shown).replace(" ", ""))
    assert written() == {"theme": "nord"}
    assert settings_path().with_name("settings.toml.broken-1").read_text() == "theme = "


async def test_a_file_that_cannot_be_written_costs_the_choice_only_after_the_end(show_first: ShowFirst) -> None:
    settings_path().mkdir(parents=True)
    async with show_first() as shown:
        await shown.press("f2", "enter")
        await go_to(shown, "nord")
        await shown.press("enter")
        await shown.until(lambda: "holdsuntilyouquit" in words(shown).replace(" ", ""))
        assert shown.app.theme == "nord"


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
async def test_every_setting_is_seen_at_every_size(show_first: ShowFirst, size: tuple[int, int]) -> None:
    async with show_first(size=size) as shown:
        await shown.press("f2")
        for name in ("Theme", "Pictures", "Runs", "Data", "Keys", "esc"):
            await shown.sees(name)


async def test_every_first_screen_opens_them(
    show_first: ShowFirst, run: Run, followed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "DecoderProcess", FakeDecoder)
    FakeTrainer(run).start()
    for first in (TrainingScreen(RunFeed(run)), WalkScreen(followed.latest().path)):
        async with show_first(first) as shown:
            await shown.press("f2")
            assert isinstance(shown.app.screen, SettingsScreen)
            await shown.press("f2")
            assert isinstance(shown.app.screen, type(first))
