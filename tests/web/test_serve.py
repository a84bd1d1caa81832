"""`vae-tui serve`: the screens in a browser, for those who have the token."""

from __future__ import annotations

import io
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from fake_trainer import FakeTrainer
from PIL import Image

from vae_tui.runs.layout import Run

pytest.importorskip("textual_serve", reason="the extra [serve] is not installed")

Cli = Callable[..., subprocess.CompletedProcess[str]]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Served:
    """A server that runs, and its address."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()
        parts = urlsplit(self.address)
        self.host, self.port, self.token = parts.hostname, parts.port, parts.path.strip("/")

    def ask(self, path: str, headers: dict[str, str] | None = None) -> int:
        """The status of what is answered."""
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    trainer = FakeTrainer(Run.create(tmp_path / "checkpoints", "fc20-s0", "", exact=True))
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("completed", "")
    process = subprocess.Popen(
        [sys.executable, "-m", "vae_tui", "serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Served(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


@pytest.mark.slow
def test_without_the_token_everything_is_refused(served: Served) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert len(served.token) > 40
    assert served.host == "127.0.0.1"
    assert served.ask(f"/{served.token}/") == 200
    assert served.ask(f"/{served.token}/static/js/textual.js") == 200
    for path in (
        "/",
        "/ws",
        "/static/js/textual.js",
        "/download/x",
        "/nothing",
        f"/{served.token[:-1]}/",
        "/%C3%A9/ws",
    ):
        assert served.ask(path) == 403, path
    assert served.ask("/ws", upgrade) == 403
    assert served.ask(f"/{served.token[:-1]}/ws", upgrade) == 403
    assert psutil.Process(served.process.pid).children() == []


@pytest.mark.slow
def test_an_interrupt_ends_it_with_nothing_left(served: Served) -> None:
    served.process.send_signal(signal.SIGINT)
    _, said = served.process.communicate()
    assert served.process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_sentence(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = cli("serve", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"port {port} of 127.0.0.1 cannot be listened at: ")
    assert "--port 0" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_run_that_is_not_there_is_said_to_be_before_anything_is_served(cli: Cli) -> None:
    done = cli("serve", "nothing", "--port", "0")
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_an_address_that_others_reach_is_warned_of(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "vae_tui", "serve", "--host", "0.0.0.0", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert said.startswith("warning: 0.0.0.0 can be reached from other machines.")
    assert f"ssh -L {served.port}:localhost:{served.port}" in said
    assert process.returncode == 130


@pytest.mark.slow
def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['textual_serve'] = None; sys.argv = ['vae-tui', 'serve']\n"
        "from vae_tui.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'vae-tui[serve]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.terminal
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
async def test_a_browser_shows_the_runs_takes_keys_and_asks_nobody_else(served: Served, tmp_path: Path) -> None:
    from web.browser import open_page

    assert CHROMIUM is not None
    async with open_page(CHROMIUM, tmp_path / "browser", served.address) as page:
        await page.sees("fc20-s0")
        await page.sees("completed")
        await page.press("?")
        await page.sees("the run above, below")
        picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
        assert len(picture.getcolors(1 << 24) or ()) > 20
        assert {urlsplit(address).netloc for address in page.requested if not address.startswith("data:")} == {
            urlsplit(served.address).netloc
        }
        children = psutil.Process(served.process.pid).children(recursive=True)
        assert len(children) == 1
        # With the page open: its program goes too.
        served.process.send_signal(signal.SIGINT)
        _, said = served.process.communicate()
        assert said == "open this address in a browser; Ctrl-C ends it\n"
        assert served.process.returncode == 130
        assert not any(child.is_running() for child in children)
