"""TIFF files of several pages, read as arrays of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from vae_tui.data import ImageSets
from vae_tui.errors import DataError

Load = Callable[..., ImageSets]
GREY = (np.arange(40 * 9 * 7) % 251).astype(np.uint8).reshape(40, 9, 7)
COLOUR = (np.arange(40 * 9 * 7 * 3) % 251).astype(np.uint8).reshape(40, 9, 7, 3)


def save(path: Path, pages: Sequence[NDArray[Any]] | NDArray[Any], **options: Any) -> Path:
    """A TIFF file with an image on each page."""
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=others, **options)
    return path


def every(sets: ImageSets) -> torch.Tensor:
    """The images of all splits, in the order of what their bytes spell."""
    assert sets.validation is not None
    images = torch.cat([part.pixels[:] for part in (sets.train, sets.validation, sets.test)])
    return torch.stack(sorted(images, key=lambda image: image.numpy().tobytes()))


def in_order(images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.stack(sorted(torch.from_numpy(images.copy()), key=lambda image: image.numpy().tobytes()))


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY.astype(np.uint16), GREY[:, None]),
        (GREY.astype(">u2"), GREY[:, None]),
        (GREY.astype(np.int32), GREY[:, None]),
        (GREY / np.float32(255), GREY[:, None]),
        (GREY > 100, (GREY > 100).astype(np.uint8)[:, None] * 255),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
    ],
)
def test_each_page_is_an_image(load: Load, tmp_path: Path, stored: NDArray[Any], expected: NDArray[np.uint8]) -> None:
    sets = load(name="npz", root=save(tmp_path / "stack.tif", stored))
    assert (len(sets.train), len(sets.test), sets.notes) == (32, 4, ())
    assert torch.equal(every(sets), in_order(expected))


@pytest.mark.parametrize("options", [{"compression": "tiff_lzw"}, {"compression": "tiff_deflate"}, {"big_tiff": True}])
def test_packed_and_large_files_are_read(load: Load, tmp_path: Path, options: dict[str, Any]) -> None:
    sets = load(name="npz", root=save(tmp_path / "STACK.TIFF", GREY, **options))
    assert torch.equal(every(sets), in_order(GREY[:, None]))


def test_colours_of_a_palette_are_those_that_are_seen(load: Load, tmp_path: Path) -> None:
    pages = [Image.fromarray(page).convert("P", palette=Image.Palette.ADAPTIVE, colors=2) for page in COLOUR * 0 + 90]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    sets = load(name="npz", root=tmp_path / "stack.tif")
    assert sets.train.pixels[:].unique().tolist() == [90]
    assert sets.train.pixels.shape[1:] == (3, 9, 7)


def test_a_stack_larger_than_memory_streams_and_is_read_once(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "stack.tif", GREY)
    streamed = load(name="npz", root=path, memory_gib=1e-6)
    assert not isinstance(streamed.train.pixels, torch.Tensor)
    assert torch.equal(every(streamed), in_order(GREY[:, None]))
    monkeypatch.setattr("vae_tui.data.tiff_stack.TiffStack.read_images", lambda *_: pytest.fail("it is read anew"))
    assert torch.equal(every(load(name="npz", root=path, memory_gib=1e-6)), in_order(GREY[:, None]))


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        (
            GREY.astype(np.uint16) + 200,
            r"stack\.tif is uint16 \(40, 9, 7\) and holds values from 200 to 450; expected whole",
        ),
        (GREY.astype(np.float32), r"stack\.tif is float32 .*; for 0 to 255, save bytes"),
        (
            [*GREY[:3], GREY[3, 1:]],
            r"stack\.tif: page 4 is uint8 \(8, 7\), but the first is uint8 \(9, 7\); expected pages",
        ),
        ([*GREY[:3], COLOUR[3]], r"page 4 is uint8 \(9, 7, 3\), but the first is uint8 \(9, 7\)"),
        (np.zeros((5, 9, 7, 4), np.uint8), "a fourth channel may be transparency"),
        (GREY[:1], r'stack\.tif has one page; .* data\.name = "folder" reads folders of images'),
    ],
)
def test_pages_that_are_no_set_of_images_are_refused(load: Load, tmp_path: Path, pages: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        load(name="npz", root=save(tmp_path / "stack.tif", pages))


def test_one_page_that_stands_for_many_is_told(load: Load, tmp_path: Path) -> None:
    notes = ImageFileDirectory_v2()
    notes[270] = "ImageJ=1.54f\nimages=70000\nslices=70000\n"
    with pytest.raises(DataError, match="says that it holds 70,000 images, but has one page, as ImageJ saves"):
        load(name="npz", root=save(tmp_path / "stack.tif", GREY[:1], tiffinfo=notes))


def test_colours_of_16_bits_are_not_cut_to_8(load: Load, tmp_path: Path) -> None:
    path = save(tmp_path / "stack.tif", COLOUR[:2, :, :6])
    content = path.read_bytes()
    # The bytes of six pixels a row are three of twice as many bits; Pillow writes no such.
    for eight, sixteen in (
        (b"\x08\0" * 3, b"\x10\0" * 3),
        (b"\0\x01\x04\0\x01\0\0\0\x06", b"\0\x01\x04\0\x01\0\0\0\x03"),
    ):
        assert content.count(eight) == 2
        content = content.replace(eight, sixteen)
    path.write_bytes(content)
    with pytest.raises(DataError, match="has 16 bits a colour, of which 8 would be read"):
        load(name="npz", root=path)


@pytest.mark.parametrize("keep", [4, 100, 600, 3000, -200])
def test_files_cut_short_are_refused(load: Load, tmp_path: Path, keep: int) -> None:
    path = save(tmp_path / "stack.tif", GREY)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"stack\.tif.* is damaged or was cut short"):
        load(name="npz", root=path)


def test_a_folder_is_not_the_place_of_a_stack(load: Load, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'is a file \(data\.name = "npz" reads arrays and pages of TIFF\)'):
        load(name="folder", root=save(tmp_path / "stack.tif", GREY))
