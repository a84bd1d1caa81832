"""Labels in whatever form they are stored, as indexes of class names; a VAE needs none, so what is odd is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_MOST_CLASSES = 4096


class UnusableLabels(Exception):
    """Labels that are no classes; the message says why."""


def simplify_labels(labels: NDArray[Any], count: int) -> tuple[NDArray[Any], str | None]:
    """One label, a whole number or a string, for each of `count` images (count,), and what was done where that is odd.

    Raises UnusableLabels.
    """
    found = f"{labels.dtype} {labels.shape}"
    if labels.shape[:1] != (count,):
        held = len(labels) if labels.ndim else "none"
        raise UnusableLabels(f"they are {held:,} for {count:,} images" if labels.ndim else f"they are {found}")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    note = None
    if labels.ndim == 2 and labels.dtype.kind in "buif" and _is_one_hot(labels):
        labels, note = labels.argmax(1), f"they are read as one-hot, of {labels.shape[1]:,} classes"
    if labels.ndim != 1:
        raise UnusableLabels(f"they are {found}, several for each image")
    if labels.dtype.kind == "f":
        if not (np.isfinite(labels).all() and (np.rint(labels) == labels).all() and np.abs(labels).max() < 2**53):
            raise UnusableLabels(f"they are {found} and no whole numbers")
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "surrogateescape")
    if labels.dtype.kind == "u" and labels.size and labels.max() > np.iinfo(np.int64).max:
        raise UnusableLabels(f"they are {found}, up to {labels.max():,}")
    if labels.dtype.kind in "iub":
        labels = labels.astype(np.int64)
    elif labels.dtype.kind != "U":
        raise UnusableLabels(f"they are {found}; expected whole numbers or strings")
    return labels, note


def _is_one_hot(labels: NDArray[Any]) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all())


def index_labels(labels: Mapping[str, NDArray[Any]]) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """The labels (N,) of each split as indexes of class names, and these, in order; raises UnusableLabels."""
    if len({values.dtype.kind for values in labels.values()}) > 1:
        raise UnusableLabels("they are whole numbers in one split and strings in another")
    classes = np.unique(np.concatenate(list(labels.values()))) if labels else np.array([])
    if len(classes) > _MOST_CLASSES:
        raise UnusableLabels(f"they are of {len(classes):,} classes, more than {_MOST_CLASSES:,}")
    indexes = {
        name: torch.from_numpy(np.searchsorted(classes, values).astype(np.int64)) for name, values in labels.items()
    }
    return indexes, tuple(str(value) for value in classes.tolist())


def index_factors(factors: NDArray[Any]) -> tuple[torch.Tensor, list[int]]:
    """Factors (N, F) as counts from 0 (N, G), and which columns they are, those of one value being left out.

    Raises UnusableLabels for factors that are no steps, such as measured numbers.
    """
    if factors.ndim != 2 or factors.dtype.kind not in "biuf":
        raise UnusableLabels(f"they are {factors.dtype} {factors.shape}; expected (N, F)")
    columns, counted = [], []
    for column in range(factors.shape[1]):
        values, indexes = np.unique(factors[:, column], return_inverse=True)
        if len(values) > max(64, len(factors) // 4):
            raise UnusableLabels(f"column {column} takes {len(values):,} values, so they are no steps")
        if len(values) > 1:
            columns.append(column)
            counted.append(indexes.reshape(-1))
    if not columns:
        raise UnusableLabels("each of them takes one value only")
    return torch.from_numpy(np.stack(counted, 1).astype(np.int64)), columns
