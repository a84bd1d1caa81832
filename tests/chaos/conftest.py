"""Chaos: what is killed, damaged, filled up and fed with nonsense, and what has to come of it.

Every test takes its share of seconds: a few in `make test`, `VAE_TUI_CHAOS_SECONDS` (an hour) in `make chaos`. What was
tried and what came of it is counted by kind; the table is printed at the end.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LONG_SECONDS = float(os.environ.get("VAE_TUI_CHAOS_SECONDS", "0"))
SEED = int(os.environ.get("VAE_TUI_CHAOS_SEED", "0"))
_COUNTS = Path(os.environ.get("VAE_TUI_CHAOS_COUNTS", "build/chaos"))


class Tally:
    """What was tried of a kind, and how each try ended: "the same", "named", "left out", ..."""

    def __init__(self, kind: str) -> None:
        self.kind, self.outcomes = kind, Counter[str]()

    def add(self, outcome: str) -> None:
        """Count one try."""
        self.outcomes[outcome] += 1


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Tally]]:
    """Makes a tally of a kind; its counts are kept for the table."""
    made: list[Tally] = []

    def make(kind: str) -> Tally:
        made.append(Tally(kind))
        return made[-1]

    yield make
    if LONG_SECONDS:
        _COUNTS.mkdir(parents=True, exist_ok=True)
        for one in made:
            path = _COUNTS / f"{os.getpid()}-{time.monotonic_ns()}.json"
            path.write_text(json.dumps({"kind": one.kind, "outcomes": one.outcomes}))


def rounds(short: int, *, share: float = 1.0) -> Iterator[int]:
    """Numbers from 0: `short` of them in `make test`, and as many as fit into a share of the long form's seconds."""
    ends = time.monotonic() + LONG_SECONDS * share
    number = 0
    while number < short or time.monotonic() < ends:
        yield number
        number += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of all that was tried."""
    if not LONG_SECONDS or not _COUNTS.is_dir():
        return
    total: dict[str, Counter[str]] = {}
    for path in sorted(_COUNTS.glob("*.json")):
        found = json.loads(path.read_text())
        total.setdefault(found["kind"], Counter()).update(found["outcomes"])
    terminalreporter.section("chaos")
    for kind, outcomes in sorted(total.items()):
        listed = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
        terminalreporter.write_line(f"| {kind} | {sum(outcomes.values()):,} | {listed} |")
