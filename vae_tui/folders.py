"""Folders of the user's own, also where there is no home: in a container, for a user without a name, on a read-only disk."""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import platformdirs


def user_cache() -> Path:
    """Where data and decoded images are kept: XDG_CACHE_HOME or the home's cache, else a temporary folder."""
    return _own_folder("XDG_CACHE_HOME", ".cache", lambda: platformdirs.user_cache_path("vae-tui", appauthor=False))


def user_data() -> Path:
    """Where what a user saved outside of any run is kept."""
    return _own_folder("XDG_DATA_HOME", ".local/share", lambda: platformdirs.user_data_path("vae-tui", appauthor=False))


def user_config() -> Path:
    """Where what a user chose for the program is kept."""
    return _own_folder("XDG_CONFIG_HOME", ".config", lambda: platformdirs.user_config_path("vae-tui", appauthor=False))


def why_not_home() -> str:
    """Why caches are in a temporary folder, in words; empty where they are in the home or where XDG_CACHE_HOME says."""
    if Path(os.environ.get("XDG_CACHE_HOME", "")).is_absolute():
        return ""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path raises where there is none
    if not Path(home).is_absolute():
        return "HOME is not set and the user has no entry in the password file"
    return "" if _can_be_made(Path(home, ".cache", "vae-tui")) else f"the home {home} cannot be written"


def prepare_libraries() -> None:
    """Let torch find a folder to compile in where it would ask for the name of a user who has none."""
    try:
        getpass.getuser()
    except (KeyError, OSError, ModuleNotFoundError):
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(_temporary() / "torch"))


def open_scratch() -> IO[bytes]:
    """A file without a name, in memory where no temporary folder can be written."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return os.fdopen(os.memfd_create("vae-tui"), "w+b")


def _own_folder(variable: str, usual: str, by_platform: Callable[[], Path]) -> Path:
    # A relative path in the variable counts as none, by its own definition.
    folder = Path(os.path.expanduser("~"), usual, "vae-tui")  # noqa: PTH111
    with contextlib.suppress(RuntimeError):  # there is no home
        folder = by_platform() if by_platform().is_absolute() else folder
    chosen = Path(os.environ.get(variable, "")).is_absolute()
    return folder if chosen or (folder.is_absolute() and _can_be_made(folder)) else _temporary()


def _can_be_made(folder: Path) -> bool:
    """Whether a folder is there, or can be made."""
    there = folder
    # As os.path sees it: what may not be looked at is not there.
    while not os.path.exists(there):  # noqa: PTH110
        there = there.parent
    return there.is_dir() and (there == folder or os.access(there, os.W_OK | os.X_OK))


def _temporary() -> Path:
    """A temporary folder of this user's, the same every time unless somebody else made it."""
    try:
        folder = Path(tempfile.gettempdir(), f"vae-tui-{os.getuid()}")
    except FileNotFoundError:
        return Path(os.sep, "tmp", f"vae-tui-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return folder
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        return Path(tempfile.mkdtemp(prefix="vae-tui-"))
    return folder
