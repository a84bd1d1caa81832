"""Prompts take what is typed in its order, however quickly it comes."""

from __future__ import annotations

import pytest
from shown import Shown
from textual import events
from textual.app import App
from textual.screen import Screen

from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.choice import Choice, ChoiceScreen
from vae_tui.tui.screens.prompt import PromptScreen

NAMES = {"\b": "backspace", "\t": "tab", "\r": "enter", "<": "home", "_": "down"}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("abc\r", "abc"),
        ("12345\b\b\b6\r", "126"),
        ("bc<a\r", "abc"),
        ("be\t\b\b6\r", "beta=6"),
        ("__\r", "gamma=1"),
        ("x\bgam\t\r more", "gamma=1"),
    ],
)
async def test_keys_that_come_at_once_act_one_after_the_other(typed: str, answer: str) -> None:
    known = [("beta=40", ""), ("gamma=1", "")]
    prompt = PromptScreen("title", "hint", suggest=lambda text: [one for one in known if one[0].startswith(text)])
    answers: list[str | None] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        app.push_screen(prompt, answers.append)
        await pilot.pause()
        for key in typed:
            app.post_message(events.Key(NAMES.get(key, "space" if key == " " else key), None if key in NAMES else key))
        while not answers:
            await pilot.pause()
    assert answers == [answer]


async def test_ctrl_c_leaves_it() -> None:
    answers: list[str | None] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        app.push_screen(PromptScreen("title", "hint"), answers.append)
        await pilot.pause()
        await pilot.press("x", "ctrl+c")
        assert answers == [None]


@pytest.mark.parametrize(
    "screen",
    [
        PromptScreen("rename a[b]c[/]", "[red]hint[/]", suggest=lambda _: [("[b]", "[i]meaning")]),
        ChoiceScreen("stop a[b]c[/]?", [Choice("s", "stop", "[red]hint[/]")]),
    ],
    ids=["prompt", "choice"],
)
async def test_names_are_no_markup(screen: Screen[str | None]) -> None:
    app = VaeTuiApp(screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = Shown(app, pilot).text
    assert "a[b]c[/]" in text
    assert "[red]hint[/]" in text
    assert ("[i]meaning" in text) == isinstance(screen, PromptScreen)
