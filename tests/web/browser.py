"""A headless Chromium, spoken to by its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyte

COLUMNS, ROWS = 300, 100
"""More than a page of the size below has room for."""

_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--remote-debugging-port=0",
    "--window-size=1200,800",
)


class Page:
    """A page that is open: what its terminal was sent, its picture, and keys typed into it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = iter(range(1, 1 << 30))
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.requested: list[str] = []

    async def call(self, method: str, **parameters: Any) -> Any:
        """Have the browser do something; its answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._receive()).get("id") != number:
            pass
        return message.get("result")

    async def sees(self, text: str) -> None:
        """Wait until a text was sent to the terminal in the page."""
        while not any(text in line for line in self._screen.display):
            await self._receive()

    async def press(self, key: str) -> None:
        """Press a key that is a sign."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def screenshot(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads((await self._socket.receive()).data)
        if message.get("method") == "Network.webSocketFrameReceived":
            frame = message["params"]["response"]
            if frame["opcode"] == 2:
                self._stream.feed(base64.b64decode(frame["payloadData"]))
        elif message.get("method") == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        return message


@asynccontextmanager
async def open_page(chromium: str, folder: Path, address: str) -> AsyncIterator[Page]:
    """A browser with its files in `folder` and one page, at an address; it ends with the body."""
    browser = subprocess.Popen(
        [chromium, *_SWITCHES, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (port_file := folder / "DevToolsActivePort").is_file() or not port_file.read_text().strip():
            assert browser.poll() is None, "the browser ended"
            await asyncio.sleep(0.05)
        base = f"http://127.0.0.1:{port_file.read_text().split()[0]}"
        async with aiohttp.ClientSession() as session:
            while not (pages := await _list_pages(session, base)):
                await asyncio.sleep(0.05)
            async with session.ws_connect(pages[0], max_msg_size=0) as socket:
                page = Page(socket)
                await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
                for domain in ("Network", "Page"):
                    await page.call(f"{domain}.enable")
                await page.call("Page.navigate", url=address)
                yield page
    finally:
        browser.terminate()
        browser.wait()


async def _list_pages(session: aiohttp.ClientSession, base: str) -> list[str]:
    async with session.get(f"{base}/json/list") as answer:
        return [one["webSocketDebuggerUrl"] for one in await answer.json() if one["type"] == "page"]
