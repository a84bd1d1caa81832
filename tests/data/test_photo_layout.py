"""Folders of photos as people have them: splits, classes, wrappers, and what else lies in them."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from vae_tui.errors import DataError

_PAINTED = (i for i in range(10**9))


def paint(folder: Path, *names: str | int) -> None:
    """Different small images under these names; a number stands for as many."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for each in [f"{index}.png" for index in range(name)] if isinstance(name, int) else [name]:
            number = next(_PAINTED)
            colour = (number % 256, number // 256 % 256, 255)
            Image.new("RGB", (6, 6), colour).save(folder / each, format=None if "." in each else "PNG")


@pytest.fixture
def read(load, tmp_path):
    return lambda folder="d": load(name="folder", root=tmp_path / folder, image_size=4)


def sizes(sets) -> list[int]:
    return [len(sets.train), len(sets.validation), len(sets.test)]


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "valid", "test"),
        ("Train", "VAL", "Testing"),
        ("training", "dev", "testing"),
        ("train2017", "val2017", "test2017"),
        ("trn", "val", "tst"),
        ("train_images", "val_images", "test_images"),
        ("images_train", "images_validation", "images_test"),
        ("train set", "validation set", "test set"),
        ("training-data", "validation-data", "testing-data"),
        ("seg_train", "seg_valid", "seg_test"),
        ("1-train", "2-validate", "3-test"),
    ],
)
def test_splits_are_known_by_every_customary_name(read, tmp_path, train, validation, test) -> None:
    for folder, count in ((train, 6), (validation, 3), (test, 2)):
        paint(tmp_path / "d" / folder / "cat", count)
        paint(tmp_path / "d" / folder / "dog", count)
    sets = read()
    assert sizes(sets) == [12, 6, 4]
    assert sets.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "names", [("val", "valid"), ("test", "testing"), ("train", "training"), ("validation", "dev"), ("Test", "test")]
)
def test_two_folders_of_one_split_are_refused(read, tmp_path, names) -> None:
    for name in {"train", "test", *names}:
        paint(tmp_path / "d" / name, 4)
    with pytest.raises(DataError, match=f"has both .*{names[0]}.*expected one of them|has both"):
        read()


def test_images_and_labels_in_split_folders_are_those_of_roboflow(read, tmp_path) -> None:
    for split in ("train", "valid", "test"):
        paint(tmp_path / "d" / split / "images", 5)
        (tmp_path / "d" / split / "labels").mkdir()
        for index in range(5):
            (tmp_path / "d" / split / "labels" / f"{index}.txt").write_text("0 0.5 0.5 1 1")
    (tmp_path / "d" / "data.yaml").write_text("nc: 1")
    sets = read()
    assert sizes(sets) == [5, 5, 5]
    assert sets.class_names == ()
    assert sets.notes == (
        "not used: 15 .txt (test/labels/0.txt, test/labels/1.txt, test/labels/2.txt and 12 more), 1 .yaml (data.yaml)",
    )


def test_splits_within_a_folder_of_images_are_found(read, tmp_path) -> None:
    for split, count in (("train", 6), ("val", 3), ("test", 2)):
        paint(tmp_path / "d" / "images" / split, count)
        (tmp_path / "d" / "labels" / split).mkdir(parents=True)
    assert sizes(read()) == [6, 3, 2]


def test_a_folder_in_a_folder_is_looked_into(read, tmp_path) -> None:
    for split, count in (("train", 6), ("valid", 3), ("test", 2)):
        paint(tmp_path / "d" / "archive" / "set" / split / split / "cat", count)
        paint(tmp_path / "d" / "archive" / "set" / split / split / "dog", count)
    sets = read()
    assert sizes(sets) == [12, 6, 4]
    assert sets.class_names == ("cat", "dog")


def test_splits_within_classes_are_used_and_said(read, tmp_path) -> None:
    for name in ("cat", "dog"):
        for split, count in (("train", 6), ("val", 3), ("test", 2)):
            paint(tmp_path / "d" / name / split, count)
    sets = read()
    assert sizes(sets) == [12, 6, 4]
    assert sets.class_names == ("cat", "dog")
    assert sets.test.labels.tolist() == [0, 0, 1, 1]
    assert "each folder of d/ is divided into splits (train, validation, test)" in sets.notes[0]
    paint(tmp_path / "d" / "bird", 6)
    with pytest.raises(DataError, match="cat/ is divided into splits, but bird/ not"):
        read()


