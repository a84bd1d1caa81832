"""A screen as a job of a shell: suspended and taken up again, killed, and left by its line; the trainer goes on."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import psutil
import pyte
import pytest

from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

PROGRAM = f"{sys.executable} -m vae_tui"
OTHER_SCREEN, CURSOR, MOUSE, PASTE_MARKS, FOCUS = 1049, 25, 1003, 2004, 1004
_MODES = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]")


class Shell:
    """A shell in a terminal, and all that was written there."""

    def __init__(self, program: str, arguments: list[str], folder: Path, *, hang_up: signal.Handlers) -> None:
        environment = os.environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PS1": "READY> "}
        environment.pop("NO_COLOR", None)
        self.process = pexpect.spawn(
            program,
            arguments,
            cwd=str(folder),
            env=environment,
            dimensions=(40, 120),
            timeout=60,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, hang_up),
        )
        self.written, self._waited_for = bytearray(), 0
        self._screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self._screen)

    def wait_for(self, text: str) -> None:
        """Read until `text` was written, after what was waited for before."""
        while (found := self.written.find(text.encode(), self._waited_for)) < 0:
            self._read()
        self._waited_for = found + len(text)
        self._screen.reset()

    def wait_until_shown(self, *texts: str) -> None:
        """Read until all of it stands on the screen that was begun after what was waited for before."""
        while not all(text in "\n".join(self._screen.display) for text in texts):
            self._read()
        self._waited_for = len(self.written)

    def hang_up(self) -> None:
        """Cut the line."""
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), self.process.child_fd)

    def _read(self) -> None:
        read = self.process.read_nonblocking(1 << 16, 60)
        self.written += read
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", read))

    def is_set(self, mode: int) -> bool:
        """Whether the last word on a mode of the terminal was to set it."""
        last = [word == b"h" for modes, word in _MODES.findall(self.written) if str(mode).encode() in modes.split(b";")]
        return last[-1] if last else mode == CURSOR

    @property
    def settings(self) -> list[object]:
        """Input, output, control and local flags."""
        flags: list[object] = termios.tcgetattr(self.process.child_fd)[:4]
        return flags


@pytest.fixture
def open_shell(tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    opened: list[Shell] = []

    def open_one(
        program: str = "/bin/sh", arguments: tuple[str, ...] = (), hang_up: signal.Handlers = signal.SIG_DFL
    ) -> Shell:
        opened.append(Shell(program, list(arguments), tmp_path, hang_up=hang_up))
        return opened[-1]

    yield open_one
    for shell in opened:
        shell.process.close(force=True)
    for lock in tmp_path.glob("checkpoints/*/lock"):
        if pid := lock_holder(lock.parent):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def train(images_path: Path, tmp_path: Path) -> str:
    """The command that trains for ever."""
    (tmp_path / "blobs.toml").write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nepochs = 1000000\nbatch_size = 10\nthreads = 1\n"
    )
    return f"{PROGRAM} train blobs.toml --run mine"


def assert_a_shells(shell: Shell, before: list[object]) -> None:
    """The terminal is as a shell needs it."""
    assert shell.settings == before
    assert shell.is_set(CURSOR)
    for mode in (OTHER_SCREEN, MOUSE, FOCUS):
        assert not shell.is_set(mode), mode


def assert_a_screens(shell: Shell) -> None:
    """The terminal is as a screen needs it."""
    assert not int(str(shell.settings[3])) & (termios.ECHO | termios.ICANON)
    assert not shell.is_set(CURSOR)
    for mode in (OTHER_SCREEN, MOUSE, FOCUS, PASTE_MARKS):
        assert shell.is_set(mode), mode


def assert_still_trained(run: Run) -> None:
    assert lock_holder(run.path) is not None
    step = read_events(run.events_path)[-1].step
    while read_events(run.events_path)[-1].step == step:
        assert lock_holder(run.path) is not None
        time.sleep(0.05)


def test_a_suspended_screen_leaves_a_shell_and_comes_back_whole(
    open_shell: Callable[..., Shell], train: str, tmp_path: Path
) -> None:
    shell = open_shell("bash", ("--norc", "--noprofile", "-i"))
    shell.wait_for("READY> ")
    before = shell.settings
    shell.process.sendline(train)
    shell.wait_until_shown("samples", "┤")
    assert_a_screens(shell)

    shell.process.send("\x1a")
    shell.wait_for("Stopped")
    shell.wait_for("READY> ")
    assert_a_shells(shell, before)
    assert_still_trained(Run(tmp_path / "checkpoints" / "mine"))
    shell.process.sendline("echo $((6 * 7))")
    shell.wait_for("42")
    shell.wait_for("READY> ")

    shell.process.sendline("fg")
    shell.wait_until_shown("samples", "reconstructions", "┤", "q quit")
    assert_a_screens(shell)
    shell.process.send("q")
    shell.wait_until_shown("eave")
    shell.process.send("s")
    shell.wait_for("READY> ")
    assert_a_shells(shell, before)


def test_the_doctor_gives_a_terminal_back_after_kill_9(
    open_shell: Callable[..., Shell], train: str, tmp_path: Path
) -> None:
    shell = open_shell()  # one that does not set the terminal right by itself
    shell.wait_for("READY> ")
    before = shell.settings
    shell.process.sendline(train)
    shell.wait_until_shown("samples")
    (screen,) = psutil.Process(shell.process.pid).children()
    screen.kill()
    shell.wait_for("READY> ")
    assert_a_screens(shell)

    shell.process.sendline(f"{PROGRAM} doctor --reset-terminal")
    shell.wait_for("READY> ")
    assert_a_shells(shell, before)
    assert not shell.is_set(PASTE_MARKS)
    assert_still_trained(Run(tmp_path / "checkpoints" / "mine"))


@pytest.mark.parametrize("hang_up", [signal.SIG_DFL, signal.SIG_IGN], ids=["default", "ignored"])
def test_a_screen_ends_with_its_line_be_hang_ups_ignored_or_not(
    open_shell: Callable[..., Shell], train: str, tmp_path: Path, hang_up: signal.Handlers
) -> None:
    program, *arguments = train.split()
    shell = open_shell(program, tuple(arguments), hang_up)
    shell.wait_until_shown("samples")
    shell.hang_up()
    shell.process.wait()
    assert_still_trained(Run(tmp_path / "checkpoints" / "mine"))


@pytest.mark.parametrize("descriptor", [1, 2])
def test_where_the_screen_would_not_be_seen_there_is_none(tmp_path: Path, descriptor: int) -> None:
    def run(command: str) -> tuple[int | None, str]:
        line = f"{PROGRAM} {command} {descriptor}>other.txt"
        shell = pexpect.spawn("/bin/sh", ["-c", line], cwd=str(tmp_path), timeout=120, encoding="utf-8")
        shown = shell.read()
        shell.close()
        return shell.exitstatus, shown + (tmp_path / "other.txt").read_text()

    status, written = run("walk")
    assert status == 2
    assert "a walk needs a terminal" in written
    assert "\x1b[?1049h" not in written
    status, written = run("train digits --set train.epochs=1")
    assert status == 0
    assert "epoch   1" in written
    assert "\x1b[?1049h" not in written
