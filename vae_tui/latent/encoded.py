"""Whole splits or folders as codes, in files that other programs read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import PackedImages, Progress
from vae_tui.data.folder import read_folder
from vae_tui.data.memory import memory_limit
from vae_tui.errors import DataError, VaeTuiError
from vae_tui.latent.codes import Latents, encode_images
from vae_tui.latent.sources import SPLITS, binarize_for, load_sets_of, split_as_trained_on
from vae_tui.model import VAE
from vae_tui.model.conditional import NO_LABEL
from vae_tui.runs.metadata import read_metadata

Format = Literal[".npz", ".csv", ".parquet"]


@dataclass(frozen=True)
class Encoded:
    """Posteriors N(mean, exp(log_variance)) of N images, (N, Z) both, and what is known of each.

    `codes` (N, S) are the numbers of a quantised posterior's. `splits` (N,) is the split it is of, `indexes` (N,) its number there, `files` (N,) its file. A label is an index into
    `class_names`, a column of `factors` (N, F) is named in `factor_names`. What is not known is None.
    """

    checkpoint: str
    mean: Latents
    log_variance: Latents
    codes: NDArray[np.int64] | None
    splits: tuple[str, ...]
    indexes: NDArray[np.int64]
    files: tuple[str, ...] | None
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    factors: NDArray[np.int64] | None
    factor_names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many images were encoded."""
        return len(self.mean)


def encode_sets(
    vae: VAE, checkpoint: Path, *, splits: Sequence[str], data_root: Path | None, progress: Progress
) -> Encoded:
    """The codes of splits of the images a checkpoint was trained on, seen as training saw them.

    Of all splits, those that there are. Raises VaeTuiError where the images, or a split named by itself, are not there.
    """
    sets = load_sets_of(read_metadata(checkpoint), data_root, progress, checkpoint)
    there = [split for split in splits if len(splits) == 1 or getattr(sets, split) is not None]
    parts = [(split, split_as_trained_on(sets, split, vae.recipe, progress)) for split in there]
    return _encode(vae, checkpoint, parts, sets.class_names, sets.factor_names, sets.notes, progress)


def encode_folder(vae: VAE, checkpoint: Path, folder: Path, *, progress: Progress) -> Encoded:
    """The codes of every image under a folder, resized and center-cropped to the model's size.

    They are drawn black or white once where the model was trained on such. Raises DataError where it holds none, or many
    broken ones.
    """
    if not folder.is_dir():
        raise DataError(
            f"--folder {folder} {'is no folder' if folder.exists() else 'is not there'}: give a folder of images"
        )
    channels, height, width = vae.image_shape
    if channels not in (1, 3):
        raise DataError(f"--folder: this model's images have {channels} channels, and those of photos are 1 or 3")
    memory = memory_limit("auto")
    stored = read_folder(folder, height=height, width=width, channels=channels, memory_bytes=memory, progress=progress)
    parts = [(split, images) for split in SPLITS if (images := getattr(stored, split)) is not None]
    if vae.recipe.data.binarize != "none":
        parts = [(split, binarize_for(vae.recipe, images, split, progress)) for split, images in parts]
    if len(parts) == 1:
        parts = [("", parts[0][1])]
    skipped = (f"left out, as they cannot be decoded: {', '.join(stored.skipped)}",) if stored.skipped else ()
    return _encode(vae, checkpoint, parts, stored.class_names, (), (*stored.notes, *skipped), progress)


def write_encoded(encoded: Encoded, kind: Format) -> bytes:
    """The content of a file: arrays by their names, or a row an image. Raises VaeTuiError where pyarrow is missing."""
    if kind == ".npz":
        file = io.BytesIO()
        np.savez(file, **_arrays(encoded))  # type: ignore[arg-type]
        return file.getvalue()
    columns = dict(_columns(encoded))
    if kind == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([f"{value:.9g}" if isinstance(value, float) else value for value in row])
        return text.getvalue().encode("utf-8", "surrogateescape")
    try:
        import pyarrow as pa  # noqa: PLC0415 - it is optional
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise VaeTuiError(
            ".parquet files need the package pyarrow: pip install 'vae-tui[parquet]'; .npz and .csv do without"
        ) from error
    whole = pa.BufferOutputStream()
    types = {np.dtype(np.float32): pa.float32(), np.dtype(np.int64): pa.int64()}
    table = pa.table(
        {
            name: pa.array(values, types[values.dtype] if isinstance(values, np.ndarray) else pa.string())
            for name, values in _typed_columns(encoded)
        }
    )
    parquet.write_table(table.replace_schema_metadata({"checkpoint": encoded.checkpoint}), whole)
    return bytes(whole.getvalue())


