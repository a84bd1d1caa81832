"""Code that a recipe brings along, which is run only for a user who trusts it.

Whoever trains a recipe runs what it names, and is known to trust them from then on, by the digest of their code. A
checkpoint of somebody else's is not opened where that means to run code, unless the user says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vae_tui.errors import CheckpointError
from vae_tui.folders import user_data

if TYPE_CHECKING:
    from vae_tui.recipe import Recipe

TRUST_ALL = "VAE_TUI_TRUST"
"""The variable that `--trust` sets, for this process and those it starts."""


def trust(code: str) -> None:
    """Remember that the user trusts this code; where nothing can be written, it has to be said again."""
    with contextlib.suppress(OSError):
        _mark(code).parent.mkdir(parents=True, exist_ok=True)
        _mark(code).touch()


def require_trust(recipe: Recipe, source: str) -> None:
    """Raise CheckpointError, about `source`, where the user does not trust the code that its recipe brings along."""
    kinds = {"model.network": "networks", "likelihood.name": "likelihood", "objective.name": "objective"}
    for key, (name, code) in recipe.own.items():
        if os.environ.get(TRUST_ALL) or _mark(code).exists():
            continue
        raise CheckpointError(
            f"{source} brings code of its own for its {kinds[key]} ({name}), which is not trusted here, and so not run; "
            f"read it, it is [{key.partition('.')[0]}] code in its recipe, and if you trust it: vae-tui --trust COMMAND ..."
        )


def _mark(code: str) -> Path:
    return user_data() / "trusted" / hashlib.sha256(code.encode()).hexdigest()
