"""Numbers of things, in words."""

from __future__ import annotations

import pytest

from vae_tui.counts import counted


@pytest.mark.parametrize(
    ("count", "thing", "said"),
    [
        (0, "image", "0 images"),
        (1, "epoch", "1 epoch"),
        (1797, "image", "1,797 images"),
        (2, "class", "2 classes"),
        (1, "class", "1 class"),
        (3, "training image", "3 training images"),
    ],
)
def test_one_thing_is_not_told_as_several(count: int, thing: str, said: str) -> None:
    assert counted(count, thing) == said
