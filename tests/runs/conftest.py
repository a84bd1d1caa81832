from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.runs.layout import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A new run without a trainer."""
    return Run.create(tmp_path, "here", "[data]\n", exact=True)
