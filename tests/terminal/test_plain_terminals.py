"""A run on terminals that lack signs: they are sent only what they have, and are shown all of it."""

from __future__ import annotations

import re
import signal
import sys
from typing import Any

import pytest
from conftest import MakeRun, train_events

from vae_tui.runs.layout import Run

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

PICTURE_IN_CHARACTERS = re.compile(r"[.:=+*#%@-]{3}")
UNSET = None


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    run = make_run()
    list(train_events(run))
    return run


def watch(run: Run) -> list[str]:
    return [sys.executable, "-m", "vae_tui", "watch", str(run.path)]


def signs_sent(terminal: Any) -> set[str]:
    """All that is not ASCII."""
    return {sign for sign in terminal.received.decode("utf-8", "replace") if ord(sign) > 126}


def show_all(terminal: Any) -> str:
    """The dashboard, each pane alone, the help to its end; what was on the dashboard."""
    terminal.wait_until(lambda: "samples" in terminal.text and "step 15" in terminal.text)
    dashboard: str = terminal.text
    for key in (b"\t", b"\t", b"\t", b"\t", b"?"):
        seen = len(terminal.received)
        terminal.press(key)
        terminal.wait_until(lambda seen=seen: len(terminal.received) > seen)
    terminal.wait_until(lambda: "pause, resume" in terminal.text)
    terminal.press(b"\x1b[F")
    terminal.wait_until(lambda: "palette" in terminal.text)
    return dashboard


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "vt100"},
        {"TERM": "foo"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": UNSET, "PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "de_DE.ISO-8859-1"},
    ],
    ids=["vt100", "foo", "C", "latin-1 by Python", "latin-1 by the locale"],
)
def test_where_there_may_be_no_more_than_ascii_charts_and_pictures_are_ascii(
    open_terminal: Any, run: Run, environment: dict[str, str | None]
) -> None:
    terminal = open_terminal(watch(run), answers=None, size=(40, 120), environment=environment)
    dashboard = show_all(terminal)
    assert signs_sent(terminal) == set()
    assert PICTURE_IN_CHARACTERS.search(dashboard)
    assert "distortion" in dashboard


def test_a_console_without_braille_has_half_blocks_and_charts_of_ascii(open_terminal: Any, run: Run) -> None:
    terminal = open_terminal(watch(run), answers=None, size=(40, 120), environment={"TERM": "linux"})
    show_all(terminal)
    assert signs_sent(terminal) == {"▀", "▄"}


@pytest.mark.parametrize("term", ["dumb", "", "unknown", UNSET])
def test_a_terminal_that_shows_lines_and_no_more_is_sent_lines(open_terminal: Any, run: Run, term: str | None) -> None:
    terminal = open_terminal(watch(run), answers=None, environment={"TERM": term})
    assert terminal.process.wait() == 0
    terminal.wait_until(lambda: b"completed: 3 epochs" in terminal.received)
    assert b"\x1b" not in terminal.received
    assert signs_sent(terminal) == set()


def test_a_bar_is_of_signs_that_the_terminal_has_and_fits_its_width(open_terminal: Any, run: Run) -> None:
    program = [sys.executable, "-m", "vae_tui", "train", "--resume", str(run.path), "--ui", "plain"]
    longer = ["--set", "train.epochs=1000000"]
    terminal = open_terminal([*program, *longer], answers=None, environment={"TERM": "vt100"})
    terminal.wait_until(lambda: re.search(rb"epoch \d+  -ELBO [\d.]+ +.{0,9}-+", terminal.received))
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait() == 130
    assert signs_sent(terminal) == set()
