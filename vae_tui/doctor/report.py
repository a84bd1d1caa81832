"""Findings as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vae_tui import __version__
from vae_tui.doctor.findings import Finding
from vae_tui.text import printable, printable_json

_MARKS = {"good": ("✓", "green"), "fair": ("!", "yellow"), "bad": ("✗", "bold red")}
_PLAIN_MARKS = {"good": "+", "fair": "!", "bad": "x"}


def print_table(findings: Sequence[Finding]) -> None:
    """What was found on stdout; below each why that is thought, and what to do about it."""
    console = Console(highlight=False, soft_wrap=False)
    unicode = console.encoding.startswith("utf")
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, color = _MARKS[finding.state]
        text = Text(printable(finding.found), style="bold")
        text.append(f"\n{printable(finding.why)}", style="not bold dim")
        if finding.advice:
            text.append(f"\n{'→' if unicode else '->'} {printable(finding.advice)}", style=f"not bold {color}")
        table.add_row(Text(mark if unicode else _PLAIN_MARKS[finding.state], style=color), finding.subject, text)
    console.print(table)


def print_json(findings: Sequence[Finding]) -> None:
    """The same on stdout, by subject."""
    facts = {
        finding.subject: {
            "state": finding.state,
            "found": finding.found,
            "why": finding.why,
            "advice": finding.advice,
            **finding.facts,
        }
        for finding in findings
    }
    sys.stdout.write(printable_json(json.dumps({"vae_tui": __version__, **facts}, indent=2)) + "\n")