def test_splits_in_the_names_of_files_are_used_and_said(read, tmp_path) -> None:
    paint(tmp_path / "d", *(f"train_{i}.png" for i in range(8)), *(f"test_{i}.png" for i in range(3)), "val-1.png")
    sets = read()
    assert sizes(sets) == [8, 1, 3]
    assert sets.notes == (
        "every file's name begins with its split, which is used as such: train 8, validation 1, test 3",
    )
    paint(tmp_path / "d", "other.png")
    assert sum(sizes(read())) == 13


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (("train", "eval"), "train/ beside other images \\(eval/\\)"),
        (("train", "holdout"), "name folders validation/ or test/ that are such splits"),
        (("train", "unlabeled"), "beside other images"),
        (("train", "plane", "car"), "rename train/ if it is a class"),
        (("trainA", "trainB", "testA", "testB"), "look like splits, but several of them"),
        (("train1", "train2", "test1"), "several of them"),
        (("train/train", "train/test", "val"), "holds folders for train, test itself"),
        (("val", "test"), "but no train/"),
    ],
)
def test_what_may_be_a_split_or_not_is_refused(read, tmp_path, folders, told) -> None:
    for folder in folders:
        paint(tmp_path / "d" / folder, 4)
    with pytest.raises(DataError, match=told):
        read()


def test_classes_that_are_not_trained_on_or_sound_like_splits_are_told(read, tmp_path) -> None:
    for folder in ("d/train/cat", "d/train/dog", "d/test/Cat", "d/test/dog", "e/cat", "e/eval"):
        paint(tmp_path / folder, 5)
    assert read().notes == ("no training image is of test classes Cat",)
    assert read("e").notes == ("eval/ is read as a class, and trained on",)


def test_images_beside_splits_are_left_aside_with_a_word(read, tmp_path) -> None:
    for folder, count in (("train", 6), ("val", 3), ("test", 2), ("unlabeled", 4)):
        paint(tmp_path / "d" / folder, count)
    paint(tmp_path / "d", "preview.png")
    sets = read()
    assert sizes(sets) == [6, 3, 2]
    assert sets.notes == (
        "not used: 5 images beside the splits (preview.png, unlabeled/0.png, unlabeled/1.png and 2 more)",
    )


def test_masks_beside_images_are_no_class(read, tmp_path) -> None:
    paint(tmp_path / "d" / "images", 10)
    paint(tmp_path / "d" / "masks", 10)
    sets = read()
    assert sum(sizes(sets)) == 10
    assert sets.class_names == ()
    assert sets.notes[0].startswith("not used: 10 annotations (masks/0.png")


def test_masks_divided_as_the_images_are_are_no_class_either(read, tmp_path) -> None:
    for folder in ("images/train", "images/val", "masks/train", "masks/val"):
        paint(tmp_path / "d" / folder, 4)
    sets = read()
    assert [len(sets.train), len(sets.validation)] == [3, 4]
    assert sets.class_names == ()
    assert sets.notes[0].startswith("not used: 8 annotations")


def test_the_labels_of_cityscapes_are_no_class(read, tmp_path) -> None:
    for split in ("train", "val"):
        paint(tmp_path / "d" / "leftImg8bit" / split / "aachen", 6)
        paint(tmp_path / "d" / "gtFine" / split / "aachen", 6)
    sets = read()
    assert sizes(sets) == [5, 6, 1]
    assert sets.notes[0].startswith("not used: 12 annotations (gtFine/train/aachen/")


def test_splits_at_the_end_of_file_names_are_used_and_said(read, tmp_path) -> None:
    paint(tmp_path / "d", *(f"{number}_train.png" for number in range(8)), "8-test.png", "9.Test.png")
    sets = read()
    assert [len(sets.train) + len(sets.validation), len(sets.test)] == [8, 2]
    assert "every file's name ends with its split, which is used as such: train 8, test 2" in sets.notes


