"""A real sshd on loopback, near and far: log in, walk, quit; the terminal is as it was."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pyte
import pytest

from vae_tui.runs.layout import Run

ROWS, COLUMNS = 24, 80
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.slow,
    pytest.mark.skipif(
        SSHD is None or shutil.which("ssh") is None or os.geteuid() != 0, reason="needs sshd, ssh and root"
    ),
]


@dataclass
class Host:
    """An sshd, and the key that it knows."""

    port: int
    key: Path
    environment: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    settings = (
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nAuthorizedKeysFile {folder / 'user.pub'}\n"
        "StrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile none\n"
    )
    (folder / "config").write_text(settings)
    Path("/run/sshd").mkdir(exist_ok=True)
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    passed_on = " ".join(f"{name}={os.environ[name]}" for name in ("PYTHONPATH", "PATH") if name in os.environ)
    yield Host(port, folder / "user", f"env COLORTERM=truecolor {passed_on}")
    server.terminate()
    server.wait()


@contextlib.contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """A port that passes on to another, each way so much later."""
    listener = socket.create_server(("127.0.0.1", 0))
    sockets: list[socket.socket] = [listener]

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        timers: list[tuple[float, bytes]] = []
        arrived = threading.Condition()

        def deliver() -> None:
            while True:
                with arrived:
                    arrived.wait_for(lambda: bool(timers))
                    due, block = timers.pop(0)
                time.sleep(max(0.0, due - time.monotonic()))
                with contextlib.suppress(OSError):
                    target.sendall(block) if block else target.shutdown(socket.SHUT_WR)
                if not block:
                    return

        threading.Thread(target=deliver, daemon=True).start()
        block = b"?"
        while block:
            try:
                block = source.recv(1 << 16)
            except OSError:
                block = b""
            with arrived:
                timers.append((time.monotonic() + seconds, block))
                arrived.notify()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                sockets.extend([near, far])
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    for each in sockets:
        each.close()


class Login:
    """A shell on the host, and what its screen shows."""

    def __init__(self, host: Host, port: int) -> None:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes"]
        arguments = [f"-o{option}" for option in options]
        self.process = pexpect.spawn(
            "ssh",
            [*arguments, "-i", str(host.key), "-p", str(port), "-tt", "root@127.0.0.1", "PS1='ready> ' sh -i"],
            env=os.environ | {"TERM": "xterm-256color"},
            dimensions=(ROWS, COLUMNS),
            timeout=60,
        )
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""

    def read(self) -> str:
        """The screen as it is now."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            block = self.process.read_nonblocking(1 << 20, 0.1)
            self.written += block
            # pyte does not know the sequences with < > or = that a terminal's abilities are asked with, nor APC.
            known = re.sub(rb"\x1b_.*?\x1b\\|\x1bP.*?\x1b\\", b"", block, flags=re.DOTALL)
            self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", known))
        return "\n".join(self._screen.display)

    def wait_for(self, pattern: str) -> str:
        """Read until a pattern is on the screen; what matched."""
        deadline = time.monotonic() + 90
        while (match := re.search(pattern, self.read())) is None:
            assert time.monotonic() < deadline, f"{pattern!r} never came:\n" + "\n".join(self._screen.display)
        return match[0]

    def wait_for_picture(self) -> None:
        """Read until the middle of the image's pane is grey, as these images are."""
        deadline = time.monotonic() + 90
        while not re.fullmatch(r"(..)\1\1", self._screen.buffer[10][22].bg):
            assert time.monotonic() < deadline, self._screen.buffer[10][22]
            self.read()

    def run(self, command: str) -> None:
        self.process.send(f"{command}\r")


@pytest.mark.parametrize("delay_seconds", [0.0, 0.15], ids=["near", "300 ms away"])
def test_walking_over_ssh_leaves_the_terminal_as_it_was(host: Host, walked_run: Run, delay_seconds: float) -> None:
    with delayed(host.port, delay_seconds) as port:
        login = Login(host, port)
        login.wait_for("ready>")
        login.run("clear; stty -g")
        before = login.wait_for(r"[0-9a-f]+(:[0-9a-f]+){10,}")
        login.run(f"clear; {host.environment} {sys.executable} -m vae_tui walk {walked_run.latest().path}")
        login.wait_for("4 of 5 active")
        login.process.send("LL")
        login.wait_for(r"z1 1\.50 .*\+2\.00")
        login.wait_for_picture()
        login.process.send("4")
        login.wait_for(r"z1 → ")
        login.process.send("q")
        login.wait_for("ready>")
        login.run("clear; stty -g")
        assert login.wait_for(r"[0-9a-f]+(:[0-9a-f]+){10,}") == before
        login.run("exit")
        login.process.expect(pexpect.EOF)
        login.process.close()
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1003h", b"\x1b[?1003l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert login.written.rfind(off) > login.written.rfind(on)
