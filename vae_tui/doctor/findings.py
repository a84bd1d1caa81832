"""What was found of one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["good", "fair", "bad"]
"""`fair`: works, and could be better; `bad`: something will fail."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in words for people, with the `facts` below them for programs."""

    subject: str
    state: State
    found: str
    why: str
    advice: str = ""
    """What to do about it; empty where there is nothing to do."""
    facts: Mapping[str, Any] = field(default_factory=dict)
