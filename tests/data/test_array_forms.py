"""The forms that people keep arrays of images in: names, axes, labels, values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae_tui.errors import DataError

GREY = (np.arange(40 * 28 * 28) % 251).astype(np.uint8).reshape(40, 28, 28)
COLOUR = (np.arange(40 * 3 * 5 * 7) % 251).astype(np.uint8).reshape(40, 3, 5, 7)
LABELS = np.arange(40) % 4


@pytest.fixture
def read(load, tmp_path) -> Callable[..., Any]:
    """Read arrays as a .npz, or one without a name as a .npy, and put back together what is cut from it."""

    def read(array: np.ndarray | None = None, /, *, key: str | None = None, **arrays: Any) -> Any:
        path: Path = tmp_path / ("set.npy" if array is not None else "set.npz")
        np.save(path, array) if array is not None else np.savez(path, **arrays)
        return load(name="npz", root=path, key=key)

    return read


def every(sets) -> torch.Tensor:
    """The images of all splits in the order of their sums, which is that of no split."""
    whole = torch.cat([part.pixels for part in (sets.train, sets.validation, sets.test)])
    return whole[whole.flatten(1).long().mul(torch.arange(1, whole[0].numel() + 1)).sum(1).argsort()]


def the_same(sets, expected: np.ndarray) -> bool:
    tensor = torch.from_numpy(np.ascontiguousarray(expected))
    weights = torch.arange(1, tensor[0].numel() + 1)
    return torch.equal(every(sets), tensor[tensor.flatten(1).long().mul(weights).sum(1).argsort()])


@pytest.mark.parametrize(
    ("stored", "expected", "told"),
    [
        (GREY[:, None], GREY[:, None], ()),
        (COLOUR, COLOUR, ()),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR, ()),
        (np.asfortranarray(COLOUR), COLOUR, ()),
        (GREY.reshape(40, 784), GREY[:, None], ("each row is read as 28 x 28 grey pixels",)),
        (GREY[:, :24, :18].reshape(40, 432), GREY[:, :24, :18].reshape(40, 3, 12, 12), ("12 x 12 pixels, all red",)),
        (GREY.reshape(40, 1, 784), GREY.reshape(40, 1, 1, 784), ("reshape to (N, 28, 28)",)),
    ],
)
def test_axes_are_told_apart_by_their_lengths(read, stored, expected, told) -> None:
    sets = read(stored)
    assert the_same(sets, expected)
    assert len(sets.notes) == len(told)
    assert all(words in note for words, note in zip(told, sets.notes, strict=True))


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((40, 3, 3, 3), "this may be 3 channels of 3 x 3 pixels, or 3 of 3 x 3"),
        ((40, 3, 32, 3), "cannot be told"),
        ((40, 1, 28, 1), "give grey images as (N, H, W)"),
        ((40, 3, 32, 1), "1 channels of 3 x 32 pixels, or 3 of 32 x 1"),
        ((64, 64, 3), "array[None]"),
        ((64, 64, 4), "array[None]"),
        ((28, 28, 300), "np.moveaxis(array, -1, 0)"),
        ((28, 28), "array[None]"),
        ((16, 16), "array[None]"),
        ((32, 32, 3, 90), "np.moveaxis(array, -1, 0)"),
        ((40, 6, 6, 4), "array[..., :3]"),
        ((40, 4, 6, 6), "array[:, :3]"),
        ((40, 6, 6, 2), "array[..., :1]"),
        ((1, 40, 6, 6, 3), "array[0]"),
        ((40, 785), "no square"),
        ((784,), "has no images"),
    ],
)
def test_axes_that_can_be_two_things_are_refused_with_a_way_out(read, shape, told) -> None:
    with pytest.raises(DataError) as error:
        read(np.zeros(shape, np.uint8))
    assert str(shape) in str(error.value)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"),
        ("X_train", "y_train", "X_valid", "y_valid", "X_test", "y_test"),
        ("train_x", "train_y", "dev_x", "dev_y", "test_x", "test_y"),
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
        ("trainImages", "trainLabels", "validImages", "validLabels", "testImages", "testLabels"),
        (
            "training_data",
            "training_targets",
            "validation_data",
            "validation_targets",
            "testing_data",
            "testing_targets",
        ),
        ("train", "train_label", "val", "val_label", "test", "test_label"),
    ],
)
def test_splits_and_labels_are_found_by_any_customary_name(read, names) -> None:
    parts = [slice(0, 20), slice(20, 30), slice(30, 40)]
    arrays: dict[str, np.ndarray] = {}
    for number, part in enumerate(parts):
        arrays |= {names[2 * number]: GREY[part], names[2 * number + 1]: LABELS[part]}
    sets = read(**arrays)
    for images, part in zip((sets.train, sets.validation, sets.test), parts, strict=True):
        assert torch.equal(images.pixels[:, 0], torch.from_numpy(GREY[part]))
        assert images.labels.tolist() == LABELS[part].tolist()
    assert not any("not used" in note for note in sets.notes)


@pytest.mark.parametrize("name", ["arr_0", "whatever", "Images", "data", "X", "dir/images"])
def test_one_array_may_have_any_name(read, name) -> None:
    assert the_same(read(**{name: GREY}), GREY[:, None])


def test_the_only_array_of_images_is_found_among_others_which_are_named(read) -> None:
    sets = read(scans=GREY, ages=np.arange(40), ids=np.arange(40))
    assert the_same(sets, GREY[:, None])
    assert sets.notes == ("not used: `ages`, `ids` in set.npz", "images: train `scans`")
    sets = read(images=GREY, holdout_images=GREY[:3], masks=GREY)
    assert the_same(sets, GREY[:, None])
    assert sets.notes == ("not used: `holdout_images`, `masks` in set.npz",)


def test_a_key_chooses_the_images_and_what_goes_with_them(read) -> None:
    arrays = {"x_train": GREY[:20], "x_test": GREY[20:25], "masks": GREY, "photos_train": GREY[25:]}
    with pytest.raises(DataError, match=r"several arrays.*--set data.key="):
        read(left=GREY, right=GREY)
    assert the_same(read(left=GREY[::-1] // 2, right=GREY, key="right"), GREY[:, None])
    sets = read(**arrays, key="x_train")
    assert torch.equal(sets.test.pixels[:, 0], torch.from_numpy(GREY[20:25]))
    assert "not used: `masks`, `photos_train` in set.npz" in sets.notes
    with pytest.raises(DataError, match=r"no array `nothing` \(data.key\); it holds x_train \(20, 28, 28\)"):
        read(**arrays, key="nothing")


def test_dsprites_factors_are_read_without_unpickling(read) -> None:
    steps = np.stack(
        [np.zeros(40, int), np.arange(40) % 3, np.arange(40) // 20, *np.tile(np.arange(40) % 4, (3, 1))], 1
    )
    sets = read(
        imgs=GREY,
        latents_classes=steps,
        latents_values=steps / 7,
        metadata=np.array({"title": "x"}, dtype=object),
    )
    assert sets.factor_names == ("shape", "scale", "orientation", "x", "y")
    assert sets.train.factors.shape == (32, 5)
    assert sets.train.factors[:, 0].unique().tolist() == [0, 1, 2]
    assert "not used: `latents_values`, `metadata` in set.npz" in sets.notes
    values_alone = read(imgs=GREY, latents_values=steps / 7)
    assert torch.equal(values_alone.train.factors, sets.train.factors)


def test_measured_numbers_are_no_factors_and_left_out_with_a_word(read) -> None:
    many = np.random.default_rng(0).random((400, 4))
    sets = read(imgs=GREY.reshape(40, 784).repeat(10, 0).reshape(400, 28, 28), latents_values=many)
    assert sets.train.factors is None
    assert any("column 0 takes 400 values" in note for note in sets.notes)


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        (LABELS[:, None], ("0", "1", "2", "3"), None),
        (np.eye(4)[LABELS], ("0", "1", "2", "3"), "one-hot, of 4 classes"),
        (np.eye(4, dtype=bool)[LABELS], ("0", "1", "2", "3"), "one-hot"),
        (LABELS.astype(np.float32), ("0", "1", "2", "3"), None),
        (LABELS.astype(np.uint64), ("0", "1", "2", "3"), None),
        (np.array([b"a", b"caf\xe9"])[LABELS % 2], ("a", "caf\udce9"), None),
        (LABELS + 0.5, (), "no whole numbers"),
        (np.full(40, np.nan), (), "no whole numbers"),
        (np.ones((40, 14), int), (), "several for each image"),
        (LABELS[:39], (), "39 for 40 images"),
        (np.int64(3), (), "int64 ()"),
        (np.array([None] * 40), (), "Python objects"),
        (LABELS.astype(complex), (), "expected whole numbers or strings"),
        (np.full(40, 2**63, np.uint64), (), "up to"),
    ],
)
def test_labels_in_any_form_are_read_or_left_out_with_a_word(read, labels, classes, told) -> None:
    sets = read(images=GREY, labels=labels)
    assert sets.class_names == classes
    assert (sets.train.labels is not None) == bool(classes)
    assert [told in note for note in sets.notes if "labels" in note] == [True] * (told is not None)


def test_labels_of_two_kinds_are_left_out_with_a_word(read) -> None:
    sets = read(images=GREY, labels=[1] * 40, test_images=GREY, test_labels=["a"] * 40)
    assert sets.class_names == ()
    assert sets.notes == (
        "labels `labels`, `test_labels`: they are left out: they are whole numbers in one split and strings in another",
    )


@pytest.mark.parametrize("outside", [1.0000001, 1.00009, -1e-9, -9e-5])
def test_floats_a_hair_outside_are_clipped_with_a_word(read, outside) -> None:
    images = (GREY / 250).clip(0, 1).astype(np.float32)
    images[3, 3, 3] = outside
    sets = read(images)
    assert "clipped to [0, 1]" in sets.notes[0]
    assert [sets.train.pixels.min(), sets.train.pixels.max()] == [0, 255]


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (GREY / 125 - 1, "(array + 1) / 2"),
        (GREY.astype(np.float32), "astype(np.uint8)"),
        (GREY * 1.01 - 100, "np.interp(array, "),
        (GREY.astype(np.uint16) * 257, "array / array.max()"),
        (GREY / 250 + 0.01, "values from"),
        (np.where(GREY == 7, np.nan, 0.5), "NaN, first in image 0"),
        (GREY.astype("datetime64[s]"), "expected bytes"),
    ],
)
def test_values_of_another_range_are_refused_with_a_way_out(read, images, told) -> None:
    with pytest.raises(DataError) as error:
        read(images)
    assert told in str(error.value)


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f2", "g"])
def test_floats_of_any_width_and_order_are_the_same(read, dtype) -> None:
    assert the_same(read((GREY // 128).astype(dtype)), GREY[:, None] // 128 * 255)


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (GREY // 17, "the brightest value of the training images is 14"),
        (np.full_like(GREY, 128), "every pixel of the training images is 128"),
        (np.zeros_like(GREY), "every pixel of the training images is 0"),
    ],
)
def test_images_with_next_to_nothing_in_them_are_told(read, images, told) -> None:
    assert told in read(images).notes[0]


def test_a_dark_split_beside_bright_ones_is_told(read) -> None:
    (note,) = read(train_images=GREY, test_images=GREY // 17).notes
    assert note.startswith("the brightest value of the training images is 250, of the test images 14 of 255")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\x80\x04\x95", "pickle"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\0\0\x08\x03", "idx"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"<!DOCTYPE html>", "web page"),
    ],
)
def test_other_files_are_named_as_what_they_are(load, tmp_path, content, told) -> None:
    (tmp_path / "set.npy").write_bytes(content)
    with pytest.raises(DataError, match=f"set.npy is no .npz, .npy or .tif file: it is .*{told}"):
        load(name="npz", root=tmp_path / "set.npy")


def test_a_folder_of_npy_files_is_read_as_one_archive(load, tmp_path) -> None:
    for name, array in (("x_train", GREY[:30]), ("y_train", LABELS[:30]), ("x_test", GREY[30:]), ("ages", LABELS)):
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "README.md").write_text("about it")
    for memory in ("auto", 1e-6):  # in memory, and from the cache
        sets = load(name="npz", root=tmp_path, validation=0.0, memory_gib=memory)
        assert torch.equal(sets.train.pixels[:][:, 0], torch.from_numpy(GREY[:30]))
        assert torch.equal(sets.test.pixels[:][:, 0], torch.from_numpy(GREY[30:]))
        assert sets.train.labels.tolist() == LABELS[:30].tolist()
        assert {"not used: `ages` in " + tmp_path.name, "not used: 1 .md (README.md)"} < set(sets.notes)
    (note, *_) = load(name="npz", root=tmp_path / "x_train.npy").notes
    assert note == "not used: x_test.npy beside x_train.npy; name the folder to read both"
    (tmp_path / "a").mkdir()
    np.savez(tmp_path / "a" / "set.npz", images=GREY)
    with pytest.raises(DataError, match=r"is a folder; .* name one of those in it: set.npz"):
        load(name="npz", root=tmp_path / "a")
