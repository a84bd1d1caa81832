"""How a user left the screen."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["finished", "detached", "stopped"]
"""The run was over, or goes on without a screen, or was stopped from it."""
