import warnings
import zipfile
from typing import Any

import numpy as np
import pytest
import torch

from vae_tui.errors import DataError

GREY = (np.arange(40 * 28 * 20) % 251).astype(np.uint8).reshape(40, 28, 20)
COLOUR = (np.arange(40 * 5 * 7 * 3) % 251).astype(np.uint8).reshape(40, 5, 7, 3)


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        path = tmp_path / "set.npz"
        np.savez_compressed(path, **arrays)
        return path

    return save


def whole(sets) -> torch.Tensor:
    """Every image of train and test, train first."""
    return torch.cat([sets.train.pixels, sets.test.pixels])


def test_every_split_and_its_labels_are_read(load, save, said) -> None:
    path = save(
        train_images=GREY,
        train_labels=np.arange(40) % 4,
        validation_images=GREY[:6],
        validation_labels=np.zeros(6, np.uint8),
        test_images=GREY[:8],
        test_labels=np.full(8, 3),
    )
    sets = load(name="npz", root=path)
    assert torch.equal(sets.train.pixels, torch.from_numpy(GREY).unsqueeze(1))
    assert torch.equal(sets.validation.pixels, sets.train.pixels[:6])
    assert torch.equal(sets.test.pixels, sets.train.pixels[:8])
    assert sets.train.labels.tolist() == [0, 1, 2, 3] * 10
    assert sets.test.labels.tolist() == [3] * 8
    assert sets.train.labels.dtype == torch.int64
    assert sets.class_names == ("0", "1", "2", "3")
    assert [said[0], said[-1]] == [("reading arrays", 0, 54), ("reading arrays", 54, 54)]


def test_images_alone_are_cut(load, save) -> None:
    sets = load(name="npz", root=save(images=GREY, labels=np.arange(40) % 2))
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [32, 4, 4]
    assert sets.train.pixels.shape[1:] == (1, 28, 20)


def test_colour_moves_its_channels_to_the_front(load, save) -> None:
    sets = load(name="npz", root=save(train_images=COLOUR, test_images=COLOUR[:2]), validation=0.0)
    assert torch.equal(sets.train.pixels, torch.from_numpy(COLOUR).permute(0, 3, 1, 2))
    assert sets.train.pixels.is_contiguous()


def test_one_channel_may_be_written_out(load, save) -> None:
    sets = load(name="npz", root=save(train_images=GREY[..., None], test_images=GREY), validation=0.0)
    assert torch.equal(sets.train.pixels, sets.test.pixels)


def test_an_npy_holds_images_alone(load, tmp_path) -> None:
    np.save(tmp_path / "grey.npy", GREY)
    sets = load(name="npz", root=tmp_path / "grey.npy", validation=0.0)
    assert [len(sets.train), len(sets.test)] == [36, 4]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([0, 1, 128, 255], np.int64), [0, 1, 128, 255]),
        (np.array([0, 1, 128, 255], np.uint16), [0, 1, 128, 255]),
        (np.array([0, 0.25, 0.5, 1], np.float64), [0, 64, 128, 255]),
        (np.array([0, 0.25, 0.5, 1], np.float32), [0, 64, 128, 255]),
        (np.array([0, 0.25, 0.5, 1], np.float16), [0, 64, 128, 255]),
        (np.array([True, False, True, True]), [255, 0, 255, 255]),
        (np.array([0, 1, 1, 0], np.uint8), [0, 255, 255, 0]),
        (np.array([0, 1, 1, 0], np.int32), [0, 255, 255, 0]),
        (np.array([0, 0, 0, 0], np.uint8), [0, 0, 0, 0]),
        (np.array([0, 1, 2, 0], np.uint8), [0, 1, 2, 0]),
    ],
)
def test_values_become_bytes(load, save, stored, expected) -> None:
    images = np.broadcast_to(stored.reshape(1, 2, 2).repeat(2, 1).repeat(2, 2), (20, 4, 4))
    sets = load(name="npz", root=save(images=images))
    assert sets.train.pixels[0, 0, ::2, ::2].flatten().tolist() == expected


