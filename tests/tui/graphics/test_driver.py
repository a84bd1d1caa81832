"""What the driver writes as a frame, without a terminal."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from vae_tui.tui.graphics.app import PictureApp
from vae_tui.tui.graphics.driver import PictureDriver


class Written:
    """Takes the place of the thread that writes."""

    frame_waits = False

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.rest: list[str] = []

    def put(self, text: str, *, is_frame: bool = False) -> None:
        (self.frames if is_frame else self.rest).append(text)


@pytest.fixture
async def driver(monkeypatch: pytest.MonkeyPatch) -> PictureDriver:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    driver = PictureDriver(PictureApp())
    driver._output = Written()  # type: ignore[assignment]
    return driver


def write_elsewhere(driver: PictureDriver, text: str) -> None:
    thread = threading.Thread(target=driver.write, args=[text])
    thread.start()
    thread.join()


async def test_an_app_knows_the_driver_that_was_made_for_it(driver: Any) -> None:
    assert driver._picture_app.line is driver


async def test_a_frame_is_one_write_that_the_terminal_shows_at_once(driver: Any) -> None:
    with driver.frame():
        for part in ("\x1b[?2026h", "one", "two", "\x1b[?2026l"):
            driver.write(part)
        write_elsewhere(driver, "answer")
    driver.write("after")
    assert driver._output.frames == ["\x1b[?2026honetwo\x1b[?2026l"]
    assert driver._output.rest == ["answer", "after"]


async def test_a_frame_that_is_given_up_takes_nothing_of_others_with_it(driver: Any) -> None:
    with driver.frame() as parts:
        driver.write("one")
        write_elsewhere(driver, "answer")
        parts.clear()
    assert (driver._output.frames, driver._output.rest) == ([], ["answer"])
