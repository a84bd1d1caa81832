"""The command that shows the screens in a browser."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.options import DataRoot, RunsDir
from vae_tui.cli.output import give, say
from vae_tui.errors import VaeTuiError


def serve(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The run to show, as for watch [default: all runs]."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; others than this machine's own are warned of.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0: any that is free.")] = 8000,
    runs_dir: RunsDir = Path("checkpoints"),
    data_root: DataRoot = None,
) -> None:
    """Show the screens in a browser, at a secret address.

    Prints the address, and serves until Ctrl-C. Each page that is open is a program of its own; what trains goes on when it
    is closed. It needs the package: pip install 'vae-tui[serve]'

    From another machine: ssh -L 8000:localhost:8000 HOST, then the address as it is.
    """
    from secrets import token_urlsafe

    from vae_tui.runs.find import find_run

    try:
        from vae_tui.web.server import serve as serve_pages
    except ModuleNotFoundError as error:
        raise VaeTuiError(
            f"the package {error.name} is missing, which serves screens: pip install 'vae-tui[serve]'"
        ) from error

    command = [sys.executable, "-m", "vae_tui"]
    if run is not None:
        command += ["watch", str(find_run(run, runs_dir).path)]
    command += ["--runs-dir", str(runs_dir), "--images", "auto"]
    command += ["--data-root", str(data_root)] if data_root is not None else []
    token = token_urlsafe(32)
    with _listen(host, port) as listening:
        port = listening.getsockname()[1]
        if not _is_loopback(host):
            say(
                f"warning: {host} can be reached from other machines. Whoever has the address below can do as you with all "
                f"runs, and what is sent is not encrypted; safer is, from the other machine: ssh -L {port}:localhost:{port} "
                f"{socket.gethostname()}"
            )
        give(f"http://{_name_in_address(host)}:{port}/{token}/")
        sys.stdout.flush()
        say("open this address in a browser; Ctrl-C ends it")
        _describe_browser()
        serve_pages(command, token, listening)
    raise KeyboardInterrupt


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        if not host or isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            way_out = "expected one such as 127.0.0.1"
            raise VaeTuiError(f"--host {host!r} is no address of this machine: {reason}; {way_out}") from None
        raise VaeTuiError(
            f"port {port} of {host} cannot be listened at: {reason}; take another by --port N, or any free one by --port 0"
        ) from error


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _name_in_address(host: str) -> str:
    """The host as it stands in an address; where it is all of this machine's, the machine's name."""
    if host in ("0.0.0.0", "::", ""):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _describe_browser() -> None:
    """Tell the programs of the terminal that is in the page, which is not the one they are started from."""
    os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONIOENCODING": "utf-8"})
