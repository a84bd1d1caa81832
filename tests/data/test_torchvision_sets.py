"""Sets that torchvision reads, and those of known factors, from files generated in the layout they are published in."""

from __future__ import annotations

import bz2
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from vae_tui.data import ImageSets, load_image_sets
from vae_tui.data.inventory import list_sets
from vae_tui.data.sets import PackedImages
from vae_tui.errors import DataError
from vae_tui.recipe import parse

Write = Callable[[Path], None]


def load(data_root: Path, name: str, **keys: Any) -> ImageSets:
    table = {"name": name, **keys}
    return load_image_sets(parse({"data": table})[0].data, seed=0, data_root=data_root, progress=lambda *_: None)


def picture(path: Path, grey: int, *, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> None:
    """An image of one grey, saved as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, grey if mode in ("L", "1") else (grey,) * 3).save(path)


def greys(images: PackedImages) -> list[int]:
    """The middle pixel of each image."""
    pixels = images.pixels[:]
    return pixels[:, 0, pixels.shape[2] // 2, pixels.shape[3] // 2].tolist()


def write_svhn(root: Path) -> None:
    for split, count in (("train", 12), ("test", 4)):
        pixels = np.broadcast_to(np.arange(count, dtype=np.uint8) * 10, (32, 32, 3, count))
        labels = (np.arange(count)[:, None] % 10).astype(np.uint8)
        labels[labels == 0] = 10  # as it is published
        scipy.io.savemat(root / f"{split}_32x32.mat", {"X": pixels, "y": labels})


def write_stl10(root: Path) -> None:
    folder = root / "stl10_binary"
    folder.mkdir()
    for split, count in (("train", 12), ("test", 4)):
        pixels = np.repeat(np.arange(count, dtype=np.uint8) * 10, 3 * 96 * 96)
        pixels.tofile(folder / f"{split}_X.bin")
        (np.arange(count, dtype=np.uint8) % 10 + 1).tofile(folder / f"{split}_y.bin")
    np.zeros(3 * 96 * 96, np.uint8).tofile(folder / "unlabeled_X.bin")
    (folder / "class_names.txt").write_text(
        "\n".join(["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"])
    )
    (folder / "fold_indices.txt").write_text("0\n")


def write_usps(root: Path) -> None:
    for name, count in (("usps.bz2", 12), ("usps.t.bz2", 4)):
        lines = []
        for number in range(count):
            value = number / 20
            lines.append(" ".join([str(number % 10 + 1), *(f"{place}:{value}" for place in range(1, 257))]))
        (root / name).write_bytes(bz2.compress("\n".join(lines).encode()))


def write_omniglot(root: Path) -> None:
    for part, count in (("images_background", 12), ("images_evaluation", 4)):
        for number in range(count):
            name = f"{('Greek', 'Latin')[number % 2] if count == 12 else 'Tengwar'}/character{number % 3:02}/{number:04}_01.png"
            picture(root / "omniglot-py" / part / name, 255 if number else 0, size=(105, 105), mode="1")
        (root / "omniglot-py" / f"{part}.zip").write_bytes(b"")


def write_celeba(root: Path) -> None:
    folder = root / "celeba"
    names = [f"{number + 1:06}.jpg" for number in range(18)]
    for number, name in enumerate(names):
        picture(folder / "img_align_celeba" / name, number * 10, size=(178, 218))
    partition = [0] * 12 + [1] * 2 + [2] * 4
    (folder / "list_eval_partition.txt").write_text(
        "".join(f"{n} {p}\n" for n, p in zip(names, partition, strict=True))
    )
    (folder / "identity_CelebA.txt").write_text("".join(f"{name} 1\n" for name in names))
    for file, header in (
        ("list_bbox_celeba.txt", "image_id x_1 y_1 width height"),
        ("list_landmarks_align_celeba.txt", "lefteye_x lefteye_y"),
        ("list_attr_celeba.txt", "Bald Smiling"),
    ):
        count = 4 if "image_id" in header else 2
        rows = "".join(f"{name} {' '.join(['1'] * count)}\n" for name in names)
        (folder / file).write_text(f"{len(names)}\n{header}\n{rows}")


def write_gtsrb(root: Path) -> None:
    folder = root / "gtsrb" / "GTSRB"
    for number in range(12):
        picture(folder / "Training" / f"{number % 3:05}" / f"{number:05}.ppm", number * 10)
    rows = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"]
    for number in range(4):
        picture(folder / "Final_Test" / "Images" / f"{number:05}.ppm", number * 10)
        rows.append(f"{number:05}.ppm;40;30;1;1;1;1;{number % 3}")
    (root / "gtsrb" / "GT-final_test.csv").write_text("\n".join(rows))


def write_food101(root: Path) -> None:
    folder = root / "food-101"
    (folder / "meta").mkdir(parents=True)
    for split, count in (("train", 12), ("test", 4)):
        ids: dict[str, list[str]] = {"apple_pie": [], "waffles": []}
        for number in range(count):
            kind = ("apple_pie", "waffles")[number % 2]
            ids[kind].append(f"{kind}/{split}{number:03}")
            picture(folder / "images" / kind / f"{split}{number:03}.jpg", number * 10)
        (folder / "meta" / f"{split}.json").write_text(repr(ids).replace("'", '"'))


def write_flowers102(root: Path) -> None:
    folder = root / "flowers-102"
    for number in range(18):
        picture(folder / "jpg" / f"image_{number + 1:05}.jpg", number * 10)
    scipy.io.savemat(folder / "imagelabels.mat", {"labels": np.arange(18) % 3 + 1})
    ids = {"trnid": np.arange(1, 13), "valid": np.arange(13, 15), "tstid": np.arange(15, 19)}
    scipy.io.savemat(folder / "setid.mat", ids)


def write_pets(root: Path) -> None:
    folder = root / "oxford-iiit-pet"
    (folder / "annotations" / "trimaps").mkdir(parents=True)
    for split, count in (("trainval", 12), ("test", 4)):
        lines = []
        for number in range(count):
            kind = ("Abyssinian", "beagle")[number % 2]
            lines.append(f"{kind}_{split}{number} {number % 2 + 1} 1 1")
            picture(folder / "images" / f"{kind}_{split}{number}.jpg", number * 10)
        (folder / "annotations" / f"{split}.txt").write_text("\n".join(lines))


def write_fer2013(root: Path) -> None:
    (root / "fer2013").mkdir()
    rows = ["emotion,pixels,Usage"]
    for usage, count in (("Training", 12), ("PublicTest", 2), ("PrivateTest", 2)):
        first = 2 if usage == "PrivateTest" else 0
        for number in range(first, first + count):
            rows.append(f"{number % 7},{' '.join([str(number * 10)] * (48 * 48))},{usage}")
    (root / "fer2013" / "fer2013.csv").write_text("\n".join(rows))


def write_pcam(root: Path) -> None:
    (root / "pcam").mkdir()
    for split, count in (("train", 12), ("valid", 2), ("test", 4)):
        numbers = np.arange(count)
        pixels = np.broadcast_to((numbers * 10).astype(np.uint8)[:, None, None, None], (count, 96, 96, 3))
        for letter, values in (("x", pixels), ("y", (numbers % 2).astype(np.uint8)[:, None, None, None])):
            with h5py.File(root / "pcam" / f"camelyonpatch_level_2_split_{split}_{letter}.h5", "w") as file:
                file[letter] = values


def write_eurosat(root: Path) -> None:
    for number in range(16):
        kind = ("Forest", "River")[number % 2]
        picture(root / "eurosat" / "2750" / kind / f"{kind}_{number:02}.jpg", number * 10, size=(64, 64))


KEPT: dict[str, tuple[Write, tuple[int, int, int], tuple[int, int | None, int], tuple[str, ...] | int]] = {
    "svhn": (write_svhn, (3, 32, 32), (12, None, 4), tuple("0123456789")),
    "stl10": (
        write_stl10,
        (3, 96, 96),
        (12, None, 4),
        ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"),
    ),
    "usps": (write_usps, (1, 16, 16), (12, None, 4), tuple("0123456789")),
    "fer2013": (
        write_fer2013,
        (1, 48, 48),
        (12, None, 4),
        ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    ),
    "pcam": (write_pcam, (3, 96, 96), (12, 2, 4), ("normal", "tumor")),
    "omniglot": (write_omniglot, (1, 28, 28), (12, None, 4), ("Greek", "Latin", "Tengwar")),
    "celeba": (write_celeba, (3, 64, 64), (12, 2, 4), 0),
    "gtsrb": (write_gtsrb, (3, 64, 64), (12, None, 4), ("0", "1", "2")),
    "food101": (write_food101, (3, 64, 64), (12, None, 4), ("apple_pie", "waffles")),
    "flowers102": (
        write_flowers102,
        (3, 64, 64),
        (12, 2, 4),
        ("pink primrose", "hard-leaved pocket orchid", "canterbury bells"),
    ),
    "oxford-iiit-pet": (write_pets, (3, 64, 64), (12, None, 4), ("Abyssinian", "Beagle")),
}


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few images pass for those that are published."""
    from torchvision import datasets

    for name in ("svhn", "stl10", "fer2013", "omniglot", "celeba", "flowers102"):
        monkeypatch.setattr(f"torchvision.datasets.{name}.check_integrity", lambda *_, **__: True)
    monkeypatch.setattr(datasets.CelebA, "_check_integrity", lambda _: True)


@pytest.mark.parametrize("name", KEPT)
def test_a_set_is_read_from_its_own_files(tmp_path: Path, name: str, unchecked: None) -> None:
    write, shape, (train, validation, test), class_names = KEPT[name]
    write(tmp_path)
    assert list_sets(tmp_path)[name]
    sets = load(tmp_path, name, validation=0.25)
    assert tuple(sets.test.pixels.shape[1:]) == shape
    held_out = validation if validation is not None else train // 4
    assert sets.validation is not None
    kept = train if validation is not None else train - held_out
    assert (len(sets.train), len(sets.validation), len(sets.test)) == (kept, held_out, test)
    if isinstance(class_names, tuple):
        assert sets.class_names[: len(class_names)] == class_names
        assert sets.test.labels is not None
        if name == "omniglot":
            assert sets.train.labels is not None
            assert (set(sets.train.labels.tolist()), set(sets.test.labels.tolist())) == ({0, 1}, {2}), "alphabets"
        elif name != "svhn":
            first = 14 if name == "flowers102" else 0
            classes = 10 if name in ("stl10", "usps") else len(class_names)
            expected = [number % classes for number in range(first, first + test)]
            assert sorted(sets.test.labels.tolist()) == sorted(expected)
    else:
        assert sets.class_names == ()
    if name == "omniglot":
        assert sorted(greys(sets.test)) == [0, 0, 0, 255], "strokes are bright"
    elif name == "usps":
        assert greys(sets.test) == [127, 133, 140, 146]
    elif name in ("svhn", "stl10", "fer2013", "pcam", "gtsrb"):
        assert greys(sets.test) == [0, 10, 20, 30]
    elif name == "celeba":
        assert np.allclose(greys(sets.test), [140, 150, 160, 170], atol=2)


def test_stl10_is_read_with_its_images_without_a_class_too(tmp_path: Path, unchecked: None) -> None:
    write_stl10(tmp_path)
    np.repeat(np.arange(201, 209, dtype=np.uint8), 3 * 96 * 96).tofile(tmp_path / "stl10_binary" / "unlabeled_X.bin")
    sets = load(tmp_path, "stl10-unlabeled", validation=0.0)
    assert (len(sets.train), len(sets.test)) == (12 + 8, 4)
    assert greys(sets.train) == [*range(0, 120, 10), *range(201, 209)]
    assert sets.train.labels is None
    assert sets.test.labels is not None
    assert sets.test.labels.tolist() == [0, 1, 2, 3]


def test_a_set_without_splits_is_cut(tmp_path: Path) -> None:
    write_eurosat(tmp_path)
    sets = load(tmp_path, "eurosat", test=0.25, validation=0.25, image_size=32)
    assert (len(sets.train), len(sets.test), sets.class_names) == (9, 4, ("Forest", "River"))
    assert tuple(sets.train.pixels.shape[1:]) == (3, 32, 32)


def test_images_are_decoded_once_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_eurosat(tmp_path)
    first = load(tmp_path, "eurosat")
    with monkeypatch.context() as patched:
        patched.setattr("torchvision.datasets.EuroSAT.__init__", lambda *_, **__: pytest.fail("it is opened anew"))
        again = load(tmp_path, "eurosat")
    assert torch.equal(first.train.pixels[:], again.train.pixels[:])
    assert again.class_names == ("Forest", "River")
    for number in range(16):
        kind = ("Forest", "River")[number % 2]
        picture(tmp_path / "eurosat" / "2750" / kind / f"{kind}_{number:02}.jpg", 200, size=(64, 64))
    assert set(greys(load(tmp_path, "eurosat").train)) == {200}
    assert load(tmp_path, "eurosat", image_size=16).train.pixels.shape[2:] == (16, 16)


def test_each_split_that_is_missing_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "published"
    published.mkdir()
    write_usps(published)
    asked = []

    def download(url: str, root: str, filename: str, md5: str) -> None:
        asked.append(url.rpartition("/")[2])
        (Path(root) / filename).write_bytes((published / filename).read_bytes())

    monkeypatch.setattr("torchvision.datasets.usps.download_url", download)
    home = tmp_path / "home"
    assert not list_sets(home)["usps"]
    assert len(load(home, "usps").test) == 4
    assert asked == ["usps.bz2", "usps.t.bz2"]
    (home / "usps.t.bz2").unlink()
    assert not list_sets(home)["usps"]
    load(home, "usps")
    assert asked[2:] == ["usps.t.bz2"]


def test_what_cannot_be_downloaded_says_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.eurosat.download_and_extract_archive", no_network)
    home = tmp_path / "home"
    with pytest.raises(DataError) as told:
        load(home, "eurosat")
    assert str(told.value) == (
        f"eurosat: eurosat/2750/*/*.jpg not in {home}, where torchvision's EuroSAT keeps it, and cannot be downloaded: "
        "no route to host; put it there, or name the folder that holds it with --data-root"
    )
    assert not home.exists(), "a mistyped folder is not left behind"
    with pytest.raises(DataError, match=r"fer2013/\*\.csv not in .* cannot be downloaded: it has no address"):
        load(home, "fer2013")


def test_what_is_damaged_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_usps(tmp_path)
    (tmp_path / "usps.bz2").write_bytes(b"no bzip2")
    with pytest.raises(
        DataError, match=r"usps: usps\.bz2 in .* cannot be read by torchvision's USPS: .* replace what is"
    ):
        load(tmp_path, "usps")
    write_pets(tmp_path)
    (tmp_path / "oxford-iiit-pet" / "annotations" / "test.txt").write_text("")
    with pytest.raises(DataError, match=r"annotations/test\.txt in .* hold no images; replace them"):
        load(tmp_path, "oxford-iiit-pet")
    write_eurosat(tmp_path)
    (tmp_path / "eurosat" / "2750" / "River" / "River_03.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"eurosat: image .* cannot be decoded: .*River_03.jpg"):
        load(tmp_path, "eurosat")
    write_pcam(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"pcam .* need the package h5py: pip install 'vae-tui\[h5\]'"):
        load(tmp_path, "pcam")


def test_faces_whose_test_labels_are_kept_back_have_none(tmp_path: Path, unchecked: None) -> None:
    write_fer2013(tmp_path)
    whole = tmp_path / "fer2013" / "fer2013.csv"
    rows = [row.split(",") for row in whole.read_text().splitlines()[1:]]
    train = "".join(f"{emotion},{pixels}\n" for emotion, pixels, usage in rows if usage == "Training")
    (tmp_path / "fer2013" / "train.csv").write_text("emotion,pixels\n" + train)
    test = "".join(f"{pixels}\n" for _, pixels, usage in rows if usage != "Training")
    (tmp_path / "fer2013" / "test.csv").write_text("pixels\n" + test)
    whole.unlink()
    sets = load(tmp_path, "fer2013")
    assert sets.train.labels is not None
    assert (sets.test.labels, len(sets.test)) == (None, 4)


def write_dsprites(path: Path, count: int = 36) -> None:
    numbers = np.arange(count)
    classes = np.stack([numbers * 0, numbers % 3, numbers % 6, numbers % 4, numbers % 5, numbers % 2], 1)
    imgs = np.zeros((count, 64, 64), np.uint8)
    imgs[numbers, numbers, 32] = 1
    np.savez_compressed(path, imgs=imgs, latents_classes=classes.astype(np.int64), latents_values=classes.astype(float))
    # As it is published: what describes it is a pickle.
    with zipfile.ZipFile(path, "a") as archive, archive.open("metadata.npy", "w") as member:
        np.lib.format.write_array(member, np.array(Exploding(), dtype=object), allow_pickle=True)


class Exploding:
    """What must never be unpickled."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('a pickle was run')",)


def test_dsprites_come_with_their_factors_and_no_pickle_is_opened(tmp_path: Path) -> None:
    assert pickle.dumps(Exploding())
    write_dsprites(tmp_path / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz")
    assert list_sets(tmp_path)["dsprites"]
    sets = load(tmp_path, "dsprites", validation=0.25, test=0.25)
    assert sets.factor_names == ("shape", "scale", "orientation", "x", "y")
    assert sets.class_names == ("square", "ellipse", "heart")
    assert sets.train.factors is not None
    assert sets.train.labels is not None
    pixels = sets.train.pixels[:]
    rows = pixels[:, 0, :, 32].argmax(1)
    assert int(pixels.max()) == 255
    assert torch.equal(sets.train.factors[:, 1], rows % 6)
    assert torch.equal(sets.train.labels, rows % 3)


def test_3dshapes_come_with_their_factors(tmp_path: Path) -> None:
    count = 40
    numbers = np.arange(count)
    labels = np.stack(
        [
            numbers % 10 / 10,
            numbers % 5 / 10,
            numbers % 2 / 10,
            0.75 + numbers % 8 / 14,
            numbers % 4,
            -30 + numbers % 15 * 60 / 14,
        ],
        1,
    )
    images = np.broadcast_to(numbers.astype(np.uint8)[:, None, None, None], (count, 64, 64, 3))
    (tmp_path / "3dshapes").mkdir()
    with h5py.File(tmp_path / "3dshapes" / "3dshapes.h5", "w") as file:
        file["images"], file["labels"] = images, labels
    for _ in range(2):  # from the file, and then from the cache
        sets = load(tmp_path, "3dshapes", validation=0.25, test=0.25)
        assert tuple(sets.train.pixels.shape[1:]) == (3, 64, 64)
        which = sets.train.pixels[:][:, 0, 0, 0].long()
        assert sets.train.factors is not None
        expected = torch.stack([which % 10, which % 5, which % 2, which % 8, which % 4, which % 15], 1)
        assert torch.equal(sets.train.factors, expected)
        assert sets.class_names == ("cube", "cylinder", "sphere", "capsule")


def test_sets_of_factors_that_are_not_there_or_others_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DataError, match=r"dsprites: dsprites_ndarray.*npz is neither in .* put it there as it is published"
    ):
        load(tmp_path, "dsprites")
    np.savez(tmp_path / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz", imgs=np.zeros((3, 64, 64), np.uint8))
    with pytest.raises(DataError, match="is not dSprites as it is published: its latents_classes cannot be read"):
        load(tmp_path, "dsprites")
    (tmp_path / "3dshapes.h5").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="is not 3D Shapes as it is published"):
        load(tmp_path, "3dshapes")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"need the package h5py: pip install 'vae-tui\[h5\]'"):
        load(tmp_path, "3dshapes")


def test_medmnist_s_archives_are_read_as_they_are(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 20), ("val", 6), ("test", 8)):
        arrays[f"{split}_images"] = generator.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count) % 3)[:, None].astype(np.uint8)
    np.savez_compressed(tmp_path / "pathmnist.npz", **arrays)  # type: ignore[arg-type]
    sets = load(tmp_path, "npz", root=str(tmp_path / "pathmnist.npz"))
    assert sets.validation is not None
    assert (len(sets.train), len(sets.validation), len(sets.test)) == (20, 6, 8)
    assert sets.test.labels is not None
    assert sets.test.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert tuple(sets.train.pixels.shape[1:]) == (3, 28, 28)
