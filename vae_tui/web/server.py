"""The server: textual-serve under an address that only those who were given it know."""

from __future__ import annotations

import asyncio
import hmac
import shlex
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

_PAGE = Path(__file__).parent / "page.html"
_SECONDS_TO_END = 1.0
"""How long pages are waited for before their programs are told to quit."""
_SECONDS_TO_QUIT = 5.0


class ScreenServer(Server):
    """Shows the program that a command starts, a process for each page that is open."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(f"exec {shlex.join(command)}", title="vae-tui")

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, which asks nobody else for anything."""
        return web.FileResponse(_PAGE)

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing; whoever serves has said where it is."""


async def make_application(command: Sequence[str], token: str) -> web.Application:
    """All pages under `/TOKEN/`; whatever else is asked for is refused."""
    application = web.Application(middlewares=[_admit_only(token)])
    application.add_subapp(f"/{token}/", await ScreenServer(command)._make_app())
    application.on_cleanup.append(_see_programs_end)
    return application


def serve(command: Sequence[str], token: str, listening: socket.socket) -> None:
    """Serve on a socket that listens, until SIGINT or SIGTERM; the programs that were started are ended then."""
    web.run_app(
        make_application(command, token),
        sock=listening,
        access_log=None,
        print=None,
        shutdown_timeout=_SECONDS_TO_END,
    )


async def _see_programs_end(application: web.Application) -> None:
    """Let the programs, which were told to quit, be gone before the server is; one that hangs is killed."""
    programs = psutil.Process().children()
    until = time.monotonic() + _SECONDS_TO_QUIT
    while running := [program for program in programs if program.is_running()]:
        if time.monotonic() > until:
            for program in running:
                program.kill()
        await asyncio.sleep(0.02)


def _admit_only(token: str) -> Middleware:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.path.split("/")[1]
        # In a time that tells nothing of how much of it was right.
        if not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
            raise web.HTTPForbidden(text="the address needs the token that `vae-tui serve` printed\n")
        return await handler(request)

    return admit