def test_splits_of_different_ranges_are_refused(load, save) -> None:
    dark, bright = np.eye(4, dtype=np.uint8)[None].repeat(9, 0), np.full((9, 4, 4), 200, np.uint8)
    with pytest.raises(DataError, match=r"`train_images`.* holds 0 and 1, but .*`test_images`.* values up to 200"):
        load(name="npz", root=save(train_images=dark, test_images=bright), validation=0.0)
    # Wholly black ones are so in any range.
    sets = load(name="npz", root=save(train_images=dark, test_images=bright * 0), validation=0.0)
    assert sets.train.pixels.max() == 255


def test_labels_of_any_kind_become_indexes_of_class_names(load, save) -> None:
    labels = np.array(["shoe", "hat"] * 20)
    sets = load(name="npz", root=save(train_images=GREY, train_labels=labels, test_images=GREY[:3]), validation=0.0)
    assert sets.class_names == ("hat", "shoe")
    assert sets.train.labels.tolist() == [1, 0] * 20
    assert sets.test.labels is None


def test_labels_keep_their_numbers_as_names(load, save) -> None:
    sets = load(
        name="npz",
        root=save(train_images=GREY, train_labels=np.array([-5, 70] * 20), test_images=GREY, test_labels=[7] * 40),
        validation=0.0,
    )
    assert sets.class_names == ("-5", "7", "70")
    assert sets.train.labels.tolist() == [0, 2] * 20
    assert sets.test.labels.tolist() == [1] * 40


BAD: dict[str, Any] = {
    "out of range": (
        {"images": GREY.astype(np.int32) + 10},
        ["`images`", "int32 (40, 28, 20)", "10 to 260", "0..255"],
    ),
    "negative": ({"images": GREY.astype(np.int16) - 1}, ["-1 to 249", "0..255"]),
    "floats to 255": ({"images": GREY.astype(np.float32)}, ["float32", "0.0 to 250.0", "[0, 1]"]),
    "NaN": ({"images": np.full((9, 4, 4), np.nan)}, ["NaN", "[0, 1]"]),
    "infinite": ({"images": np.full((9, 4, 4), np.inf)}, ["inf", "[0, 1]"]),
    "flat": ({"images": GREY.reshape(40, -1)}, ["(40, 560)", "no square", "(N, H, W)"]),
    "five dimensions": ({"images": COLOUR[None]}, ["(1, 40, 5, 7, 3)"]),
    "four channels": ({"images": np.zeros((9, 6, 6, 4), np.uint8)}, ["(9, 6, 6, 4)", "C 1 or 3"]),
    "empty": ({"images": GREY[:0]}, ["(0, 28, 20)", "empty"]),
    "no pixels": ({"images": GREY[:, :0]}, ["(40, 0, 20)", "empty"]),
    "complex": ({"images": GREY.astype(np.complex64)}, ["complex64"]),
    "text": ({"images": GREY.astype(str)}, ["<U"]),
    "objects": ({"images": GREY.astype(object)}, ["`images`", "Python objects"]),
    "no images": ({"times": GREY[:, 0, 0], "places": GREY[:, 0, 0]}, ["has no images", "times (40,), places (40,)"]),
    "many images": (
        {"left": GREY, "right": GREY},
        ["several arrays that may be the images", "left (40, 28, 20)", "--set data.key=left"],
    ),
    "only test": ({"test_images": GREY, "other": GREY}, ["`test_images` but no images to train on"]),
    "two of a kind": ({"images": GREY, "train_images": GREY}, ["both `train_images` and `images`"]),
    "other size": ({"images": GREY, "test_images": GREY[:, :-1]}, ["`test_images`", "1 x 27 x 20", "1 x 28 x 20"]),
    "other channels": ({"images": COLOUR, "test_images": COLOUR[..., 0]}, ["1 x 5 x 7", "3 x 5 x 7"]),
}


@pytest.mark.parametrize("fault", BAD)
def test_arrays_that_are_no_images_are_refused(load, save, fault) -> None:
    arrays, told = BAD[fault]
    path = save(**arrays)
    with pytest.raises(DataError) as error:
        load(name="npz", root=path)
    for words in (str(path), *told):
        assert words in str(error.value)


@pytest.mark.parametrize("keep", [0, 3, 90, 500, -1])
@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_files_cut_short_are_refused(load, tmp_path, save, suffix, keep) -> None:
    path = tmp_path / f"set.{suffix}"
    save(images=GREY) if suffix == "npz" else np.save(path, GREY)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"set\.np"):
        load(name="npz", root=path)


