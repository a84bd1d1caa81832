from typing import Any

import numpy as np
import pytest
import torch

from vae_tui.data import as_floats, binarize, draw_bits

GREY = torch.arange(256, dtype=torch.uint8)


def test_floats_lie_between_zero_and_one() -> None:
    floats = as_floats(GREY)
    assert floats.dtype == torch.float32
    assert floats[0] == 0
    assert floats[255] == 1
    assert torch.equal((floats * 255).round().to(torch.uint8), GREY)


def test_black_stays_black_and_white_stays_white_whatever_is_drawn() -> None:
    bits = torch.tensor([-(2**15), 0, 2**15 - 1], dtype=torch.int16)
    assert binarize(torch.zeros(3, dtype=torch.uint8), bits).tolist() == [0, 0, 0]
    assert binarize(torch.full((3,), 255, dtype=torch.uint8), bits).tolist() == [1, 1, 1]


def test_a_pixel_is_white_for_just_as_many_of_all_draws_as_it_is_bright() -> None:
    every = torch.arange(-(2**15), 2**15).to(torch.int16)
    shares = binarize(GREY.repeat(2**16, 1), every[:, None].expand(-1, 256)).mean(0, dtype=torch.float64)
    assert (shares - GREY.double() / 255).abs().max() <= 2**-17 + 1e-9


def test_all_draws_are_alike_and_those_of_a_seed_the_same() -> None:
    shape = torch.Size((1000, 777))
    bits = draw_bits(shape, torch.Generator().manual_seed(0))
    assert (bits.dtype, bits.shape) == (torch.int16, shape)
    counts = torch.bincount((bits.flatten().int() + 2**15) // 256, minlength=256).double()
    expected = bits.numel() / 256
    # Chi-squared with 255 degrees of freedom: mean 255, standard deviation 22.6.
    assert 165 < ((counts - expected) ** 2 / expected).sum() < 345
    neighbours = torch.corrcoef(torch.stack([bits.flatten()[:-1].double(), bits.flatten()[1:].double()]))
    assert abs(neighbours[0, 1]) < 0.005
    assert torch.equal(bits, draw_bits(shape, torch.Generator().manual_seed(0)))


@pytest.fixture
def greys(tmp_path):
    """Sixty grey images in train, validation and test."""
    generator = np.random.default_rng(0)
    path = tmp_path / "grey.npz"
    arrays: Any = {
        f"{split}_images": generator.integers(1, 255, (60, 9, 7), np.uint8) for split in ("train", "valid", "test")
    }
    np.savez(path, **arrays)
    return path


def is_black_and_white(images) -> bool:
    return set(images.pixels.unique().tolist()) == {0, 255}


def test_static_draws_every_split_once_by_the_seed(load, greys) -> None:
    first = load(name="npz", root=greys, binarize="static", seed=5)
    again = load(name="npz", root=greys, binarize="static", seed=5)
    other = load(name="npz", root=greys, binarize="static", seed=6)
    for split in ("train", "validation", "test"):
        assert is_black_and_white(getattr(first, split))
        assert torch.equal(getattr(first, split).pixels, getattr(again, split).pixels)
        assert not torch.equal(getattr(first, split).pixels, getattr(other, split).pixels)


def test_dynamic_leaves_train_grey_and_draws_the_others_as_static_does(load, greys) -> None:
    grey = load(name="npz", root=greys)
    static = load(name="npz", root=greys, binarize="static")
    dynamic = load(name="npz", root=greys, binarize="dynamic")
    assert torch.equal(dynamic.train.pixels, grey.train.pixels)
    assert torch.equal(dynamic.validation.pixels, static.validation.pixels)
    assert torch.equal(dynamic.test.pixels, static.test.pixels)


def test_the_drawn_test_split_does_not_depend_on_validation(load, greys) -> None:
    kept = load(name="npz", root=greys, binarize="static")
    joined = load(name="npz", root=greys, binarize="static", validation=0.0)
    assert torch.equal(kept.test.pixels, joined.test.pixels)
    assert len(joined.train) == 120


def test_splits_are_drawn_apart(load, tmp_path) -> None:
    arrays: Any = {f"{split}_images": np.full((50, 8, 8), 128, np.uint8) for split in ("train", "test")}
    np.savez(tmp_path / "same.npz", **arrays)
    sets = load(name="npz", root=tmp_path / "same.npz", binarize="static", validation=0.0)
    assert not torch.equal(sets.train.pixels, sets.test.pixels)


def test_large_sets_are_drawn_in_pieces_without_a_seam(load, tmp_path) -> None:
    np.savez(tmp_path / "large.npz", images=np.full((6000, 28, 28), 64, np.uint8))
    sets = load(name="npz", root=tmp_path / "large.npz", binarize="static", test=0.01)
    shares = as_floats(sets.train.pixels).mean((1, 2, 3))
    assert (shares - 64 / 255).abs().max() < 0.09


def test_colour_is_drawn_channel_by_channel(load, tmp_path) -> None:
    images = np.broadcast_to(np.array([0, 128, 255], np.uint8), (40, 8, 8, 3))
    np.savez(tmp_path / "colour.npz", images=images)
    sets = load(name="npz", root=tmp_path / "colour.npz", binarize="static")
    assert sets.train.pixels[:, 0].max() == 0
    assert set(sets.train.pixels[:, 1].unique().tolist()) == {0, 255}
    assert sets.train.pixels[:, 2].min() == 255
