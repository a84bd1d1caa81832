"""The log of a run on the screen: what happened, and what its trainer printed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from shown import Shown

from vae_tui import events as ev
from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.log import LogScreen
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.widgets.log_view import LogView

pytestmark = pytest.mark.slow

ShowLog = Callable[..., AbstractAsyncContextManager[Shown]]


@pytest.fixture
def show_log(show: Any) -> ShowLog:
    @asynccontextmanager
    async def show_log(run: Run, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Shown]:
        async with show(run, size) as shown:
            await shown.press("L")
            await shown.until(lambda: isinstance(shown.app.screen, LogScreen) and "line" in shown.text)
            yield shown

    return show_log


@pytest.fixture
def trained(trainer: Any, live_run: Run) -> Run:
    trainer.start()
    trainer.begin()
    for _ in range(3):
        trainer.train_epoch()
    return live_run


def view(shown: Shown) -> LogView:
    return shown.app.screen.query_one(LogView)


def texts(shown: Shown) -> list[str]:
    """The rows in sight, without the scrollbar beside them."""
    return [line[:-4] for line in shown.lines[2:-4]]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_newest_events_are_in_sight(trained: Run, show_log: ShowLog, size: tuple[int, int]) -> None:
    async with show_log(trained, size) as shown:
        await shown.sees("saved step-000000360.safetensors")
        assert "▸ events  worker.log" in shown.lines[1]
        assert {len(line) for line in shown.lines} == {size[0]}
        assert "01-01 00:00:12        360  drew reconstructions" in shown.text


@pytest.mark.parametrize("typed", ["[/", "[/x]", "[x", "[b]"])
async def test_what_is_looked_for_is_no_markup(trained: Run, show_log: ShowLog, typed: str) -> None:
    async with show_log(trained) as shown:
        await shown.press("slash")
        for letter in typed:
            await shown.press(
                {"[": "left_square_bracket", "]": "right_square_bracket", "/": "slash"}.get(letter, letter)
            )
        await shown.sees(f"0 lines with {typed} of ")
        await shown.press("enter", "pageup")
        assert shown.app.return_code is None


async def test_what_comes_is_followed_until_one_scrolls(trainer: Any, trained: Run, show_log: ShowLog) -> None:
    async with show_log(trained) as shown:
        await shown.sees("saved step-000000360")
        trainer.train_epoch()
        await shown.sees("saved step-000000480")
        await shown.press("pageup")
        await shown.sees("held; end follows again")
        lines, count = texts(shown), view(shown).row_count
        trainer.train_epoch()
        await shown.until(lambda: view(shown).row_count > count)
        await shown.pilot.pause()
        assert texts(shown) == lines
        await shown.press("end")
        await shown.sees("saved step-000000600")
        trainer.train_epoch()
        await shown.sees("saved step-000000720")


async def test_lines_are_found_as_one_types(trainer: Any, trained: Run, show_log: ShowLog) -> None:
    trainer.write(ev.NoteAdded, note="posterior collapse", alarm="collapsed")
    async with show_log(trained) as shown:
        await shown.press("slash", *"SAVED")
        await shown.sees("3 lines with SAVED of")
        assert [line.split()[4] for line in shown.lines[2:5]] == ["saved"] * 3
        await shown.press("enter", "slash", *["backspace"] * 5, *"warning")
        await shown.sees("1 line with warning of")
        assert "warning: posterior collapse" in shown.lines[2]
        await shown.press("escape")
        await shown.sees("drew samples")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, TrainingScreen))
        assert isinstance(shown.app.screen, TrainingScreen)


async def test_what_the_trainer_printed_hides_nothing(trained: Run, show_log: ShowLog) -> None:
    trained.worker_log_path.write_bytes(b"\x1b[31mTraceback\x1b[0m caf\xe9\n" + b"x" * 200 + b"\n10%\r20%")
    async with show_log(trained) as shown:
        await shown.press("tab")
        await shown.sees(r"\x1b[31mTraceback\x1b[0m caf\xe9")
        assert "│ " + "x" * 114 in shown.lines[3]
        assert shown.lines[4].startswith("│     " + "x" * 85 + " ")
        assert "│ 20%" in shown.lines[5]
        with trained.worker_log_path.open("a") as file:
            file.write("\r30%\nnext\n")
        await shown.sees("│ next")
        assert "│ 30%" in shown.lines[5]
        await shown.press("tab")
        await shown.sees("saved step-000000360")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no {}"),
        (lambda path: path.mkdir(), "{} cannot be read: it is a folder, expected a file"),
        (os.mkfifo, "{} cannot be read: it is a FIFO, expected a file"),
    ],
)
async def test_a_log_that_is_none_is_one_sentence(
    trained: Run, show_log: ShowLog, make: Callable[[Path], None], said: str
) -> None:
    make(trained.worker_log_path)
    async with show_log(trained, (250, 40)) as shown:
        await shown.press("tab")
        await shown.sees(said.format(trained.worker_log_path))


async def test_of_a_log_of_a_gigabyte_the_end_is_there_and_older_lines_come(trained: Run, show_log: ShowLog) -> None:
    with trained.worker_log_path.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\n" + b"".join(b"line %d\n" % index for index in range(200_000)))
    async with show_log(trained) as shown:
        await shown.press("tab")
        await shown.sees("line 199999")
        assert "1.0 GiB of 1.0 GiB are older, and are read as you scroll up" in shown.text
        rows = view(shown).row_count
        await shown.press("home")
        top = texts(shown)
        await shown.until(lambda: view(shown).row_count > rows)
        await shown.pilot.pause()
        assert texts(shown) == top, "older lines moved those in sight"


async def test_what_is_looked_for_is_looked_for_in_older_lines_too(trained: Run, show_log: ShowLog) -> None:
    lines = ["the needle", *(f"line {index}" for index in range(200_000))]
    trained.worker_log_path.write_text("\n".join(lines))
    async with show_log(trained) as shown:
        await shown.press("tab", "slash", *"needle")
        await shown.sees("│ the needle")


async def test_lines_wrap_anew_where_the_terminal_changes(trained: Run, show_log: ShowLog) -> None:
    trained.worker_log_path.write_text("y" * 150 + "\n")
    async with show_log(trained) as shown:
        await shown.press("tab")
        await shown.until(lambda: view(shown).row_count == 2)
        await shown.pilot.resize_terminal(200, 30)
        await shown.until(lambda: view(shown).row_count == 1)
        assert view(shown).row_count == 1


async def test_the_log_of_the_run_under_the_cursor_opens_from_the_list(trained: Run) -> None:
    app = VaeTuiApp(HomeScreen(trained.path.parent))
    async with app.run_test(size=(160, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.sees(trained.name)
        await shown.settle()
        await shown.press("L")
        await shown.sees("saved step-000000360")
        await shown.press("question_mark")
        await shown.sees("the log of a run")
        await shown.press("escape", "q")
        assert isinstance(app.screen, HomeScreen)
