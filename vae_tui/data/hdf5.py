"""HDF5 files, by the optional package h5py."""

from __future__ import annotations

from typing import Any

from vae_tui.errors import DataError


def import_h5py(name: str) -> Any:
    """The package h5py, to read the set of that name; raises DataError where it is not installed."""
    try:
        import h5py  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise DataError(
            f"{name} is kept in HDF5 files, which need the package h5py: pip install 'vae-tui[h5]'"
        ) from error
    return h5py
