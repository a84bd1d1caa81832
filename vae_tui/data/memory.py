"""How much memory images may take."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import psutil

GIB = 1 << 30

_UNIFIED = ("memory.max", "memory.current", "inactive_file")
_FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
"""How the second and the first version of control groups call their limit, their use and what of it is given back."""


def memory_limit(memory_gib: float | Literal["auto"]) -> int:
    """Bytes for `[data] memory_gib`; auto is half of what is available now, to this machine or to this container."""
    if memory_gib == "auto":
        return min(int(psutil.virtual_memory().available), *_left_to_groups(Path("/"))) // 2
    return int(memory_gib * GIB)


def in_gib(count: float) -> str:
    """Bytes as GiB, to three digits: "48.2 GiB"."""
    return f"{count / GIB:.3g} GiB"


def _left_to_groups(root: Path) -> list[int]:
    """Bytes left to each control group that holds this process (containers, batch systems); at least one figure."""
    left = [1 << 62]
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return left
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "memory"):
            top = root / "sys/fs/cgroup" / controllers
            path = Path(group.lstrip("/"))
            names = _FIRST if controllers else _UNIFIED
            left += [bytes_ for at in (path, *path.parents) if (bytes_ := _left(top / at, names)) is not None]
    return left


def _left(folder: Path, names: tuple[str, str, str]) -> int | None:
    limit_name, use_name, given_back_name = names
    try:
        limit = int((folder / limit_name).read_text())
        use = int((folder / use_name).read_text())
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, limit - use + int(statistics.get(given_back_name, 0)))
    except (OSError, ValueError):  # no such group here, or "max": no limit
        return None