def test_folders_within_those_of_classes_are_told(read, tmp_path) -> None:
    for folder in ("animal/cat", "animal/dog", "plant/tree"):
        paint(tmp_path / "d" / folder, 6)
    sets = read()
    assert sets.class_names == ("animal", "plant")
    assert "folders within a class's are not told apart: animal/ holds cat/, dog/" in sets.notes


@pytest.mark.parametrize("name", ["tr", "Te", "prueba", "trainval"])
def test_classes_that_sound_like_splits_elsewhere_are_told(read, tmp_path, name) -> None:
    for folder in (name, "others"):
        paint(tmp_path / "d" / folder, 6)
    assert f"{name}/ is read as a class, and trained on" in read().notes


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("photos.zip", "unpack the archive"),
        ("a.HEIC", "convert them to PNG or JPEG"),
        ("images.npz", 'data.name = "npz" reads arrays'),
        ("train.parquet", "save the images as files, or as a .npy"),
    ],
)
def test_a_folder_of_other_files_alone_is_refused_with_what_to_do(read, tmp_path, name, told) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_bytes(b"1")
    with pytest.raises(DataError, match=rf"holds no images .*; not used: 1 .* \({name}\); {told}$"):
        read()


def test_a_divided_folder_beside_others_is_refused(read, tmp_path) -> None:
    paint(tmp_path / "d" / "data" / "train", 4)
    paint(tmp_path / "d" / "previews", 4)
    with pytest.raises(DataError, match="data/ is divided into splits, but previews/ not"):
        read()


def test_every_other_file_is_told_once_by_kind(read, tmp_path) -> None:
    paint(tmp_path / "d" / "cat", 6)
    paint(tmp_path / "d" / "dog", 6)
    (tmp_path / "d" / "bird").mkdir()
    for name in ("a.heic", "b.HEIC", "cat/c.heic", "cat/d.heic", "notes.txt", "labels.csv", "README", ".secret.jpg"):
        (tmp_path / "d" / name).write_text("x")
    (tmp_path / "d" / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "d" / "dog" / "again").symlink_to(tmp_path / "d" / "cat")
    (tmp_path / "d" / "dog" / "7.png").symlink_to(tmp_path / "d" / "cat" / "0.png")
    os.mkfifo(tmp_path / "d" / "pipe.jpg")
    sets = read()
    assert sum(sizes(sets)) == 12
    (note,) = sets.notes
    for words in (
        "not used: 4 .heic (a.heic, b.HEIC, cat/c.heic and 1 more)",
        "2 links to what is here already (dog/7.png, dog/again)",
        "1 .txt (notes.txt)",
        "1 .csv (labels.csv)",
        "1 without an ending (README)",
        "1 hidden (.secret.jpg)",
        "1 neither file nor folder (pipe.jpg)",
        "1 empty folder (bird)",
    ):
        assert words in note or note.endswith("of other kinds")


def test_what_file_managers_leave_behind_is_no_data_and_no_news(read, tmp_path) -> None:
    paint(tmp_path / "d" / "cat", 6)
    paint(tmp_path / "d" / "dog", 6)
    for dropping in ("cat/@eaDir/0.png", ".thumbnails/0.png", "__MACOSX/cat/0.png", "cat/.ipynb_checkpoints/0.png"):
        paint(tmp_path / "d" / Path(dropping).parent, Path(dropping).name)
    for dropping in ("Thumbs.db", ".DS_Store", "desktop.ini", "cat/._0.png"):
        (tmp_path / "d" / dropping).write_bytes(b"\0")
    sets = read()
    assert sum(sizes(sets)) == 12
    assert sets.class_names == ("cat", "dog")
    assert sets.notes == ()


def test_links_are_followed_once(read, tmp_path) -> None:
    paint(tmp_path / "elsewhere" / "cats", 8)
    paint(tmp_path / "d" / "dog", 8)
    (tmp_path / "d" / "cat").symlink_to(tmp_path / "elsewhere" / "cats")
    (tmp_path / "d" / "feline").symlink_to(tmp_path / "elsewhere" / "cats")
    (tmp_path / "d" / "dog" / "up").symlink_to("../..")
    sets = read()
    assert sets.class_names == ("cat", "dog")
    assert sum(sizes(sets)) == 16
    assert sets.notes == ("not used: 2 links to what is here already (dog/up, feline)",)


