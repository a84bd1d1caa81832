import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vae_tui.data import ImageSets, load_image_sets
from vae_tui.recipe import DataTable

Load = Callable[..., ImageSets]


@pytest.fixture
def said() -> list[tuple[str, int, int | None]]:
    """What the reader said of its progress."""
    return []


@pytest.fixture
def load(tmp_path: Path, said: list[tuple[str, int, int | None]]) -> Load:
    def load(*, seed: int = 0, data_root: Path = tmp_path, **data: Any) -> ImageSets:
        if isinstance(data.get("root"), Path):
            data["root"] = str(data["root"])
        return load_image_sets(
            DataTable(**data), seed=seed, data_root=data_root, progress=lambda *word: said.append(word)
        )

    return load


@pytest.fixture(scope="session")
def real_data() -> Path:
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    root = Path(os.environ.get("VAE_TUI_TEST_DATA", default))
    if not root.is_dir():
        pytest.skip(f"no real image sets in {root}; VAE_TUI_TEST_DATA names another folder")
    return root
