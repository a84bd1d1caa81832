"""Which image sets are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from vae_tui.data.binarized_mnist import find_binarized_mnist
from vae_tui.data.mnist import MnistName, find_mnist


def list_sets(data_root: Path) -> dict[str, bool]:
    """Whether each set that has a name can be read without a network."""
    there = {"digits": True, "sprites": True}
    for name in get_args(MnistName):
        there[name] = not find_mnist(name, data_root)[1]
    return there | {"binarized-mnist": len(find_binarized_mnist(data_root)) == 1}