def test_names_that_are_not_utf8_are_read_and_told(read, tmp_path) -> None:
    paint(tmp_path / "d" / os.fsdecode(b"caf\xe9"), 5)
    paint(tmp_path / "d" / "bar", 5)
    (tmp_path / "d" / os.fsdecode(b"\xff.txt")).write_text("x")
    for _ in range(2):  # decoded, and from the cache
        sets = read()
        assert sets.class_names == ("bar", "caf\udce9")
        assert sets.notes == ("not used: 1 .txt (\udcff.txt)",)


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "webp", "gif", "bmp", "tif", "tiff", "ppm", "WEBP", "Tiff"])
def test_formats_that_people_have_are_read(load, tmp_path, suffix) -> None:
    kind = {"jfif": "JPEG", "jpe": "JPEG", "tif": "TIFF", "ppm": "PPM"}.get(suffix.lower(), suffix.upper())
    (tmp_path / "d").mkdir()
    for index in range(10):
        Image.new("RGB", (6, 6), (200, 40, 40)).save(tmp_path / "d" / f"{index}.{suffix}", format=kind)
    sets = load(name="folder", root=tmp_path / "d", image_size=4)
    assert sum(sizes(sets)) == 10
    assert (sets.train.pixels[:, 0].int() - 200).abs().max() <= 4


def test_content_counts_where_the_ending_lies_or_lacks(load, tmp_path) -> None:
    paint(tmp_path / "d", 6)
    Image.new("RGB", (6, 6)).save(tmp_path / "d" / "webp.jpg", format="WEBP")
    Image.new("RGB", (6, 6)).save(tmp_path / "d" / "bmp.png", format="BMP")
    Image.new("RGB", (6, 6)).save(tmp_path / "d" / "nameless", format="JPEG")
    Image.new("RGB", (6, 6)).save(tmp_path / "d" / "n.01234", format="GIF")
    sets = load(name="folder", root=tmp_path / "d", image_size=4)
    assert sum(sizes(sets)) == 10
    assert sets.skipped == ()


def test_of_several_frames_and_pages_the_first_is_read_and_said(load, tmp_path) -> None:
    (tmp_path / "d").mkdir()
    white, black = Image.new("L", (6, 6), 255), Image.new("L", (6, 6), 0)
    for index in range(4):
        white.save(tmp_path / "d" / f"{index}.gif", save_all=True, append_images=[black, black])
        white.save(tmp_path / "d" / f"{index}.tif", save_all=True, append_images=[black])
    for _ in range(2):  # decoded, and from the cache
        sets = load(name="folder", root=tmp_path / "d", image_size=4)
        assert sets.train.pixels.min() == 255
        assert "of files with several pages or frames the first is used: 0.gif, 0.tif, 1.gif and 5 more" in sets.notes


@pytest.mark.parametrize(("highest", "bits"), [(250, 8), (1000, 10), (4095, 12), (9000, 14)])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_few_bits_in_sixteen_are_scaled_alike_and_said(load, tmp_path, highest, bits, suffix) -> None:
    import numpy as np

    (tmp_path / "d").mkdir()
    for index in range(10):
        values = np.full((6, 6), highest if index == 9 else highest // 2, np.uint16)
        Image.fromarray(values).save(tmp_path / "d" / f"{index}.{suffix}")
    for _ in range(2):  # decoded, and from the cache
        sets = load(name="folder", root=tmp_path / "d", image_size=4, channels=1)
        white = 2**bits - 1
        found = torch.cat([sets.train.pixels, sets.validation.pixels, sets.test.pixels]).unique().tolist()
        assert found == [highest // 2 * 255 // white, highest * 255 // white]
        assert (
            f"the brightest value of the 16-bit images is {highest:,} of 65,535: they are read as {bits} bits"
            in sets.notes[0]
        )


def test_sixteen_bits_that_are_used_are_no_news(load, tmp_path) -> None:
    import numpy as np

    (tmp_path / "d").mkdir()
    for index in range(10):
        Image.fromarray(np.full((6, 6), index * 7000, np.uint16)).save(tmp_path / "d" / f"{index}.png")
    assert load(name="folder", root=tmp_path / "d", image_size=4, channels=1).notes == ()
