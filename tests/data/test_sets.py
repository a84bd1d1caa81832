import zlib

import pytest
import torch

from vae_tui.data import sets
from vae_tui.data.sets import PackedImages


@pytest.fixture
def images() -> PackedImages:
    """Two thousand images of 3 x 4 x 4, the darkest first."""
    pixels = torch.arange(2000).div(8, rounding_mode="floor").to(torch.uint8)
    return PackedImages(pixels[:, None, None, None].expand(-1, 3, 4, 4).contiguous())


def test_the_mean_is_that_of_all_images(images) -> None:
    torch.testing.assert_close(images.mean_image, images.pixels.double().div(255).mean(0).float())
    assert images.mean_image.shape == (3, 4, 4)


def test_the_mean_of_very_many_is_that_of_evenly_spaced_ones(images, monkeypatch) -> None:
    monkeypatch.setattr(sets, "_MEAN_BYTES", 500 * 48)
    torch.testing.assert_close(images.mean_image, images.pixels[::4].double().div(255).mean(0).float())


def test_the_extremes_are_those_of_all_images_or_of_evenly_spaced_ones(images, monkeypatch) -> None:
    assert images.extremes == (0, 249)
    monkeypatch.setattr(sets, "_MEAN_BYTES", 48)
    monkeypatch.setattr(sets, "_EXTREMES_BYTES", 500 * 48)
    assert PackedImages(images.pixels[8:]).extremes == (1, 249)


def test_the_checksum_tells_any_change_and_the_number_of_images(images, monkeypatch) -> None:
    assert images.checksum == zlib.crc32(images.pixels.numpy().data)
    pixels = images.pixels.clone()
    pixels[1001, 0, 0, 0] += 1
    changed = PackedImages(pixels)
    assert changed.checksum != images.checksum
    monkeypatch.setattr(sets, "_CHECKSUM_BYTES", 48)
    few, fewer = PackedImages(images.pixels), PackedImages(images.pixels[:-1])
    assert len({few.checksum, fewer.checksum, images.checksum}) == 3
    assert few.checksum == PackedImages(images.pixels.clone()).checksum
    assert few.checksum != PackedImages(255 - images.pixels).checksum


def test_images_are_copied_to_a_device_once(images) -> None:
    cpu = torch.device("cpu")
    assert images.on(cpu) is images.on(cpu)
