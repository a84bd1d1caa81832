from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def recipe(images_path: Path) -> Path:
    """A recipe for the blobs that trains in a moment."""
    path = images_path.with_name("blobs.toml")
    path.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nepochs = 3\nbatch_size = 20\n[sample]\ncount = 4\n"
    )
    return path
