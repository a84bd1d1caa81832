"""`vae-tui doctor` in a terminal that answers, that answers late, and that does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

SIXEL = b"\x1bP>|XTerm(379)\x1b\\\x1b[6;18;9t\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?63;1;2;4;22c"


def examine(open_terminal: Any, tmp_path: Path, **given: Any) -> dict[str, Any]:
    """What doctor says in JSON to a file, with its stdin and stderr on the terminal."""
    out = tmp_path / "said.json"
    program = ["/bin/sh", "-c", f"{sys.executable} -m vae_tui doctor --json --runs-dir {tmp_path} > {out}; exec cat"]
    terminal = open_terminal(program, **given)
    terminal.wait_until(lambda: out.exists() and out.read_bytes().endswith(b"}\n"))
    attributes = termios.tcgetattr(terminal._master)[3]
    assert attributes & termios.ECHO
    assert attributes & termios.ICANON
    # Nothing that was answered is left to be typed into what comes next.
    terminal.press(b"typed\n")
    terminal.wait_until(lambda: terminal.received.count(b"typed\r\n") == 2)
    assert re.fullmatch(rb"typed\r\n(typed\r\n)*", terminal.received[terminal.received.index(b"typed") :])
    said: dict[str, Any] = json.loads(out.read_bytes())
    return said


@pytest.mark.parametrize("delay", [0.0, 0.5, 1.3])
def test_what_a_terminal_answers_is_told_however_far_away_it_is(
    open_terminal: Any, tmp_path: Path, delay: float
) -> None:
    said = examine(open_terminal, tmp_path, answers=SIXEL, delay=delay, environment={"TERM": "xterm"})
    assert said["terminal"]["name"] == "XTerm(379)"
    assert said["terminal"]["answer_seconds"] >= delay
    assert ("far away" in said["terminal"]["advice"]) == (delay > 0)
    assert said["pictures"]["modes"][0] == "sixel"
    assert "lists 4" in said["pictures"]["why"]["sixel"]
    assert said["colours"]["colors"] == "truecolor"
    assert (said["cell size"]["width"], said["cell size"]["height"]) == (9, 18)


def test_a_terminal_that_never_answers_is_told_of(open_terminal: Any, tmp_path: Path) -> None:
    said = examine(open_terminal, tmp_path, answers=None)
    assert "did not answer" in said["terminal"]["why"]
    assert said["pictures"]["modes"] == ["half", "ascii"]


def test_without_a_terminal_the_rest_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vae_tui", "doctor", "--runs-dir", str(tmp_path / "runs")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    for subject in ("terminal", "device", "threads", "data", "disk"):
        assert re.search(rf"^. {subject} +\S", done.stdout, re.MULTILINE), subject
    assert "none to ask" in done.stdout
    assert not (tmp_path / "runs").exists()
