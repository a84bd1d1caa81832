"""The real command in a real terminal: a pty, keys pressed, the screen read back."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pexpect
import pyte
import pytest
from fake_trainer import FakeTrainer

from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events
from vae_tui.runs.status import read_status

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

ROWS, COLUMNS = 40, 120


class Terminal:
    """A command in a pty, and what its screen shows."""

    def __init__(self, arguments: list[str], cwd: Path, more: dict[str, str]) -> None:
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        environment |= more
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "vae_tui", *arguments],
            cwd=str(cwd),
            env=environment,
            dimensions=(ROWS, COLUMNS),
            timeout=60,
            # Tests run under nohup would hand on that it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        """The screen as it is now."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            # pyte does not know the CSI sequences with < > or = that Textual asks a terminal's abilities with.
            self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", self.process.read_nonblocking(1 << 20, 0.1)))
        return "\n".join(self._screen.display)

    def wait_for(self, text: str) -> None:
        """Read until `text` stands on the screen."""
        deadline = time.monotonic() + 60
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} never came:\n{self.text}"

    def press(self, keys: str) -> None:
        """Type."""
        self.process.send(keys)

    def wait_for_exit(self) -> int:
        """Read to the end; the exit status."""
        self.process.expect(pexpect.EOF)
        self.process.close()
        assert self.process.exitstatus is not None
        return int(self.process.exitstatus)


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*arguments: str, environment: dict[str, str] | None = None) -> Terminal:
        opened.append(Terminal(list(arguments), tmp_path, environment or {}))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.process.close(force=True)
    for lock in tmp_path.glob("checkpoints/*/lock"):
        if pid := lock_holder(Run(lock.parent).path):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def recipe(images_path: Path, tmp_path: Path) -> str:
    (tmp_path / "blobs.toml").write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nepochs = 1000000\nbatch_size = 10\nthreads = 1\n"
    )
    return "blobs.toml"


def steps(run: Run) -> int:
    return read_events(run.events_path)[-1].step


def commands_done(run: Run) -> list[str]:
    return [event.command for event in read_events(run.events_path) if event.event == "command_done"]  # type: ignore[attr-defined]


def test_a_run_is_steered_left_found_again_and_stopped(
    open_terminal: Callable[..., Terminal], recipe: str, tmp_path: Path
) -> None:
    run = Run(tmp_path / "checkpoints" / "mine")
    screen = open_terminal("train", recipe, "--run", "mine")
    screen.wait_for("training")
    screen.wait_for("samples")

    screen.press(" ")
    screen.wait_for("paused")
    paused_at = steps(run)
    # Two answers of a paused trainer, one after the other: it took no step before the first, nor between them.
    for key, command in (("g", "sample"), ("s", "save")):
        screen.press(key)
        while command not in commands_done(run):
            screen.text  # noqa: B018 - a terminal nobody reads would block its program
        assert steps(run) == paused_at
    assert run.checkpoints()
    screen.press(" ")
    screen.wait_for("training")
    while steps(run) == paused_at:
        time.sleep(0.05)

    trainer = lock_holder(run.path)
    assert trainer is not None
    screen.process.kill(signal.SIGHUP)
    screen.process.wait()
    assert lock_holder(run.path) == trainer, "the trainer outlives its terminal"
    left_at = steps(run)

    again = open_terminal("watch", "mine")
    again.wait_for("training")
    again.wait_for("samples")
    while steps(run) <= left_at:
        again.text  # noqa: B018
    again.press("q")
    again.wait_for("eave")
    again.press("s")
    assert again.wait_for_exit() == 0
    assert read_status(run).phase == "stopped"
    assert commands_done(run) == ["pause", "sample", "save", "unpause", "stop"]


