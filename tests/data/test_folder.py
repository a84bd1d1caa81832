import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from vae_tui.data import decoded_cache, folder, parallel
from vae_tui.errors import DataError
from vae_tui.photos.photo import read_photo
from vae_tui.photos.processes import examine_in_processes

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def paint(path: Path, colour=RED, size=(20, 16), **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


def quarters(width: int = 40, height: int = 40) -> Image.Image:
    """Red and green above blue and white."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The colours of (C, H, W) at top left, top right, bottom left, bottom right, rounded to what was painted."""
    spots = [pixels[:, y, x] for y in (1, -2) for x in (1, -2)]
    return [tuple(round(value / 255) * 255 for value in spot) for spot in spots]


def test_a_flat_folder_has_no_labels_and_is_cut(load, tmp_path, said) -> None:
    for index in range(40):
        paint(tmp_path / f"{index:02}.{('jpg', 'PNG', 'JPEG', 'png')[index % 4]}", (index * 6, 0, 0))
    sets = load(name="folder", root=tmp_path, image_size=8)
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [32, 4, 4]
    assert sets.train.pixels.shape[1:] == (3, 8, 8)
    assert sets.train.pixels.dtype == torch.uint8
    assert sets.train.labels is None
    assert sets.class_names == ()
    assert said[0] == ("decoding images", 0, 40)
    assert ("decoding images", 40, 40) in said


def test_a_link_to_itself_leads_nowhere_and_is_ignored(load, tmp_path) -> None:
    for index in range(5):
        paint(tmp_path / f"{index}.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    sets = load(name="folder", root=tmp_path, image_size=4)
    assert len(sets.train) + len(sets.validation) + len(sets.test) == 5


def test_images_come_in_the_order_of_their_names(load, tmp_path) -> None:
    for index in np.random.default_rng(0).permutation(30):
        paint(tmp_path / f"{index:02}.png", (int(index) * 8, 0, 0))
    sets = load(name="folder", root=tmp_path, image_size=4, validation=0.0)
    for images in (sets.train, sets.test):
        reds = images.pixels[:, 0, 0, 0].tolist()
        assert reds == sorted(reds)


def test_class_folders_give_labels(load, tmp_path) -> None:
    for index in range(20):
        paint(tmp_path / "shoe" / f"{index}.png", RED)
        paint(tmp_path / "hat" / "summer" / f"{index}.png", BLUE)
    (tmp_path / "empty").mkdir()
    sets = load(name="folder", root=tmp_path, image_size=4)
    assert sets.class_names == ("hat", "shoe")
    assert torch.equal(sets.train.pixels[:, 0, 0, 0] == 255, sets.train.labels == 1)
    assert set(sets.train.labels.tolist()) == {0, 1}


@pytest.mark.parametrize("validation", ["validation", "val", "Val"])
def test_split_folders_are_kept(load, tmp_path, validation) -> None:
    for split, count in (("train", 6), (validation, 3), ("test", 2)):
        for index in range(count):
            paint(tmp_path / split / "hat" / f"{index}.png", RED)
            paint(tmp_path / split / "shoe" / f"{index}.png", BLUE)
    paint(tmp_path / "preview.png")
    sets = load(name="folder", root=tmp_path, image_size=4)
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [12, 6, 4]
    assert sets.test.labels.tolist() == [0, 0, 1, 1]
    assert sets.class_names == ("hat", "shoe")


def test_split_folders_may_be_flat_and_few(load, tmp_path) -> None:
    for index in range(20):
        paint(tmp_path / "train" / f"{index:02}.png", RED)
    for index in range(4):
        paint(tmp_path / "test" / f"{index:02}.png", BLUE)
    sets = load(name="folder", root=tmp_path, image_size=4)
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [18, 2, 4]
    assert sets.test.pixels[:, 2].min() == 255


def test_hidden_files_and_other_files_are_ignored(load, tmp_path) -> None:
    for index in range(5):
        paint(tmp_path / f"{index}.png")
    (tmp_path / "._0.png").write_bytes(b"resource fork")
    (tmp_path / "notes.txt").write_text("words")
    paint(tmp_path / ".thumbnails" / "0.png")
    sets = load(name="folder", root=tmp_path, image_size=4)
    assert len(sets.train) + len(sets.validation) + len(sets.test) == 5
    assert sets.skipped == ()


@pytest.mark.parametrize("size", [(28, 20), (33, 7), (64, 64), (4, 50)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_height_and_width_is_met(tmp_path, size, channels) -> None:
    for name, source in (
        ("wide.jpg", (301, 50)),
        ("tall.png", (31, 200)),
        ("tiny.png", (1, 1)),
        ("line.png", (500, 1)),
    ):
        path = paint(tmp_path / name, (200, 200, 200), source)
        pixels = read_photo(path, height=size[0], width=size[1], channels=channels)
        assert pixels.shape == (channels, *size)
        assert np.abs(pixels.astype(int) - 200).max() <= 2


def test_the_longer_side_is_cropped_evenly(tmp_path) -> None:
    image = Image.new("RGB", (300, 100), BLUE)
    image.paste(RED, (100, 0, 200, 100))
    image.save(tmp_path / "wide.png")
    pixels = read_photo(tmp_path / "wide.png", height=20, width=20, channels=3)
    assert (pixels[0, :, 1:-1] == 255).all()
    assert (pixels == pixels[:, :, ::-1]).all()
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "tall.png")
    assert (read_photo(tmp_path / "tall.png", height=20, width=20, channels=3) == pixels.transpose(0, 2, 1)).all()


def test_shrinking_averages(tmp_path) -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    pixels = read_photo(tmp_path / "stripes.png", height=16, width=16, channels=1).astype(int)
    assert np.abs(pixels - 128).max() <= 4


@pytest.mark.slow
def test_a_large_jpeg_comes_out_as_its_png_does(tmp_path) -> None:
    waves = np.sin(np.linspace(0, 20, 2000))[:, None] * np.cos(np.linspace(0, 25, 2400)) * 100 + 128
    image = Image.fromarray(waves.astype(np.uint8)).convert("RGB")
    image.save(tmp_path / "waves.png", compress_level=1)
    image.save(tmp_path / "waves.jpg", quality=95)
    png, jpeg = (
        read_photo(tmp_path / f"waves.{suffix}", height=64, width=48, channels=3).astype(int)
        for suffix in ("png", "jpg")
    )
    assert np.abs(png - jpeg).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_photos_are_turned_upright(tmp_path, orientation, suffix) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = quarters(80, 48)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / f"turned.{suffix}", exif=exif)
    pixels = read_photo(tmp_path / f"turned.{suffix}", height=24, width=40, channels=3)
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "CMYK", "transparent palette", "transparent RGB"]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_pixel_is_read(tmp_path, mode, channels) -> None:
    path = tmp_path / ("image.jpg" if mode == "CMYK" else "image.png")
    grey = Image.new("L", (20, 20), 255)
    grey.paste(0, (10, 0, 20, 20))
    if mode == "I;16":
        Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(path)
    elif mode in ("LA", "RGBA", "PA"):
        # Black on the left, but wholly transparent there: white shows.
        clear = Image.new("LA", (20, 20), (0, 0))
        clear.paste((0, 255), (10, 0, 20, 20))
        clear.convert("RGBA" if mode == "PA" else mode).save(path)
        if mode == "PA":
            Image.open(path).quantize(4).save(path)
    elif mode == "transparent palette":
        palette = Image.new("P", (20, 20), 1)
        palette.putpalette([0, 0, 0, 9, 9, 9])
        palette.paste(0, (10, 0, 20, 20))
        palette.save(path, transparency=b"\xff\x00")
    elif mode == "transparent RGB":
        image = Image.new("RGB", (20, 20), (1, 2, 3))
        image.paste((0, 0, 0), (10, 0, 20, 20))
        image.save(path, transparency=(1, 2, 3))
    else:
        grey.convert(mode).save(path)
    pixels = read_photo(path, height=20, width=20, channels=channels).astype(int)
    assert pixels.shape == (channels, 20, 20)
    assert pixels[:, :, :8].min() >= 250
    assert pixels[:, :, 12:].max() <= 5


def test_sixteen_bits_keep_their_shades(tmp_path) -> None:
    Image.fromarray(np.array([[0, 257, 32768, 65535]] * 4, np.uint16)).save(tmp_path / "deep.png")
    assert read_photo(tmp_path / "deep.png", height=4, width=4, channels=1)[0, 0].tolist() == [0, 1, 127, 255]


def test_half_transparent_pixels_let_white_shine_through(tmp_path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 127)).save(tmp_path / "glass.png")
    assert read_photo(tmp_path / "glass.png", height=8, width=8, channels=1).flatten()[0] == 128


