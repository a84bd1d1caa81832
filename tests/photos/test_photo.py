"""Single files: what is wrong beside their pixels does not cost the pixels, and no file takes all the memory."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from vae_tui.photos.photo import UNREADABLE_ERRORS, describe_problem, read_photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow grumbles about; readers hush it

NOISE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)


def read(path: Path) -> np.ndarray:
    return read_photo(path, height=8, width=8, channels=3).transpose(1, 2, 0)


def chunk(name: bytes, data: bytes, *, right: bool = True) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) if right else 7)


@pytest.fixture
def png(tmp_path):
    """Save the noise as a PNG, with something put in after its header or at its end."""

    def png(after_header: bytes = b"", end: bytes | None = None, **options) -> Path:
        Image.fromarray(NOISE).save(tmp_path / "noise.png", **options)
        content = (tmp_path / "noise.png").read_bytes()
        body = content[:33] + after_header + (content[33:] if end is None else content[33:-12] + end)
        (tmp_path / "noise.png").write_bytes(body)
        return tmp_path / "noise.png"

    return png


@pytest.mark.parametrize(
    "note",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(8_000_000))),
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(8_000_000))),
        chunk(b"zTXt", b"Comment\0\0 no packing"),
        chunk(b"tEXt", b"Comment\0wrong", right=False),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(8_000_000))),
        chunk(b"iCCP", b"profile\0\0garbage"),
        chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
        chunk(b"gAMA", b""),
        chunk(b"pHYs", b"short"),
    ],
)
def test_notes_of_any_size_and_damage_do_not_cost_a_png_its_pixels(png, note) -> None:
    assert np.array_equal(read(png(note)), NOISE)
    assert np.array_equal(read(png(end=note + chunk(b"IEND", b""))), NOISE)


@pytest.mark.parametrize("end", [b"", b"\0\0\xff\xfftEXtCom", chunk(b"IEND", b"") + b"trailing" * 100])
def test_a_png_whose_end_is_missing_or_too_long_is_whole(png, end) -> None:
    assert np.array_equal(read(png(end=end)), NOISE)


def test_many_texts_are_no_reason_to_lose_a_png(tmp_path) -> None:
    notes = PngImagePlugin.PngInfo()
    for index in range(70):
        notes.add_text(f"note {index}", "x" * 1_000_000, zip=True)
    Image.fromarray(NOISE).save(tmp_path / "noted.png", pnginfo=notes)
    assert np.array_equal(read(tmp_path / "noted.png"), NOISE)


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe1" + struct.pack(">H", 40) + b"Exif\0\0II*\0" + b"\xff" * 28,
        b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0MM",
        b"\xff\xe2" + struct.pack(">H", 30) + b"MPF\0II*\0\x08\0\0\0" + b"\xff" * 16,
        b"\xff\xe2" + struct.pack(">H", 20) + b"ICC_PROFILE\0\x09\x02half",
        b"\xff\xed" + struct.pack(">H", 40) + b"Photoshop 3.0\x008BIM" + b"\xff" * 21,
        b"\xff\xfe" + struct.pack(">H", 12) + b"\xff\xfe\xfd\0\0\0\0\0\0\0",
    ],
)
def test_damaged_notes_do_not_cost_a_jpeg_its_pixels(tmp_path, segment) -> None:
    Image.fromarray(NOISE).save(tmp_path / "plain.jpg", quality=95)
    content = (tmp_path / "plain.jpg").read_bytes()
    (tmp_path / "noted.jpg").write_bytes(content[:2] + segment + content[2:])
    assert np.array_equal(read(tmp_path / "noted.jpg"), read(tmp_path / "plain.jpg"))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_its_end_alone_is_whole_and_one_that_lacks_more_is_not(tmp_path, progressive) -> None:
    large = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(large).save(tmp_path / "whole.jpg", quality=95, progressive=progressive)
    content = (tmp_path / "whole.jpg").read_bytes()
    for missing in (1, 2):
        (tmp_path / "cut.jpg").write_bytes(content[:-missing])
        assert np.array_equal(read(tmp_path / "cut.jpg"), read(tmp_path / "whole.jpg"))
    for missing in (400, 600, len(content) // 2):
        (tmp_path / "cut.jpg").write_bytes(content[:-missing])
        with pytest.raises(UNREADABLE_ERRORS):
            read(tmp_path / "cut.jpg")


def test_how_a_photo_is_turned_survives_damage_beside_it(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(NOISE).save(tmp_path / "turned.png", exif=exif)
    content = (tmp_path / "turned.png").read_bytes()
    (tmp_path / "turned.png").write_bytes(content[:33] + chunk(b"zTXt", b"Comment\0\0 no") + content[33:])
    assert np.array_equal(read(tmp_path / "turned.png"), NOISE[::-1, ::-1])


@pytest.mark.slow
def test_very_large_pictures_are_read_and_impossible_ones_are_not(tmp_path) -> None:
    # Beyond Pillow's limit, which is one of pixels and not of memory.
    Image.new("1", (20_000, 10_000), 1).save(tmp_path / "large.png")
    assert read(tmp_path / "large.png").min() == 255
    content = (tmp_path / "large.png").read_bytes()
    header = b"IHDR" + struct.pack(">II", 200_000, 200_000) + content[24:29]
    (tmp_path / "bomb.png").write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
    with pytest.raises(ValueError, match="200,000 x 200,000 pixels are more than are decoded"):
        read(tmp_path / "bomb.png")
    assert Image.MAX_IMAGE_PIXELS is not None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full((8, 8), 0.5, np.float32), 128),
        (np.full((8, 8), 1.00001, np.float32), 255),
        (np.full((8, 8), 40000, np.int32), 155),
        (np.full((8, 8), 25700, ">u2"), 100),
    ],
)
def test_tiffs_of_deep_values_are_read(tmp_path, values, expected) -> None:
    Image.fromarray(values).save(tmp_path / "deep.tif")
    assert set(np.unique(read(tmp_path / "deep.tif"))) == {expected}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.full((8, 8), 200, np.float32), r"expected floats in \[0, 1\]"),
        (np.full((8, 8), np.nan, np.float32), "NaN"),
        (np.full((8, 8), 70_000, np.int32), "70,000 to 70,000; expected 0 to 65,535"),
        (np.full((8, 8), -4, np.int32), "whole numbers from -4"),
    ],
)
def test_deep_values_of_another_range_are_named(tmp_path, values, told) -> None:
    Image.fromarray(values).save(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match=told):
        read(tmp_path / "deep.tif")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"<!doctype html><html>404", "an HTML page"),
        (b"%PDF-1.7", "a PDF"),
        (b"nothing at all", "no image that can be read"),
    ],
)
def test_what_is_no_image_is_named_as_what_it_is(tmp_path, content, told) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(UNREADABLE_ERRORS) as error:
        read(tmp_path / "x.jpg")
    assert told in describe_problem(error.value, content)