def test_flipped_bytes_are_noticed(load, save) -> None:
    path = save(images=GREY)
    content = bytearray(path.read_bytes())
    content[200:220] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(DataError, match="`images` is damaged"):
        load(name="npz", root=path)


def test_missing_and_foreign_files_are_told_apart(load, tmp_path) -> None:
    with pytest.raises(DataError, match="no such file"):
        load(name="npz", root=tmp_path / "nowhere.npz")
    with pytest.raises(DataError, match=r'data\.name = "folder"'):
        load(name="npz", root=tmp_path)
    (tmp_path / "text.npz").write_text("not an array at all")
    with pytest.raises(DataError, match=r"text.npz is no .npz, .npy or .tif file"):
        load(name="npz", root=tmp_path / "text.npz")


@pytest.fixture
def binarized(tmp_path):
    def binarized(name: str = "set.npz", **arrays):
        (tmp_path / "BinarizedMNIST").mkdir(exist_ok=True)
        np.savez(tmp_path / "BinarizedMNIST" / name, **arrays)

    return binarized


def bits(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 2, (count, 28, 28), np.uint8)


@pytest.mark.parametrize("key", ["valid_images", "validation_images"])
def test_binarized_mnist_keeps_its_own_splits(load, binarized, key) -> None:
    binarized(train_images=bits(30), test_images=bits(10), **{key: bits(20)})
    sets = load(name="binarized-mnist", validation=0.5)
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [30, 20, 10]
    assert torch.equal(sets.test.pixels, torch.from_numpy(bits(10) * 255).unsqueeze(1))
    assert sets.class_names == ()


def test_binarized_mnist_without_validation_trains_on_everything(load, binarized) -> None:
    binarized(train_images=bits(30), valid_images=bits(20), test_images=bits(10))
    sets = load(name="binarized-mnist", validation=0.0)
    assert sets.validation is None
    assert len(sets.train) == 50


def test_binarized_mnist_says_what_is_missing(load, binarized, tmp_path) -> None:
    with pytest.raises(DataError) as error:
        load(name="binarized-mnist")
    for words in (str(tmp_path / "BinarizedMNIST"), "--data-root", "--set data.name=digits"):
        assert words in str(error.value)
    binarized(train_images=bits(30))
    with pytest.raises(DataError, match="no `test_images`"):
        load(name="binarized-mnist")
    binarized(train_images=bits(30), test_images=bits(30) * 2)
    with pytest.raises(DataError, match="values up to 2"):
        load(name="binarized-mnist")
    binarized("another.npz", train_images=bits(3))
    with pytest.raises(DataError, match=r"found 2: another.npz, set.npz"):
        load(name="binarized-mnist")


@pytest.mark.slow
def test_the_real_binarized_mnist(load, real_data) -> None:
    if not (real_data / "BinarizedMNIST").is_dir():
        pytest.skip(f"no BinarizedMNIST in {real_data}")
    sets = load(name="binarized-mnist", data_root=real_data)
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [50_000, 10_000, 10_000]
    assert set(sets.test.pixels.unique().tolist()) == {0, 255}
    assert 0.12 < (sets.train.pixels == 255).float().mean() < 0.14


def test_an_archive_whose_packing_is_damaged_is_told(load, tmp_path) -> None:
    path = tmp_path / "packed.npz"
    noise = np.random.default_rng(0).integers(0, 256, (40, 28, 20), np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive, archive.open("images.npy", "w") as file:
        np.save(file, noise)
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30  # the packing's own header
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        load(name="npz", root=path)


def test_two_arrays_of_one_name_are_refused(load, tmp_path) -> None:
    path = tmp_path / "images.npz"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for value in (0, 255):
            with archive.open("images.npy", "w") as file:
                np.save(file, np.full((40, 6, 6), value, np.uint8))
    with pytest.raises(DataError, match=r"two arrays called `images`.* np.savez"):
        load(name="npz", root=path)


def test_names_of_arrays_stay_on_their_line(load, tmp_path) -> None:
    path = tmp_path / "images.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("images\nrm -rf.npy", "w") as file:
        np.save(file, np.zeros((40, 6), np.float32))
    with pytest.raises(DataError) as error:
        load(name="npz", root=path)
    assert "\n" not in str(error.value)
