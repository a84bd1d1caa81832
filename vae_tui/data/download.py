"""Files from the network, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from vae_tui.data.progress import Progress

_TIMEOUT_SECONDS = 15
_BLOCK_BYTES = 1 << 18


class DownloadFailed(Exception):
    """No source gave the file; `problems` has a line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def download(urls: Sequence[str], path: Path, md5: str, progress: Progress) -> None:
    """Download a file from the first source that has it; raises DownloadFailed."""
    problems = []
    for url in urls:
        try:
            _fetch(url, path, md5, progress)
            return
        except (OSError, HTTPException) as error:
            problems.append(f"{url}: {_reason(error)}")
    raise DownloadFailed(problems)


def _fetch(url: str, path: Path, md5: str, progress: Progress) -> None:
    """Download to a name aside, and rename once every byte is there and right; raises OSError, HTTPException."""
    stage = f"downloading {path.name}"
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    request = urllib.request.Request(url, headers={"User-Agent": "vae-tui"})
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with contextlib.ExitStack() as stack:
            answer = stack.enter_context(urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS))
            # Not before there is something to keep: a mistyped folder is not left behind.
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(aside.open("wb"))
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else None
            done = 0
            progress(stage, done, total)
            while block := answer.read(_BLOCK_BYTES):
                file.write(block)
                digest.update(block)
                done += len(block)
                progress(stage, done, total)
        if digest.hexdigest() != md5:
            raise OSError(f"the {done:,} bytes that came are not the file: md5 {digest.hexdigest()}, expected {md5}")
        os.replace(aside, path)
    finally:
        with contextlib.suppress(NotADirectoryError):
            aside.unlink(missing_ok=True)


def _reason(error: OSError | HTTPException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return str(error)
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