def test_a_run_that_finishes_stays_on_screen_until_it_is_quit(
    open_terminal: Callable[..., Terminal], recipe: str, tmp_path: Path
) -> None:
    screen = open_terminal("train", recipe, "--run", "short", "--set", "train.epochs=3")
    screen.wait_for("completed")
    screen.press("q")
    assert screen.wait_for_exit() == 0
    assert read_status(Run(tmp_path / "checkpoints" / "short")).phase == "completed"


def test_a_run_that_cannot_go_on_says_why_and_is_as_it_was(
    open_terminal: Callable[..., Terminal], recipe: str, images_path: Path
) -> None:
    screen = open_terminal("train", recipe, "--run", "kept", "--set", "train.epochs=1")
    screen.wait_for("completed")
    screen.press("q")
    assert screen.wait_for_exit() == 0
    np.save(images_path, 255 - np.load(images_path))
    again = open_terminal("train", "--resume", "kept", "--set", "train.epochs=2")
    again.wait_for("it could not go on, and is as it was")
    assert "failed" in again.text
    again.press("q")
    assert again.wait_for_exit() == 2
    watched = open_terminal("watch", "kept")
    watched.wait_for("it could not go on, and is as it was")
    assert "completed" in watched.text
    assert "failed" not in watched.text


def test_a_trainer_that_is_killed_is_said_on_screen_and_by_the_exit_code(
    open_terminal: Callable[..., Terminal], recipe: str, tmp_path: Path
) -> None:
    screen = open_terminal("train", recipe, "--run", "killed")
    screen.wait_for("samples")
    trainer = lock_holder(Run(tmp_path / "checkpoints" / "killed").path)
    assert trainer is not None
    os.kill(trainer, signal.SIGKILL)
    screen.wait_for("the trainer died before its end")
    screen.press("q")
    assert screen.wait_for_exit() == 1


def test_sigterm_gives_the_terminal_back_and_leaves_the_trainer_running(
    open_terminal: Callable[..., Terminal], recipe: str, tmp_path: Path
) -> None:
    screen = open_terminal("train", recipe, "--run", "left")
    screen.wait_for("samples")
    screen.process.kill(signal.SIGTERM)
    screen.process.expect(re.escape("\x1b[?1049l"))
    assert screen.wait_for_exit() == 0
    assert lock_holder(Run(tmp_path / "checkpoints" / "left").path) is not None


def test_without_colours_pictures_are_drawn_in_characters(open_terminal: Callable[..., Terminal], recipe: str) -> None:
    screen = open_terminal("train", recipe, "--run", "grey", environment={"NO_COLOR": "1"})
    screen.wait_for(" of 64 ")
    assert re.search(r"[.:=+*#%@-]{3}", screen.text), screen.text
    assert "▀" not in screen.text


def test_a_mistake_in_a_recipe_never_opens_the_screen(open_terminal: Callable[..., Terminal], recipe: str) -> None:
    screen = open_terminal("train", recipe, "--set", "train.epoch=3")
    screen.process.expect("did you mean epochs")
    assert b"\x1b[?1049h" not in screen.process.before
    assert screen.wait_for_exit() == 2


@pytest.mark.parametrize("tmux", [False, True])
def test_what_is_copied_is_sent_to_the_terminals_clipboard(
    open_terminal: Callable[..., Terminal], tmp_path: Path, tmux: bool
) -> None:
    """In base64 by OSC 52; inside tmux also past it."""
    run = Run.create(tmp_path / "checkpoints", "mine", "", exact=True)
    trainer = FakeTrainer(run)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("completed")
    screen = open_terminal("watch", "mine", environment={"TMUX": "/tmp/tmux,1,0"} if tmux else {})
    screen.wait_for("completed")
    screen.press("Y")
    screen.wait_for("copy of mine")
    screen.press("p")
    path = base64.b64encode(str(run.path).encode())
    screen.process.expect_exact(b"\x1b]52;c;" + path + b"\x07")
    if tmux:
        screen.process.expect_exact(b"\x1bPtmux;\x1b\x1b]52;c;" + path + b"\x07\x1b\\")
