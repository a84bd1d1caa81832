"""Which image sets are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from vae_tui.data.binarized_mnist import find_binarized_mnist
from vae_tui.data.cifar import CifarName, has_cifar
from vae_tui.data.factor_sets import find_factor_sets
from vae_tui.data.idx_sets import all_idx_sets
from vae_tui.data.mnist import is_there
from vae_tui.data.torchvision_sets import SETS, has_torchvision_set


def list_sets(data_root: Path) -> dict[str, bool]:
    """Whether each set that has a name can be read without a network; of EMNIST, any of the sets that it is."""
    there = {"digits": True, "sprites": True}
    there |= {name: any(is_there(which, data_root) for which in sets) for name, sets in all_idx_sets().items()}
    there |= {name: has_cifar(name, data_root) for name in get_args(CifarName)}
    there |= find_factor_sets(data_root)
    there |= {name: has_torchvision_set(name, data_root) for name in SETS}
    return there | {"binarized-mnist": len(find_binarized_mnist(data_root)) == 1}