def test_grey_weighs_colours_as_the_eye_does(tmp_path) -> None:
    greys = []
    for colour in (RED, GREEN, BLUE):
        path = paint(tmp_path / "colour.png", colour)
        greys.append(int(read_photo(path, height=4, width=4, channels=1)[0, 0, 0]))
    assert greys == [76, 150, 29]


BROKEN = {
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-600]),
    "cut in its header": lambda path: path.write_bytes(path.read_bytes()[:30]),
    "something else": lambda path: path.write_text("<html>404 not found</html>" * 10),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:60] + bytes(2000)),
}


@pytest.fixture
def photos(tmp_path):
    """A folder of 150 photos, alternately JPEG and PNG."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "000.jpg")
    Image.fromarray(noise).save(tmp_path / "001.png")
    for index in range(2, 150):
        suffix = "png" if index % 2 else "jpg"
        shutil.copy(tmp_path / f"{index % 2:03}.{suffix}", tmp_path / f"{index:03}.{suffix}")
    return tmp_path


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("name", ["070.jpg", "071.png"])
def test_a_broken_file_is_skipped_by_name(load, photos, fault, name) -> None:
    BROKEN[fault](photos / name)
    sets = load(name="folder", root=photos, image_size=8, validation=0.0)
    assert sets.skipped == (name,)
    assert len(sets.train) + len(sets.test) == 149
    assert (torch.cat([sets.train.pixels, sets.test.pixels]).flatten(1).float().std(1) > 5).all()


def test_skipped_files_are_named_with_their_folder_and_labels_stay_right(load, photos) -> None:
    for name, colour in (("blue", BLUE), ("red", RED)):
        for index in range(150):
            paint(photos / "sorted" / name / f"{index}.png", colour)
    (photos / "sorted" / "blue" / "7.png").write_bytes(b"")
    sets = load(name="folder", root=photos / "sorted", image_size=4)
    assert sets.skipped == ("blue/7.png",)
    for images in (sets.train, sets.validation, sets.test):
        assert torch.equal(images.pixels[:, 0, 0, 0] == 255, images.labels == 1)


def test_more_than_one_percent_broken_is_refused(load, photos) -> None:
    for index in range(0, 16, 2):
        (photos / f"{index:03}.jpg").write_bytes(b"")
    with pytest.raises(DataError) as error:
        load(name="folder", root=photos, image_size=8)
    for words in (
        "8 of 150 images are broken, more than 1%",
        "000.jpg: no image that can be read, but an empty file",
        "008.jpg",
        "and 3 more",
    ):
        assert words in str(error.value)
    assert "010.jpg" not in str(error.value)


def test_a_split_of_which_nothing_is_left_is_refused(load, photos) -> None:
    (photos / "all" / "train").mkdir(parents=True)
    (photos / "all" / "test").mkdir()
    for path in photos.glob("*.*"):
        path.rename(photos / "all" / "train" / path.name)
    (photos / "all" / "test" / "only.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"every image for test is broken: test/only.png"):
        load(name="folder", root=photos / "all", image_size=8)


@pytest.mark.slow
def test_nothing_pillow_grumbles_about_reaches_the_user(load, photos) -> None:
    # Pixels enough for Pillow's warning of decompression bombs, and notes it finds damaged.
    Image.new("1", (10_000, 9_000)).save(photos / "huge.png")
    image = Image.open(photos / "000.jpg")
    image.save(photos / "notes.jpg", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff\x12\x01")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sets = load(name="folder", root=photos, image_size=8, validation=0.0)
    assert caught == []
    assert sets.skipped == ()


def test_a_picture_too_large_to_be_one_is_skipped(load, photos) -> None:
    content = (photos / "001.png").read_bytes()
    # Width and height stand in the header, which carries a checksum of its own.
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + content[24:29]
    (photos / "bomb.png").write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
    assert load(name="folder", root=photos, image_size=8).skipped == ("bomb.png",)


def test_long_comments_in_a_png_do_no_harm(load, photos) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("comment", "x" * 100_000, zip=True)
    Image.open(photos / "001.png").save(photos / "long.png", pnginfo=notes)
    assert load(name="folder", root=photos, image_size=8).skipped == ()


def test_folders_that_hold_no_images_are_refused(load, tmp_path) -> None:
    with pytest.raises(DataError, match="holds no images"):
        load(name="folder", root=tmp_path)
    with pytest.raises(DataError, match="is not there"):
        load(name="folder", root=tmp_path / "nowhere")
    path = paint(tmp_path / "one.png")
    with pytest.raises(DataError, match=r"is a file \(data.name = \"npz\" reads arrays and pages of TIFF\)"):
        load(name="folder", root=path)
    (tmp_path / "set" / "test").mkdir(parents=True)
    paint(tmp_path / "set" / "train" / "one.png")
    with pytest.raises(DataError, match=r"set/test holds no images"):
        load(name="folder", root=tmp_path / "set")


def test_mixed_layouts_are_refused(load, tmp_path) -> None:
    paint(tmp_path / "mixed" / "stray.png")
    paint(tmp_path / "mixed" / "hat" / "one.png")
    with pytest.raises(DataError, match=r"stray.png beside folders of images \(hat/\)"):
        load(name="folder", root=tmp_path / "mixed")
    paint(tmp_path / "twice" / "train" / "one.png")
    paint(tmp_path / "twice" / "val" / "one.png")
    paint(tmp_path / "twice" / "validation" / "one.png")
    with pytest.raises(DataError, match="both val/ and validation/"):
        load(name="folder", root=tmp_path / "twice")
    paint(tmp_path / "untrained" / "test" / "one.png")
    with pytest.raises(DataError, match="test/ but no train/"):
        load(name="folder", root=tmp_path / "untrained")


def test_the_images_do_not_depend_on_the_order_they_are_decoded_in(load, photos) -> None:
    first, again = (load(name="folder", root=photos, image_size=16, seed=1) for _ in range(2))
    for split in ("train", "validation", "test"):
        assert torch.equal(getattr(first, split).pixels, getattr(again, split).pixels)


def test_processes_decode_what_this_one_would(load, photos, monkeypatch) -> None:
    (photos / "140.jpg").write_bytes(b"no image")
    dim = np.full((40, 40), 900, np.uint16)
    Image.fromarray(dim).save(photos / "145.png")  # of 10 bits: scaled once that is known of all
    asked = []

    def in_processes(paths, **size):
        asked.extend(paths)
        return examine_in_processes(paths, **size)

    monkeypatch.setattr(folder, "examine_in_processes", in_processes)
    monkeypatch.setattr(parallel, "_SECONDS_ALONE", 1e9)  # however busy the machine is, threads are not for these
    loaded = []
    for least in (1e9, 0.0):
        shutil.rmtree(decoded_cache.cache_folder(), ignore_errors=True)
        monkeypatch.setattr(parallel, "_SECONDS_WORTH_PROCESSES", least)
        loaded.append(load(name="folder", root=photos, image_size=16, channels=1))
    assert len(asked) == 150 - 128
    here, there = loaded
    assert here.skipped == there.skipped == ("140.jpg",)
    assert here.notes == there.notes
    for split in ("train", "validation", "test"):
        assert torch.equal(getattr(here, split).pixels, getattr(there, split).pixels)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_named(load, photos) -> None:
    locked = photos / "locked"
    locked.mkdir(mode=0)
    try:
        with pytest.raises(DataError, match="locked cannot be read: Permission denied"):
            load(name="folder", root=photos)
    finally:
        locked.chmod(0o700)


@pytest.mark.slow
def test_real_photos_in_split_and_class_folders(load, real_data) -> None:
    if not (real_data / "clothing64").is_dir():
        pytest.skip(f"no clothing64 in {real_data}")
    sets = load(name="folder", root=real_data / "clothing64", image_size=(28, 20), channels=1)
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [3068, 341, 372]
    assert sets.train.pixels.shape[1:] == (1, 28, 20)
    assert len(sets.class_names) == 10
    assert sets.skipped == ()


def test_real_photos_of_mixed_sizes(load, real_data) -> None:
    if not (real_data / "clothing_original_sample").is_dir():
        pytest.skip(f"no clothing_original_sample in {real_data}")
    sets = load(name="folder", root=real_data / "clothing_original_sample", image_size=(63, 41))
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [49, 6, 6]
    assert (sets.train.pixels.flatten(1).float().std(1) > 5).all()
