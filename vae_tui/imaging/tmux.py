"""What tmux says of itself and of the terminals around it, and how something gets through it to them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_PANE = "pane #{version} #{allow-passthrough} #{window_active}#{?window_zoomed_flag,#{pane_active},1}"
_CLIENT = "client #{client_created} #{client_name} #{client_termfeatures} #{client_termtype}"
_KNOW_PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}
_NAME = re.compile(r"(kitty|ghostty)\W*(\d+)\.(\d+)")
_PATIENCE = 2.0
"""Seconds; a server that is busy for longer is asked again."""


@dataclass(frozen=True)
class Attached:
    """A terminal that shows a pane."""

    name: str
    """What it calls itself, such as "kitty(0.41.1)"; "" where it has not answered."""
    features: frozenset[str]
    """What tmux takes it to know, among them "RGB" and "sixel"."""

    @property
    def knows_placeholders(self) -> bool:
        """Whether it shows pictures where text stands for them, as `placeholders` writes it."""
        found = _NAME.match(self.name.lower())
        return found is not None and (int(found[2]), int(found[3])) >= _KNOW_PLACEHOLDERS[found[1]]


@dataclass(frozen=True)
class Tmux:
    """A tmux around a pane, at one moment."""

    terminals: tuple[Attached, ...]
    passes: bool
    """Whether it hands on what is meant for the terminals around it."""
    onlookers: str
    """Who sees the pane; where this changes, there are some that were sent nothing so far."""


def ask_tmux(environment: Mapping[str, str]) -> Tmux | None:
    """Ask the tmux that a pane is of, which takes some milliseconds; None outside of one, and where it does not answer."""
    pane = environment.get("TMUX_PANE", "")
    if not environment.get("TMUX") or not pane:
        return None
    command = ["tmux", "display-message", "-p", "-t", pane, _PANE, ";", "list-clients", "-t", pane, "-F", _CLIENT]
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, errors="replace", timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return understand_tmux(done.stdout)


def understand_tmux(answer: str) -> Tmux | None:
    """What tmux answered; None where that is no answer."""
    lines = answer.splitlines()
    about = lines[0].split(" ") if lines else []
    if len(about) != 4 or about[0] != "pane":
        return None
    clients = [line.split(" ", 4)[1:] for line in lines[1:] if line.startswith("client ") and line.count(" ") >= 4]
    terminals = tuple(Attached(name, frozenset(features.split(","))) for _, _, features, name in clients)
    # Before 3.3 there is no such option, and it always does.
    passes = about[2] not in ("off", "0")
    return Tmux(terminals, passes, " ".join([about[3], *(began for began, _, _, _ in clients)]))


def pass_through(sequence: str) -> str:
    """An escape sequence for the terminal around tmux, which hands it on with `allow-passthrough on` and else drops it."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