def _labels_for(vae: VAE, images: PackedImages, class_names: Sequence[str], trained_on: Sequence[str]) -> Tensor | None:
    """The images' labels as a conditional VAE counts its classes, which it knows by name; raises DataError for one that it must have."""
    if images.labels is None or not vae.class_count:
        return None
    known = [trained_on.index(name) if name in trained_on else NO_LABEL for name in class_names]
    labels = torch.tensor(known)[images.labels]
    if not vae.knows_no_label and vae.classifier is None and bool((labels == NO_LABEL).any()):
        others = [name for name, index in zip(class_names, known, strict=True) if index == NO_LABEL]
        raise DataError(
            f"the model always needs a class, and was trained on none called {', '.join(others[:6])}; it knows "
            f"{', '.join(trained_on[:20])}"
        )
    return labels


def _encode(
    vae: VAE,
    checkpoint: Path,
    parts: Sequence[tuple[str, PackedImages]],
    class_names: tuple[str, ...],
    factor_names: tuple[str, ...],
    notes: tuple[str, ...],
    progress: Progress,
) -> Encoded:
    trained_on = tuple(read_metadata(checkpoint).get("class_names", ()))
    if vae.class_count and any(images.labels is None for _, images in parts):
        given = "as the classifier has them" if vae.classifier is not None else "without a class"
        given = given if vae.knows_no_label or vae.classifier is not None else f"as class {trained_on[vae.label]}"
        notes = (*notes, f"the classes of these images are not known: they are encoded {given}")
    found = [
        encode_images(vae, images.pixels, _labels_for(vae, images, class_names, trained_on), progress=progress)
        for _, images in parts
    ]
    mean = np.concatenate([mean for mean, _ in found])
    labels, factors = (
        np.concatenate([getattr(images, known).numpy() for _, images in parts])
        if all(getattr(images, known) is not None for _, images in parts)
        else None
        for known in ("labels", "factors")
    )
    names = [images.names for _, images in parts]
    return Encoded(
        str(checkpoint),
        mean,
        np.concatenate([log_variance for _, log_variance in found]),
        _codes_of(vae, mean) if vae.recipe.model.is_quantised else None,
        tuple(split for split, images in parts for _ in range(len(images))),
        np.concatenate([np.arange(len(images)) for _, images in parts]),
        None if None in names else tuple(name for some in names for name in some or ()),
        labels,
        class_names,
        factors,
        factor_names,
        notes,
    )


@torch.no_grad()
def _codes_of(vae: VAE, mean: Latents) -> NDArray[np.int64]:
    """The numbers (N, S) of the codes that latents (N, Z) are."""
    device = next(vae.parameters()).device
    codes: NDArray[np.int64] = vae.posterior.codes(torch.from_numpy(mean).to(device)).cpu().numpy()
    return codes


def _arrays(encoded: Encoded) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "mean": encoded.mean,
        "log_variance": encoded.log_variance,
        "split": np.array(encoded.splits),
        "index": encoded.indexes,
        "checkpoint": np.array(encoded.checkpoint),
    }
    if encoded.codes is not None:
        arrays["codes"] = encoded.codes
    if encoded.files is not None:
        arrays["files"] = np.array(encoded.files)
    if encoded.labels is not None:
        arrays |= {"label": encoded.labels, "class_names": np.array(encoded.class_names)}
    if encoded.factors is not None:
        arrays |= {"factors": encoded.factors, "factor_names": np.array(encoded.factor_names)}
    return arrays


def _typed_columns(encoded: Encoded) -> Iterator[tuple[str, Sequence[str] | NDArray[Any]]]:
    """Every column of a table with a row an image: words, whole numbers or reals."""
    yield "split", encoded.splits
    yield "index", encoded.indexes
    if encoded.files is not None:
        yield "file", encoded.files
    if encoded.labels is not None:
        yield "label", encoded.labels
        if encoded.class_names:
            yield "class", [encoded.class_names[label] for label in encoded.labels]
    if encoded.factors is not None:
        for name, factor in zip(encoded.factor_names, encoded.factors.T, strict=True):
            yield f"factor_{name}", factor
    quantised = () if encoded.codes is None else (("code", encoded.codes),)
    for name, values in (*quantised, ("mean", encoded.mean), ("log_variance", encoded.log_variance)):
        for dimension, column in enumerate(values.T):
            yield f"{name}_{dimension}", column


def _columns(encoded: Encoded) -> Iterator[tuple[str, list[Any]]]:
    for name, values in _typed_columns(encoded):
        yield name, values.tolist() if isinstance(values, np.ndarray) else list(values)
